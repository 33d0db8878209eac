//! Checked mode: misuse of memory is found, at a price.
//!
//! Behind each block lies a canary, which is verified when the block is released. Released blocks are filled with a
//! poison and wait in a quarantine, first in first out and bounded by bytes; before one leaves it, and only then can be
//! handed out again, the poison is verified. Caches are not used: the quarantine is what keeps blocks from being reused.
//!
//! This is the one place where the library writes into blocks.

use std::collections::{HashMap, VecDeque};
use std::slice;

use crate::report::Report;
use crate::size_class::SizeClass;
use crate::sync::Mutex;

/// Bytes behind the end of a block that are watched, at least.
pub(crate) const REDZONE: usize = 16;
const CANARY: u8 = 0xca;
const POISON: u8 = 0xde;

/// A block in checked mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckedBlock {
    pub(crate) address: usize,
    /// Bytes that were asked for.
    pub(crate) size: usize,
    /// Bytes of the block.
    pub(crate) usable: usize,
}

/// What checked mode knows of a pool's blocks.
#[derive(Debug)]
pub(crate) struct Checked {
    state: Mutex<State>,
    quarantine_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    /// Every block under watch, until it leaves the quarantine.
    watched: HashMap<usize, Watched>,
    /// Released ones, oldest first.
    quarantine: VecDeque<usize>,
    bytes: usize,
}

#[derive(Debug)]
struct Watched {
    block: CheckedBlock,
    is_live: bool,
}

/// What became of a block that was released.
pub(crate) enum Left {
    /// It is in quarantine now; with it comes what was found.
    Now(Option<Report>),
    /// It was released before.
    Before,
    /// It stays: its class is another one, with blocks of so many bytes.
    Other(usize),
    /// It is not under watch: it was taken in a batch, or is no block.
    NeverEntered,
}

impl Checked {
    /// With a quarantine of at most this many bytes.
    pub(crate) fn new(quarantine_bytes: usize) -> Self {
        Checked { state: Mutex::default(), quarantine_bytes }
    }

    /// Puts a block that was just taken under watch.
    pub(crate) fn enter(&self, block: CheckedBlock) {
        fill(block.address + block.size, block.usable - block.size, CANARY);
        self.state.lock().watched.insert(block.address, Watched { block, is_live: true });
    }

    /// Verifies a block of `class` that is being released, poisons it and puts it into quarantine.
    pub(crate) fn leave(&self, class: SizeClass, address: usize) -> Left {
        let block = {
            let mut state = self.state.lock();
            let Some(watched) = state.watched.get_mut(&address) else { return Left::NeverEntered };
            if watched.block.usable != class.size() {
                return Left::Other(watched.block.usable);
            }
            if !std::mem::replace(&mut watched.is_live, false) {
                return Left::Before;
            }
            watched.block
        };
        let report = block.overrun();
        fill(block.address, block.usable, POISON);
        let mut state = self.state.lock();
        state.bytes += block.usable;
        state.quarantine.push_back(address);
        Left::Now(report)
    }

    /// Verifies a huge block that is being released. It gets no quarantine: one would hold the memory of thousands of
    /// others.
    pub(crate) fn leave_huge(&self, address: usize) -> Option<Report> {
        let watched = self.state.lock().watched.remove(&address)?;
        watched.block.overrun()
    }

    /// Takes the oldest block out of a quarantine that is over its bytes (or of any, where `all` is set), verified.
    pub(crate) fn pop(&self, all: bool) -> Option<(CheckedBlock, Option<Report>)> {
        let block = {
            let mut state = self.state.lock();
            if !all && state.bytes <= self.quarantine_bytes {
                return None;
            }
            let address = state.quarantine.pop_front()?;
            let block = state.watched.remove(&address)?.block;
            state.bytes -= block.usable;
            block
        };
        let report = first_other(block.address, block.usable, POISON).map(|offset| Report::WriteAfterFree {
            address: block.address,
            size: block.size,
            offset,
        });
        Some((block, report))
    }

    /// Bytes in quarantine.
    pub(crate) fn quarantined_bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// Bytes that were asked for of the block at `address`, if it is under watch, and whether it is live.
    pub(crate) fn find(&self, address: usize) -> Option<(usize, bool)> {
        self.state.lock().watched.get(&address).map(|watched| (watched.block.size, watched.is_live))
    }
}

impl CheckedBlock {
    fn overrun(&self) -> Option<Report> {
        let redzone = (self.address + self.size, self.usable - self.size);
        let offset = self.size + first_other(redzone.0, redzone.1, CANARY)?;
        Some(Report::Overrun { address: self.address, size: self.size, offset })
    }
}

fn fill(address: usize, bytes: usize, with: u8) {
    // SAFETY: callers pass parts of blocks that are taken from the pool and, by now or still, theirs alone.
    unsafe { std::ptr::write_bytes(address as *mut u8, with, bytes) };
}

/// Offset of the first byte that is not `expected`.
fn first_other(address: usize, bytes: usize, expected: u8) -> Option<usize> {
    // SAFETY: as for `fill`. If somebody does write at the same time, that is the misuse we look for, and a byte is seen
    // with its old or its new value.
    let bytes = unsafe { slice::from_raw_parts(address as *const u8, bytes) };
    bytes.iter().position(|&byte| byte != expected)
}
