//! Atomics and locks: the one place that names them, so that loom's can stand in for them.
//!
//! Build with `RUSTFLAGS="--cfg loom"` to get loom's types; the models are in `cache/gate.rs`, `cache/depot.rs` and
//! `limit.rs`.

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering, compiler_fence},
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering, fence},
};

#[cfg(not(loom))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(loom)]
pub(crate) use self::loom_locks::{Mutex, MutexGuard};

/// Orders the owner's two accesses in [`Gate`](crate::cache::gate::Gate) for the compiler; the other side's
/// `membarrier` orders them for the processor.
#[inline(always)]
pub(crate) fn light_fence() {
    #[cfg(not(loom))]
    compiler_fence(Ordering::SeqCst);
    // loom has no membarrier: a full fence on both sides is the same guarantee.
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}

/// Lets somebody else run while a wait of a few nanoseconds drags on.
pub(crate) fn yield_now() {
    #[cfg(not(loom))]
    std::thread::yield_now();
    #[cfg(loom)]
    loom::thread::yield_now();
}

/// Keeps two hot words off one cache line (and off the pair that the prefetcher fetches together).
#[repr(align(128))]
#[derive(Debug, Default)]
pub(crate) struct CachePadded<T>(pub(crate) T);

#[cfg(loom)]
mod loom_locks {
    pub(crate) type MutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;

    /// loom's mutex with `parking_lot`'s face.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("loom does not poison")
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}

/// Atomics that live in zeroed mappings ([`Mapped`](crate::os::Mapped)), and in statics. loom's cannot, and no model
/// uses these.
pub(crate) mod raw {
    pub(crate) use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};
}
