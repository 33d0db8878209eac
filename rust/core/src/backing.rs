//! What stands behind every part of a pool: the system, the budget, the map of its addresses, the time.

use crate::address_map::AddressMap;
use crate::decay::Clock;
use crate::limit::Budget;
use crate::os::Os;
use crate::sync::{Arc, AtomicUsize};

/// Shared by the arenas, the huge blocks and the caches of one pool.
#[derive(Debug)]
pub(crate) struct Backing {
    pub(crate) os: &'static dyn Os,
    /// Bytes of the system's pages.
    pub(crate) os_page: usize,
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
