//! A door that its owner passes at the price of two plain stores, and that somebody else can still shut.
//!
//! A thread cache belongs to one thread, which uses it millions of times a second; now and then the pool wants to empty
//! it, because the thread sleeps. A lock, or a fence, would make the owner pay each time for what happens once a second.
//! So the price is paid by the other side (asymmetric synchronisation, as in `membarrier(2)` and in biased locks):
//!
//! * the owner says `inside`, then looks at `revoked`, with nothing but the compiler kept from swapping the two;
//! * the other one says `revoked`, makes every thread of the process pass a full barrier, then looks at `inside`.
//!
//! At least one of them sees the other. The owner that sees `revoked` goes the slow way, through the lock that the
//! other one holds. Where the kernel has no `membarrier`, the gate is shut from the start: the owner takes the lock each
//! time, and others can still get in.

use crate::sync::{Alone, AtomicBool, Exclusive, Mutex, MutexGuard, Ordering, light_fence, yield_now};

/// Guards the contents of one thread cache. It holds no data itself: who is inside may touch the cache's.
#[derive(Debug)]
pub(crate) struct Gate {
    inside: AtomicBool,
    revoked: AtomicBool,
    /// Whether it is ever open.
    opens: bool,
    /// Held by whoever shut the gate, and by the owner that finds it shut.
    lock: Mutex<()>,
    /// The contents.
    contents: Exclusive,
}

/// The owner is inside; dropping it leaves.
pub(crate) struct Inside<'a> {
    _alone: Alone,
    _leave: Leave<'a>,
}

/// Dropping it says that the owner is not inside.
struct Leave<'a>(&'a Gate);

/// The owner is inside, one way or the other; dropping it leaves.
pub(crate) enum Passed<'a> {
    Open { _inside: Inside<'a> },
    Shut { _alone: Alone, _guard: MutexGuard<'a, ()> },
}

impl Gate {
    /// One that is open, or shut for good.
    pub(crate) fn new(opens: bool) -> Self {
        let (inside, revoked) = (AtomicBool::new(false), AtomicBool::new(!opens));
        Gate { inside, revoked, opens, lock: Mutex::new(()), contents: Exclusive::default() }
    }

    /// Lets the owner in, unless the gate is shut: then it must [`Gate::pass`]. Owner only.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        self.inside.store(true, Ordering::Relaxed);
        light_fence();
        let leave = Leave(self);
        // On the way out `leave` is dropped, which takes `inside` back.
        if self.revoked.load(Ordering::Acquire) {
            return None;
        }
        Some(Inside { _alone: self.contents.take(), _leave: leave })
    }

    /// Lets the owner in, if need be after whoever shut the gate has left. Owner only. Inside, no lock may be taken:
    /// somebody may be waiting for the owner to leave.
    pub(crate) fn pass(&self) -> Passed<'_> {
        match self.enter() {
            Some(inside) => Passed::Open { _inside: inside },
            None => {
                let guard = self.lock.lock();
                Passed::Shut { _alone: self.contents.take(), _guard: guard }
            }
        }
    }

    /// First step of keeping the owner out: from here on it takes the slow way. A barrier across all threads must
    /// follow before [`Shut::wait`]; one barrier serves any number of gates.
    pub(crate) fn shut(&self) -> Shut<'_> {
        let guard = self.lock.lock();
        // Whoever holds the lock and finds it shut finds it shut for good.
        let forever = self.revoked.swap(true, Ordering::SeqCst);
        Shut { gate: self, forever, _guard: guard }
    }
}

impl Drop for Leave<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.inside.store(false, Ordering::Release);
    }
}

/// The gate is shut for the owner; dropping it opens the gate again, unless it is to stay shut.
pub(crate) struct Shut<'a> {
    gate: &'a Gate,
    forever: bool,
    _guard: MutexGuard<'a, ()>,
}

impl Shut<'_> {
    /// Second step, after the barrier, which the owner itself does not need: waits until the owner is out. Its fast path is
    /// a few instructions and takes no lock, so this takes long only if the owner was descheduled inside. What is inside is
    /// the caller's as long as it keeps the result and this.
    pub(crate) fn wait(&self) -> Alone {
        while self.gate.inside.load(Ordering::Acquire) {
            yield_now();
        }
        self.gate.contents.take()
    }

    /// Leaves the gate shut: the owner goes the slow way from now on.
    pub(crate) fn stay(&mut self) {
        self.forever = true;
    }

    /// Opens the gate, also if it was to stay shut; but not one that was never open.
    pub(crate) fn open(mut self) {
        self.forever = !self.gate.opens;
    }
}

impl Drop for Shut<'_> {
    fn drop(&mut self) {
        if !self.forever {
            self.gate.revoked.store(false, Ordering::Release);
        }
    }
}
