//! Which cache is this thread's.
//!
//! Two thread-locals: `CURRENT` names the cache used last and needs no destructor, so that reading it is one
//! instruction or two; `CACHES` keeps all of a thread's caches, and its destructor returns them when the thread ends.
//! No JNI call and no panic happens there: the JVM has forgotten the thread by then.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

use super::thread::ThreadCache;
use crate::pool::{Inner, Pool};
use crate::sync::raw::{AtomicUsize, Ordering};
use crate::sync::thread_local;

/// A pool id that no pool has.
const NO_POOL: u64 = 0;

struct Current {
    pool: Cell<u64>,
    cache: Cell<*const ThreadCache>,
}

struct Entry {
    pool: u64,
    owner: Weak<Inner>,
    /// Weak as well: the pool keeps its caches, so that nothing of them is left when it is dropped.
    cache: Weak<ThreadCache>,
}

struct Caches(RefCell<Vec<Entry>>);

thread_local! {
    /// Needs no destructor, so a thread that has only this may outlive the library.
    static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    static CURRENT: Current = const { Current { pool: Cell::new(NO_POOL), cache: Cell::new(std::ptr::null()) } };
    static CACHES: Caches = const { Caches(RefCell::new(Vec::new())) };
}

/// Until it is found anew, this thread has no current cache.
pub(crate) fn forget_current() {
    // With loom, it may be gone before the thread is.
    let _ = CURRENT.try_with(|current| current.pool.set(NO_POOL));
}

impl Drop for Caches {
    fn drop(&mut self) {
        // From here on the thread has no cache: what it still frees goes to the depot.
        forget_current();
        for entry in self.0.get_mut().drain(..) {
            if let (Some(pool), Some(cache)) = (entry.owner.upgrade(), entry.cache.upgrade()) {
                // A handle of its own: in a forked child, the last one is never dropped.
                let pool = Pool(pool);
                if !pool.0.is_forked() {
                    pool.0.retire(&cache);
                }
            }
        }
    }
}

/// A number for this thread, whether it has caches or not; two may have the same one day.
pub(crate) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed) % usize::MAX);
        }
        number.get()
    })
}

/// Calls `act` with the cache that this thread used last, if that is one of this pool.
#[inline(always)]
pub(crate) fn with_current<R>(pool: &Inner, act: impl FnOnce(&ThreadCache) -> R) -> Option<R> {
    CURRENT.with(|current| {
        if current.pool.get() != pool.id {
            return None;
        }
        // SAFETY: this thread enlisted the cache with this very pool (ids are never used again), and the pool keeps it
        // until this thread retires it, before which it resets `CURRENT`.
        Some(act(unsafe { &*current.cache.get() }))
    })
}

/// Makes this thread's cache of the pool the current one, creating it if need be. `false` if there is none to be had:
/// the thread is ending, or there is no memory for a cache.
pub(crate) fn make_current(pool: &Arc<Inner>) -> bool {
    CURRENT.with(|current| current.pool.get() == pool.id) || find_or_enlist(pool)
}

#[cold]
fn find_or_enlist(pool: &Arc<Inner>) -> bool {
    CACHES
        .try_with(|caches| {
            // A second borrow means that we are inside `CACHES` already, below an allocator that uses this pool.
            let Ok(mut entries) = caches.0.try_borrow_mut() else {
                return false;
            };
            let known = entries.iter().find(|entry| entry.pool == pool.id).map(|entry| entry.cache.as_ptr());
            let cache = match known {
                Some(cache) => cache,
                None => {
                    let Some(cache) = pool.enlist() else { return false };
                    entries.retain(|entry| entry.owner.strong_count() > 0);
                    entries.push(Entry { pool: pool.id, owner: Arc::downgrade(pool), cache: Arc::downgrade(&cache) });
                    Arc::as_ptr(&cache)
                }
            };
            CURRENT.with(|current| {
                current.cache.set(cache);
                current.pool.set(pool.id);
            });
            true
        })
        .unwrap_or(false)
}

/// Whether this thread owns the cache.
pub(crate) fn is_mine(cache: &Arc<ThreadCache>) -> bool {
    let mine = |caches: &Caches| {
        let entries = caches.0.try_borrow().ok()?;
        Some(entries.iter().any(|entry| entry.cache.as_ptr() == Arc::as_ptr(cache)))
    };
    CACHES.try_with(mine).ok().flatten().unwrap_or(false)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::options::Options;

    #[test]
    fn of_pools_that_are_gone_a_thread_keeps_nothing() {
        let entries = || CACHES.with(|caches| caches.0.borrow().len());
        for _ in 0..20 {
            let pool = Pool::new(Options::new()).expect("a pool");
            drop(pool.allocate(100));
            assert_eq!(entries(), 1);
        }
    }
}
