//! Forked children. A child has one thread, and a copy of every pool as it was at that moment: locks that other threads
//! held are held for ever, and what they were changing is half changed. So a child takes no lock of an inherited pool. The
//! blocks that it inherited are its own to read and write; giving them back does nothing, everything else is refused.
//! Pools that it makes itself are like any other.

use crate::cache::local;
use crate::os::{self, Errno};
use crate::sync::raw::{AtomicBool, AtomicU32, Ordering};

/// Forks between the first process that made a pool and this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// A process, among its ancestors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u32);

impl Generation {
    /// This process.
    #[inline]
    pub(crate) fn current() -> Generation {
        Generation(GENERATION.load(Ordering::Relaxed))
    }

    /// As [`Generation::current`], for who wants to know of forks from now on.
    pub(crate) fn watched() -> Result<Generation, Errno> {
        static WATCHED: AtomicBool = AtomicBool::new(false);
        // Two may register at once: a child counts two generations then, which is as good as one.
        if !WATCHED.load(Ordering::Acquire) {
            os::after_fork(in_child)?;
            WATCHED.store(true, Ordering::Release);
        }
        Ok(Generation::current())
    }

    /// Whether a fork came in between, so that this is a child's copy.
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        self != Generation::current()
    }
}

/// Nothing here takes a lock or allocates.
extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    // From here on the fast path finds no cache, and the slow one looks at the generation.
    local::forget_current();
}
