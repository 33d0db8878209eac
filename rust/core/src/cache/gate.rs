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

use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering, light_fence, yield_now};

/// Guards the contents of one thread cache. It holds no data itself: who is inside may touch the cache's.
#[derive(Debug)]
pub(crate) struct Gate {
    inside: AtomicBool,
    revoked: AtomicBool,
    /// Whether it is ever open.
    opens: bool,
    /// Held by whoever shut the gate, and by the owner that finds it shut.
    lock: Mutex<()>,
}

/// The owner is inside; dropping it leaves.
pub(crate) struct Inside<'a>(&'a Gate);

/// The owner is inside, one way or the other; dropping it leaves.
pub(crate) enum Passed<'a> {
    Open { _inside: Inside<'a> },
    Shut { _guard: MutexGuard<'a, ()> },
}

impl Gate {
    /// One that is open, or shut for good.
    pub(crate) fn new(opens: bool) -> Self {
        Gate { inside: AtomicBool::new(false), revoked: AtomicBool::new(!opens), opens, lock: Mutex::new(()) }
    }

    /// Lets the owner in, unless the gate is shut: then it must [`Gate::pass`]. Owner only.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        self.inside.store(true, Ordering::Relaxed);
        light_fence();
        let entered = Inside(self);
        // On the way out `entered` is dropped, which takes `inside` back.
        if self.revoked.load(Ordering::Acquire) { None } else { Some(entered) }
    }

    /// Lets the owner in, if need be after whoever shut the gate has left. Owner only. Inside, no lock may be taken:
    /// somebody may be waiting for the owner to leave.
    pub(crate) fn pass(&self) -> Passed<'_> {
        match self.enter() {
            Some(inside) => Passed::Open { _inside: inside },
            None => Passed::Shut { _guard: self.lock.lock() },
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

impl Drop for Inside<'_> {
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
    /// Second step, after the barrier: waits until the owner is out. Its fast path is a few instructions and takes no
    /// lock, so this takes long only if the owner was descheduled inside.
    pub(crate) fn wait(&self) {
        while self.gate.inside.load(Ordering::Acquire) {
            yield_now();
        }
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

#[cfg(all(test, loom))]
mod loom_models {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::fence;
    use loom::thread;

    use super::*;

    /// A cache of two blocks behind a gate. loom's cell fails the model when two are in it at once.
    struct Cache {
        gate: Gate,
        blocks: UnsafeCell<Vec<usize>>,
    }

    impl Cache {
        fn new(open: bool) -> Arc<Cache> {
            Arc::new(Cache { gate: Gate::new(open), blocks: UnsafeCell::new(vec![1, 2]) })
        }

        fn with<R>(&self, act: impl FnOnce(&mut Vec<usize>) -> R) -> R {
            // SAFETY: the gate is what keeps others out; whether it does is what the model finds out.
            self.blocks.with_mut(|blocks| act(unsafe { &mut *blocks }))
        }

        /// As `Pool::allocate`: the fast way, and the slow one if the gate was shut.
        fn pop(&self) -> Option<usize> {
            if let Some(_inside) = self.gate.enter() {
                return self.with(Vec::pop);
            }
            let _passed = self.gate.pass();
            self.with(Vec::pop)
        }

        fn push(&self, block: usize) {
            let _passed = self.gate.pass();
            self.with(|blocks| blocks.push(block));
        }

        /// As `Inner::empty`; `barrier` stands for `membarrier`.
        fn drain(&self, barrier: impl FnOnce(), forever: bool) -> Vec<usize> {
            let mut shut = self.gate.shut();
            if forever {
                shut.stay();
            }
            barrier();
            shut.wait();
            self.with(std::mem::take)
        }

        /// As `Inner::retire`: the owner itself needs no barrier.
        fn retire(&self) -> Vec<usize> {
            let _shut = self.gate.shut();
            self.with(std::mem::take)
        }
    }

    fn barrier() {
        fence(Ordering::SeqCst);
    }

    /// The owner pops, pushes and pops while somebody drains; every block is found in one place afterwards.
    fn owner_against_drainer(open: bool, barrier: fn(), forever: bool) {
        let cache = Cache::new(open);
        let owner = {
            let cache = cache.clone();
            thread::spawn(move || {
                let mine: Vec<_> = cache.pop().into_iter().chain(cache.pop()).collect();
                let Some((&given, kept)) = mine.split_first() else { return Vec::new() };
                cache.push(given);
                kept.to_vec()
            })
        };
        let mut found = cache.drain(barrier, forever);
        found.extend(owner.join().expect("the owner does not panic"));
        found.extend(cache.with(std::mem::take));
        found.sort_unstable();
        assert_eq!(found, [1, 2], "each block is in one place");
    }

    #[test]
    fn an_active_owner_and_a_drainer_never_meet() {
        loom::model(|| owner_against_drainer(true, barrier, false));
    }

    #[test]
    fn nor_when_the_gate_stays_shut() {
        loom::model(|| owner_against_drainer(true, barrier, true));
    }

    /// Why there is a barrier at all: without it, loom finds both of them inside.
    #[test]
    #[should_panic(expected = "Causality violation")]
    fn without_the_barrier_they_meet() {
        loom::model(|| owner_against_drainer(true, || (), false));
    }

    #[test]
    fn a_gate_that_was_never_open_needs_none() {
        loom::model(|| owner_against_drainer(false, || (), false));
    }

    /// A thread ends while its cache is drained, and the cache goes to a new thread, all of it while the drainer still
    /// has it in its list.
    #[test]
    fn a_cache_may_change_its_owner_under_a_drainer() {
        loom::model(|| {
            let cache = Cache::new(true);
            let owners = {
                let cache = cache.clone();
                thread::spawn(move || {
                    let mut mine = cache.retire();
                    let heir = {
                        let cache = cache.clone();
                        thread::spawn(move || {
                            cache.push(3);
                            cache.pop()
                        })
                    };
                    mine.extend(heir.join().expect("the heir does not panic"));
                    mine
                })
            };
            let mut found = cache.drain(barrier, false);
            found.extend(owners.join().expect("the owner does not panic"));
            found.extend(cache.with(std::mem::take));
            found.sort_unstable();
            assert_eq!(found, [1, 2, 3], "each block is in one place");
        });
    }

    /// Two who drain the same cache, as `trim` and the end of its owner do.
    #[test]
    fn two_drainers_share_the_blocks() {
        loom::model(|| {
            let cache = Cache::new(true);
            let other = {
                let cache = cache.clone();
                thread::spawn(move || cache.drain(barrier, false))
            };
            let mut found = cache.pop().map_or_else(Vec::new, |block| vec![block]);
            found.extend(cache.retire());
            found.extend(other.join().expect("the drainer does not panic"));
            found.sort_unstable();
            assert_eq!(found, [1, 2], "each block is in one place");
        });
    }
}
