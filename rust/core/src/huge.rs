//! Blocks above half a chunk: a range of addresses each.
//!
//! A freed range is kept with its memory for the decay time, since mapping and touching megabytes anew costs a thousand
//! times what taking one from a list does; it serves a later block as a whole. Then its memory goes back. Its addresses do
//! too, unless the pool keeps addresses (because a stale `ByteBuffer` may still look at them): then they are vacant,
//! merge with their neighbours, and later blocks are cut from them.

use std::collections::BTreeMap;

use crate::backing::Backing;
use crate::error::{BadFree, Error};
use crate::size_class::PAGE;
use crate::sync::{Mutex, Ordering};
use crate::vacant::Vacant;

/// A block with a range of addresses of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Huge {
    /// Where it starts.
    pub address: usize,
    /// Bytes of it: what was asked for, rounded up to pages.
    pub capacity: usize,
}

/// Addresses with memory, of a live block or for a later one.
#[derive(Clone, Copy, Debug)]
struct Range {
    /// Its bytes, whole pages of the system; all of them are committed.
    bytes: usize,
    /// Bytes the user has; 0 when free.
    used: usize,
    /// When it was freed.
    freed_at: u32,
}

/// The huge blocks of a pool.
///
/// Threading: one lock, let go of around every system call.
#[derive(Debug, Default)]
pub(crate) struct HugeBlocks {
    ranges: Mutex<Ranges>,
}

#[derive(Debug, Default)]
struct Ranges {
    live: BTreeMap<usize, Range>,
    /// Freed, and still with memory.
    cached: Vec<(usize, Range)>,
    /// Freed, and without. Nothing, unless the pool keeps addresses.
    vacant: Vacant,
    /// What was mapped, to be unmapped in the same pieces.
    mapped: BTreeMap<usize, usize>,
    allocations: u64,
    frees: u64,
}

/// What the huge blocks hold, in bytes and counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HugeFigures {
    pub(crate) live: usize,
    pub(crate) live_bytes: usize,
    pub(crate) cached_bytes: usize,
    pub(crate) committed: usize,
    pub(crate) allocations: u64,
    pub(crate) frees: u64,
}

impl HugeBlocks {
    /// A block of at least `size` bytes.
    pub(crate) fn allocate(&self, backing: &Backing, size: usize) -> Result<Huge, Error> {
        let rounded = |bytes: usize, to| bytes.checked_next_multiple_of(to);
        let capacity = rounded(size.max(1), PAGE);
        let (Some(capacity), Some(bytes)) = (capacity, capacity.and_then(|bytes| rounded(bytes, backing.os_page)))
        else {
            return Err(Error::OutOfMemory { requested: size, errno: libc::ENOMEM });
        };
        let (address, bytes) = match self.reuse(backing, bytes, size)? {
            Some(found) => found,
            None => (self.map(backing, bytes, size)?, bytes),
        };
        let mut ranges = self.ranges.lock();
        ranges.live.insert(address, Range { bytes, used: capacity, freed_at: 0 });
        ranges.allocations += 1;
        Ok(Huge { address, capacity })
    }

    /// Takes a block back.
    pub(crate) fn free(&self, backing: &Backing, address: usize) -> Result<usize, BadFree> {
        let mut ranges = self.ranges.lock();
        let Some(range) = ranges.live.remove(&address) else {
            return Err(ranges.why_not(address));
        };
        ranges.frees += 1;
        ranges.cached.push((address, Range { used: 0, freed_at: backing.clock.now(), ..range }));
        Ok(range.used)
    }

    /// Bytes of the live block at `address`.
    pub(crate) fn capacity_at(&self, address: usize) -> Option<usize> {
        self.ranges.lock().live.get(&address).map(|range| range.used)
    }

    /// Gives back the memory of free ranges that are due; of all of them where `all` is set. Returns the bytes.
    pub(crate) fn purge(&self, backing: &Backing, all: bool, keep_addresses: bool) -> usize {
        let due = self.ranges.lock().take_due(backing, all);
        let mut purged = 0;
        for (address, range) in due {
            if !keep_addresses {
                // Forgotten first: as soon as it is unmapped, somebody else may be given these addresses.
                self.ranges.lock().mapped.remove(&address);
            }
            let result = if keep_addresses {
                // SAFETY: the range is in no list, so nobody has or gets a block there.
                unsafe { backing.purge(address, range.bytes) }
            } else {
                // SAFETY: as above, and it was mapped as a whole, as nothing is ever vacant; and the user promised not to
                // touch freed blocks, as the pool does not keep addresses.
                unsafe { backing.unmap(address, range.bytes) }
            };
            let mut ranges = self.ranges.lock();
            if result.is_err() {
                if !keep_addresses {
                    ranges.mapped.insert(address, range.bytes);
                }
                ranges.cached.push((address, Range { freed_at: backing.clock.now(), ..range }));
                continue;
            }
            purged += range.bytes;
            backing.budget.release(range.bytes);
            if keep_addresses {
                ranges.vacant.insert(address, range.bytes);
            } else {
                backing.reserved.fetch_sub(range.bytes, Ordering::Relaxed);
            }
        }
        purged
    }

