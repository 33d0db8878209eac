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

#[cfg(not(loom))]
pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};

/// No model may have two threads in it at a time.
pub(crate) use parking_lot::Once;

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

#[cfg(loom)]
pub(crate) use self::loom_locks::{Condvar, Mutex, MutexGuard};

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

#[cfg(loom)]
mod loom_locks {
    use std::time::Instant;

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

    /// loom's condition variable with `parking_lot`'s face.
    #[derive(Debug)]
    pub(crate) struct Condvar(loom::sync::Condvar);

    /// Whether a wait ended by its timeout.
    pub(crate) struct Waited(bool);

    impl Waited {
        pub(crate) fn timed_out(&self) -> bool {
            self.0
        }
    }

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }

        /// Never times out, so that a lost wake-up is found as a deadlock.
        pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _deadline: Instant) -> Waited {
            self.wait(guard);
            Waited(false)
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            // loom's wait takes the guard by value and gives it back.
            // SAFETY: the guard that is read out is written back before anybody can see the place it was in; loom
            // aborts the model if it panics in between.
            unsafe {
                let taken = std::ptr::read(guard);
                let back = self.0.wait(taken).expect("loom does not poison");
                std::ptr::write(guard, back);
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
