//! Blocks above half a chunk: a mapping each.
//!
//! A freed mapping is kept for the decay time, since mapping and touching megabytes anew costs a thousand times what
//! taking one from a list does. Then its memory goes back; its addresses too, unless the pool keeps addresses (because a
//! stale `ByteBuffer` may still look at them), in which case a later block is put there.

use std::collections::BTreeMap;

use crate::backing::Backing;
use crate::error::{BadFree, Error};
use crate::size_class::PAGE;
use crate::sync::{Mutex, Ordering};

/// A block with a mapping of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Huge {
    /// Where it starts.
    pub address: usize,
    /// Bytes of it: what was asked for, rounded up to pages.
    pub capacity: usize,
}

/// A mapping, live or free.
#[derive(Clone, Copy, Debug)]
struct Mapping {
    /// Bytes of address space.
    reserved: usize,
    /// Bytes from its start that count as committed.
    committed: usize,
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
    mappings: Mutex<Mappings>,
}

#[derive(Debug, Default)]
struct Mappings {
    live: BTreeMap<usize, Mapping>,
    free: Vec<(usize, Mapping)>,
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
        let refused = |errno| Error::OutOfMemory { requested: size, errno };
        let capacity = size.max(1).checked_next_multiple_of(PAGE).ok_or(refused(libc::ENOMEM))?;
        let (address, mapping) = match self.reuse(backing, capacity, size)? {
            Some(found) => found,
            None => self.map(backing, capacity, size)?,
        };
        let mut mappings = self.mappings.lock();
        mappings.live.insert(address, Mapping { used: capacity, ..mapping });
        mappings.allocations += 1;
        Ok(Huge { address, capacity })
    }

    /// Takes a block back.
    pub(crate) fn free(&self, backing: &Backing, address: usize) -> Result<usize, BadFree> {
        let mut mappings = self.mappings.lock();
        let Some(mapping) = mappings.live.remove(&address) else {
            return Err(mappings.why_not(address));
        };
        mappings.frees += 1;
        mappings.free.push((address, Mapping { used: 0, freed_at: backing.clock.now(), ..mapping }));
        Ok(mapping.used)
    }

    /// Bytes of the live block at `address`.
    pub(crate) fn capacity_at(&self, address: usize) -> Option<usize> {
        self.mappings.lock().live.get(&address).map(|mapping| mapping.used)
    }

    /// Gives back the memory of free mappings that are due; of all of them where `all` is set. Returns the bytes.
    pub(crate) fn purge(&self, backing: &Backing, all: bool, keep_addresses: bool) -> usize {
        let due = self.mappings.lock().take_due(backing, all);
        let mut purged = 0;
        for (address, mapping) in due {
            let result = if keep_addresses {
                // SAFETY: the mapping is in neither list, so nobody has or gets a block there.
                unsafe { backing.os.purge(address, mapping.committed) }
            } else {
                // SAFETY: as above; and the user promised not to touch freed blocks, as the pool does not keep
                // addresses.
                unsafe { backing.os.unmap(address, mapping.reserved) }
            };
            let mut kept = mapping;
            if result.is_ok() {
                purged += mapping.committed;
                backing.budget.release(mapping.committed);
                kept.committed = 0;
            } else {
                kept.freed_at = backing.clock.now();
            }
            if keep_addresses || result.is_err() {
                self.mappings.lock().free.push((address, kept));
            } else {
                backing.reserved.fetch_sub(mapping.reserved, Ordering::Relaxed);
            }
        }
        purged
    }

    pub(crate) fn figures(&self) -> HugeFigures {
        let mappings = self.mappings.lock();
        let live_bytes = mappings.live.values().map(|m| m.used).sum();
        let live_committed: usize = mappings.live.values().map(|m| m.committed).sum();
        let free_committed: usize = mappings.free.iter().map(|(_, m)| m.committed).sum();
        HugeFigures {
            live: mappings.live.len(),
            live_bytes,
            cached_bytes: free_committed,
            committed: live_committed + free_committed,
            allocations: mappings.allocations,
            frees: mappings.frees,
        }
    }

    /// Unmaps everything.
    ///
    /// # Safety
    /// Nobody will touch a huge block of this pool again.
    pub(crate) unsafe fn unmap(&mut self, backing: &Backing) {
        let mut mappings = self.mappings.lock();
        let live = std::mem::take(&mut mappings.live);
        for (address, mapping) in live.into_iter().chain(mappings.free.drain(..)) {
            // SAFETY: it was mapped whole by `map`, and the caller says that nobody touches it.
            let _ = unsafe { backing.os.unmap(address, mapping.reserved) };
        }
    }

    /// Finds a free mapping that fits and commits what it lacks; on failure it stays where it was.
    fn reuse(&self, backing: &Backing, capacity: usize, size: usize) -> Result<Option<(usize, Mapping)>, Error> {
        let mut mappings = self.mappings.lock();
        let Some(index) = mappings.best_fit(capacity) else {
            return Ok(None);
        };
        let mapping = mappings.free[index].1;
        backing.budget.acquire(capacity.saturating_sub(mapping.committed), size)?;
        let (address, mapping) = mappings.free.swap_remove(index);
        Ok(Some((address, Mapping { committed: mapping.committed.max(capacity), ..mapping })))
    }

    fn map(&self, backing: &Backing, capacity: usize, size: usize) -> Result<(usize, Mapping), Error> {
        backing.budget.acquire(capacity, size)?;
        let address = backing.os.map(capacity, 4096, &backing.label).map_err(|errno| {
            backing.budget.release(capacity);
            Error::OutOfMemory { requested: size, errno: errno.0 }
        })?;
        backing.os.huge_pages(address, capacity, backing.huge_pages);
        backing.reserved.fetch_add(capacity, Ordering::Relaxed);
        Ok((address, Mapping { reserved: capacity, committed: capacity, used: 0, freed_at: 0 }))
    }
}

impl Mappings {
    /// The free mapping to use for `capacity` bytes: one that still has its memory and wastes at most a quarter of it,
    /// else any that is large enough and has none; of these the smallest.
    fn best_fit(&self, capacity: usize) -> Option<usize> {
        let fits = |m: &Mapping| m.reserved >= capacity && m.committed <= capacity + capacity / 4;
        let candidates = self.free.iter().enumerate().filter(|(_, (_, m))| fits(m));
        candidates.min_by_key(|(_, (_, m))| (m.committed == 0, m.reserved)).map(|(index, _)| index)
    }

    fn take_due(&mut self, backing: &Backing, all: bool) -> Vec<(usize, Mapping)> {
        let due = |(address, m): &(usize, Mapping)| {
            m.committed > 0 && (all || backing.clock.is_due((address / PAGE) as u32, m.freed_at))
        };
        self.free.extract_if(.., |entry| due(entry)).collect()
    }

    fn why_not(&self, address: usize) -> BadFree {
        if self.free.iter().any(|(free, _)| *free == address) {
            return BadFree::Double;
        }
        match self.live.range(..address).next_back() {
            Some((&block, m)) if address < block + m.used => BadFree::Interior { block, size: m.used },
            _ => BadFree::Foreign,
        }
    }
}
