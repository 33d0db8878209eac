//! Many blocks at once, as a request or a batch job needs them.

use std::fmt;
use std::hint::black_box;

use super::{Sample, WARM_UP, touch};
use crate::candidates::Candidate;
use crate::processor::ThreadTime;
use crate::random::Random;

/// In which order the blocks of a burst are freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The first one first.
    Fifo,
    /// The last one first.
    Lifo,
    /// A random order, the same for each burst.
    Random,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Order::Fifo => "FIFO",
            Order::Lifo => "LIFO",
            Order::Random => "random",
        })
    }
}

pub(super) fn run<C: Candidate>(candidate: &C, size: usize, length: usize, order: Order, blocks: u64) -> Sample {
    let mut indices: Vec<u32> = (0..length as u32).collect();
    match order {
        Order::Fifo => {}
        Order::Lifo => indices.reverse(),
        Order::Random => Random::new(1).shuffle(&mut indices),
    }
    let bursts = blocks.div_ceil(length as u64);
    self::bursts(candidate, size, &indices, bursts.div_ceil(WARM_UP));
    let start = ThreadTime::start();
    self::bursts(candidate, size, &indices, bursts);
    Sample { time: start.elapsed(), blocks: bursts * length as u64 }
}

#[inline(never)]
fn bursts<C: Candidate>(candidate: &C, size: usize, order: &[u32], bursts: u64) {
    let mut blocks = vec![std::ptr::null_mut(); order.len()];
    for _ in 0..bursts {
        for block in &mut blocks {
            let size = black_box(size);
            *block = candidate.allocate(size);
            touch(*block);
        }
        for &index in order {
            // SAFETY: each index comes once, and each block was allocated by this burst.
            unsafe { candidate.free(blocks[index as usize], black_box(size)) };
        }
    }
}
