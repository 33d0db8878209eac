//! Atomics and locks: the one place that names them, so that loom's can stand in for them.
//!
//! Build with `RUSTFLAGS="--cfg loom"` to get loom's types; the models are in `pool_models.rs`,
//! `cache/depot.rs` and `limit.rs`.

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering, compiler_fence, fence},
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering, fence},
};

pub(crate) use self::locks::{Condvar, Mutex, MutexGuard};

/// No model may have two threads in it at a time.
pub(crate) use std::sync::Once;

#[cfg(not(loom))]
pub(crate) use std::thread_local;

/// loom's with the standard library's face.
#[cfg(loom)]
macro_rules! loom_thread_local {
    ($($(#[$about:meta])* static $name:ident: $type:ty = const $start:block;)*) => {
        loom::thread_local! { $($(#[$about])* static $name: $type = $start;)* }
    };
}
#[cfg(loom)]
pub(crate) use loom_thread_local as thread_local;

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

/// Changes a word to what `change` makes of it, again and again until nobody came in between; leaves it alone where that is
/// `None`. The result is the word as it was before, an error if it was left alone. Relaxed: it orders nothing but itself.
pub(crate) fn update(word: &AtomicUsize, change: impl Fn(usize) -> Option<usize>) -> Result<usize, usize> {
    let mut now = word.load(Ordering::Relaxed);
    while let Some(new) = change(now) {
        match word.compare_exchange_weak(now, new, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(before) => return Ok(before),
            Err(other) => now = other,
        }
    }
    Err(now)
}

/// What only one may touch at a time, by a protocol that knows nothing of the data. With loom, two who do so at once fail the
/// model; otherwise this is nothing.
#[derive(Debug, Default)]
pub(crate) struct Exclusive(#[cfg(loom)] loom::cell::UnsafeCell<()>);

#[cfg(loom)]
// SAFETY: there is nothing in it, and loom tells when two threads have it at once: that is what it is for.
unsafe impl Sync for Exclusive {}

/// Whoever has this is the only one.
pub(crate) struct Alone(
    #[cfg(loom)]
    #[allow(dead_code)]
    loom::cell::MutPtr<()>,
);

impl Exclusive {
    #[inline(always)]
    pub(crate) fn take(&self) -> Alone {
        Alone(
            #[cfg(loom)]
            self.0.get_mut(),
        )
    }
}

/// Keeps two hot words off one cache line (and off the pair that the prefetcher fetches together).
#[repr(align(128))]
#[derive(Debug, Default)]
pub(crate) struct CachePadded<T>(pub(crate) T);

/// Locks that know nothing of poison: what they guard is whole whenever somebody may panic.
///
/// They are the standard library's, which are futexes. `parking_lot`'s would leave a destructor to each thread that ever had
/// to wait, and while a thread has one, the library cannot be unloaded, though its class loader be gone.
mod locks {
    use std::sync::{PoisonError, TryLockError};
    use std::time::Instant;

    #[cfg(loom)]
    use loom::sync as base;
    #[cfg(not(loom))]
    use std::sync as base;

    pub(crate) type MutexGuard<'a, T> = base::MutexGuard<'a, T>;

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(base::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(base::Mutex::new(value))
        }

        #[inline]
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        #[inline]
        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            }
        }
    }

    #[derive(Debug)]
    pub(crate) struct Condvar(base::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self(base::Condvar::new())
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }

        pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
        }

        /// Says as well whether the wait ended by its deadline. With loom it never does, so that a lost wake-up is found as a
        /// deadlock.
        pub(crate) fn wait_until<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            deadline: Instant,
        ) -> (MutexGuard<'a, T>, bool) {
            #[cfg(loom)]
            {
                let _ = deadline;
                (self.wait(guard), false)
            }
            #[cfg(not(loom))]
            {
                let left = deadline.saturating_duration_since(Instant::now());
                let (guard, waited) = self.0.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner);
                (guard, waited.timed_out())
            }
        }
    }
}

/// Atomics that live in zeroed mappings ([`Mapped`](crate::os::Mapped)), and in statics. loom's cannot, and no model
/// uses these.
pub(crate) mod raw {
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicI32, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
}
