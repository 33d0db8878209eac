//! What stands behind every part of a pool: the system, the budget, the map of its addresses, the time.

use crate::address_map::AddressMap;
use crate::decay::Clock;
use crate::limit::Budget;
use crate::os::{Errno, Os};
use crate::sync::raw::{AtomicI32, AtomicU64, Ordering};
use crate::sync::{Arc, AtomicUsize};

/// Shared by the arenas, the huge blocks and the caches of one pool.
#[derive(Debug)]
pub(crate) struct Backing {
    pub(crate) os: &'static dyn Os,
    /// Bytes of the system's pages.
    pub(crate) os_page: usize,
    /// What it did not take back.
    pub(crate) refusals: Refusals,
    pub(crate) budget: Arc<Budget>,
    pub(crate) map: AddressMap,
    pub(crate) clock: Clock,
    /// What `pmap` shows.
    pub(crate) label: String,
    pub(crate) huge_pages: bool,
    /// Bytes of address space for blocks.
    pub(crate) reserved: AtomicUsize,
    /// Bytes of address space for bookkeeping.
    pub(crate) metadata: AtomicUsize,
}

impl Backing {
    /// Gives the memory of a range back, as [`Os::purge`]; a refusal is counted.
    ///
    /// # Safety
    /// As for [`Os::purge`].
    pub(crate) unsafe fn purge(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise is the same.
        unsafe { self.os.purge(address, bytes) }.inspect_err(|errno| self.refusals.count(*errno))
    }

    /// Gives a mapping back, as [`Os::unmap`]; a refusal is counted.
    ///
    /// # Safety
    /// As for [`Os::unmap`].
    pub(crate) unsafe fn unmap(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise is the same.
        unsafe { self.os.unmap(address, bytes) }.inspect_err(|errno| self.refusals.count(*errno))
    }
}

/// How often the system did not take memory back.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    count: AtomicU64,
    /// Error number of the first, until it was asked for; else 0.
    first: AtomicI32,
}

impl Refusals {
    fn count(&self, errno: Errno) {
        if self.count.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first.store(errno.0, Ordering::Relaxed);
        }
    }

    pub(crate) fn counted(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The error number of the first one, once.
    pub(crate) fn take_first(&self) -> Option<i32> {
        // Looked at before it is written to: this is asked at each purge.
        let first = self.first.load(Ordering::Relaxed);
        (first != 0 && self.first.swap(0, Ordering::Relaxed) != 0).then_some(first)
    }
}