    pub(crate) fn figures(&self) -> HugeFigures {
        let ranges = self.ranges.lock();
        let live_committed: usize = ranges.live.values().map(|range| range.bytes).sum();
        let cached_bytes: usize = ranges.cached.iter().map(|(_, range)| range.bytes).sum();
        HugeFigures {
            live: ranges.live.len(),
            live_bytes: ranges.live.values().map(|range| range.used).sum(),
            cached_bytes,
            committed: live_committed + cached_bytes,
            allocations: ranges.allocations,
            frees: ranges.frees,
        }
    }

    /// Whether the ranges are disjoint and come to what was mapped, for [`crate::check`].
    pub(crate) fn check(&self) -> Result<(), String> {
        let ranges = self.ranges.lock();
        let live = ranges.live.iter().map(|(&start, range)| (start, range.bytes));
        let cached = ranges.cached.iter().map(|(start, range)| (*start, range.bytes));
        let mut all: Vec<_> = live.chain(cached).chain(ranges.vacant.ranges()).collect();
        all.sort_unstable();
        if let Some(pair) = all.windows(2).find(|pair| pair[0].0 + pair[0].1 > pair[1].0) {
            return Err(format!("the ranges at {:#x} and {:#x} overlap", pair[0].0, pair[1].0));
        }
        let (found, mapped): (usize, usize) = (all.iter().map(|(_, bytes)| bytes).sum(), ranges.mapped.values().sum());
        if found == mapped { Ok(()) } else { Err(format!("{mapped} bytes are mapped, the ranges have {found}")) }
    }

    /// Unmaps everything.
    ///
    /// # Safety
    /// Nobody will touch a huge block of this pool again.
    pub(crate) unsafe fn unmap(&mut self, backing: &Backing) {
        for (address, bytes) in std::mem::take(&mut *self.ranges.lock()).mapped {
            // SAFETY: `map` mapped exactly this, and the caller says that nobody touches it.
            let _ = unsafe { backing.os.unmap(address, bytes) };
        }
    }

    /// Takes a free range: one that still has its memory, else a part of one that has none, which it commits. On failure
    /// that stays where it was.
    fn reuse(&self, backing: &Backing, bytes: usize, size: usize) -> Result<Option<(usize, usize)>, Error> {
        let mut ranges = self.ranges.lock();
        if let Some(found) = ranges.take_cached(bytes) {
            return Ok(Some(found));
        }
        let Some(address) = ranges.vacant.best_fit(bytes) else {
            return Ok(None);
        };
        backing.budget.acquire(bytes, size)?;
        ranges.vacant.cut(address, bytes);
        Ok(Some((address, bytes)))
    }

    /// Maps `bytes` and commits them. Where as much and more is vacant in pieces that are too small, because what was
    /// mapped does not lie side by side, it maps up to twice as much: so the pieces of a block that grows and grows become
    /// longer, and few.
    fn map(&self, backing: &Backing, bytes: usize, size: usize) -> Result<usize, Error> {
        backing.budget.acquire(bytes, size)?;
        let vacant = self.ranges.lock().vacant.bytes();
        let map = |bytes| backing.os.map(bytes, backing.os_page, &backing.label).map(|address| (address, bytes));
        let more = if vacant > bytes { map(vacant.min(2 * bytes)).ok() } else { None };
        let (address, mapped) = more.map_or_else(|| map(bytes), Ok).map_err(|errno| {
            backing.budget.release(bytes);
            Error::OutOfMemory { requested: size, errno: errno.0 }
        })?;
        backing.os.huge_pages(address, mapped, backing.huge_pages);
        backing.reserved.fetch_add(mapped, Ordering::Relaxed);
        let mut ranges = self.ranges.lock();
        ranges.mapped.insert(address, mapped);
        if mapped > bytes {
            ranges.vacant.insert(address + bytes, mapped - bytes);
        }
        Ok(address)
    }
}

impl Ranges {
    /// The smallest cached range of at least so many bytes, if no more than a quarter of them would be wasted.
    fn take_cached(&mut self, bytes: usize) -> Option<(usize, usize)> {
        let fits = |range: &Range| range.bytes >= bytes && range.bytes <= bytes + bytes / 4;
        let candidates = self.cached.iter().enumerate().filter(|(_, (_, range))| fits(range));
        let (index, _) = candidates.min_by_key(|(_, (_, range))| range.bytes)?;
        let (address, range) = self.cached.swap_remove(index);
        Some((address, range.bytes))
    }

    fn take_due(&mut self, backing: &Backing, all: bool) -> Vec<(usize, Range)> {
        let due = |&mut (address, range): &mut (usize, Range)| {
            all || backing.clock.is_due((address / PAGE) as u32, range.freed_at)
        };
        self.cached.extract_if(.., due).collect()
    }

    fn why_not(&self, address: usize) -> BadFree {
        if self.cached.iter().any(|(free, _)| *free == address) {
            return BadFree::Double;
        }
        if self.vacant.contains(address) {
            return BadFree::NoBlock;
        }
        match self.live.range(..address).next_back() {
            Some((&block, range)) if address < block + range.used => BadFree::Interior { block, size: range.used },
            _ => BadFree::Foreign,
        }
    }
}
