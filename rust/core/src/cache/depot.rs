//! The depot: free blocks that one cache gave and another will take, in batches.
//!
//! A block released on another thread than it was allocated on goes back to its allocator through here, a batch at a
//! time, so that the lock is paid once for up to 32 blocks and what is in the blocks is never touched. (The idea is the
//! depot of Bonwick and Adams, "Magazines and Vmem", USENIX 2001.) For each class there are several stripes with a lock
//! each; a thread uses its own and looks into the others when that is empty or full.

use crate::size_class::{BATCH_MAX, SizeClass};
use crate::sync::{AtomicUsize, CachePadded, Mutex, Ordering};

/// Bytes of one class in all stripes, at most.
const CLASS_BYTES: usize = 4 << 20;
/// Blocks in a stripe, at most.
const STRIPE_BLOCKS: usize = 128 * BATCH_MAX;
/// Stripes a class has at most.
const STRIPES_MAX: usize = 8;

#[derive(Debug, Default)]
struct Stripe {
    /// Blocks in `stack`, to be read without the lock.
    count: AtomicUsize,
    stack: Mutex<Stack>,
}

#[derive(Debug, Default)]
struct Stack {
    blocks: Vec<usize>,
    /// The fewest blocks since the last decay.
    low: usize,
}

/// Free blocks by class and stripe, the ones given last on top.
///
/// Threading: a lock for each class and stripe, held while one batch is copied.
#[derive(Debug)]
pub(crate) struct Depot {
    /// Stripes of class 0, then of class 1, …
    stripes: Vec<CachePadded<Stripe>>,
    per_class: usize,
    /// Bytes of all blocks.
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Depot {
    /// A depot for `threads` threads at a time, of at most `bytes_max` bytes.
    pub(crate) fn new(threads: usize, bytes_max: usize) -> Self {
        let per_class = threads.next_power_of_two().min(STRIPES_MAX);
        let stripes = (0..SizeClass::COUNT * per_class).map(|_| CachePadded::default()).collect();
        Depot { stripes, per_class, bytes: AtomicUsize::new(0), bytes_max }
    }

    /// Bytes of all blocks in it.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Blocks of a class in it.
    pub(crate) fn count(&self, class: SizeClass) -> usize {
        self.stripes_of(class, 0).map(|stripe| stripe.count.load(Ordering::Relaxed)).sum()
    }

    /// Fills `out` as far as one stripe reaches, the thread's own if it has any. Returns how many blocks there were.
    pub(crate) fn take(&self, class: SizeClass, thread: usize, out: &mut [usize]) -> usize {
        for stripe in self.stripes_of(class, thread) {
            if stripe.count.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut stack = stripe.stack.lock();
            let left = stack.blocks.len().saturating_sub(out.len());
            let taken = stack.blocks.len() - left;
            if taken > 0 {
                out[..taken].copy_from_slice(&stack.blocks[left..]);
                stack.blocks.truncate(left);
                stripe.note(&mut stack);
                self.bytes.fetch_sub(taken * class.size(), Ordering::Relaxed);
                return taken;
            }
        }
        0
    }

    /// Takes all of `blocks` in, or none: `false` if there is no room for them.
    pub(crate) fn give(&self, class: SizeClass, thread: usize, blocks: &[usize]) -> bool {
        let bytes = blocks.len() * class.size();
        if self.bytes.load(Ordering::Relaxed) + bytes > self.bytes_max {
            return false;
        }
        // Where even a batch a stripe is too much.
        let batches = class.batch() * class.size() * self.per_class;
        if batches > CLASS_BYTES && (self.count(class) + blocks.len()) * class.size() > CLASS_BYTES {
            return false;
        }
        let capacity = self.stripe_capacity(class);
        self.stripes_of(class, thread).any(|stripe| {
            if stripe.count.load(Ordering::Relaxed) + blocks.len() > capacity {
                return false;
            }
            let mut stack = stripe.stack.lock();
            if stack.blocks.len() + blocks.len() > capacity {
                return false;
            }
            stack.blocks.extend_from_slice(blocks);
            stripe.note(&mut stack);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            true
        })
    }

    /// Hands `release` the blocks that nobody wanted since the last call, or all where `all` is set.
    pub(crate) fn decay(&self, all: bool, mut release: impl FnMut(&[usize])) {
        for class in SizeClass::all() {
            for stripe in self.stripes_of(class, 0) {
                // To be sure that nothing is left, all have to be locked: a count may be behind.
                if !all && stripe.count.load(Ordering::Relaxed) == 0 {
                    continue;
                }
                let idle: Vec<usize> = {
                    let mut stack = stripe.stack.lock();
                    // The lowest of a stack are the ones that were not wanted.
                    let idle = if all { stack.blocks.len() } else { stack.low };
                    let idle = stack.blocks.drain(..idle).collect();
                    stack.low = stack.blocks.len();
                    stripe.note(&mut stack);
                    idle
                };
                self.bytes.fetch_sub(idle.len() * class.size(), Ordering::Relaxed);
                idle.chunks(BATCH_MAX).for_each(&mut release);
            }
        }
    }

    /// Calls `visit` with every block; for checks.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(SizeClass, usize)) {
        for class in SizeClass::all() {
            for stripe in self.stripes_of(class, 0) {
                stripe.stack.lock().blocks.iter().for_each(|&block| visit(class, block));
            }
        }
    }

    /// The stripes of a class, the thread's own first.
    fn stripes_of(&self, class: SizeClass, thread: usize) -> impl Iterator<Item = &Stripe> {
        let first = class.index() * self.per_class;
        let mask = self.per_class - 1;
        (0..self.per_class).map(move |turn| &self.stripes[first + ((thread + turn) & mask)].0)
    }

    fn stripe_capacity(&self, class: SizeClass) -> usize {
        (CLASS_BYTES / class.size() / self.per_class).clamp(class.batch(), STRIPE_BLOCKS)
    }
}

impl Stripe {
    /// Keeps the count, and the low-water mark, in step with the stack.
    fn note(&self, stack: &mut Stack) {
        stack.low = stack.low.min(stack.blocks.len());
        self.count.store(stack.blocks.len(), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn take(depot: &Depot, class: SizeClass, thread: usize, limit: usize) -> Vec<usize> {
        let mut out = vec![0; limit];
        let taken = depot.take(class, thread, &mut out);
        out.truncate(taken);
        out
    }

    #[test]
    fn blocks_come_back_from_any_stripe() {
        let depot = Depot::new(4, 1 << 20);
        let class = SizeClass::of(1000).expect("a class");
        assert!(depot.give(class, 3, &[1, 2, 3]));
        assert_eq!(depot.bytes(), 3 * class.size());
        assert!(take(&depot, SizeClass::of(64).expect("a class"), 3, 9).is_empty(), "another class has none");
        assert_eq!(take(&depot, class, 0, 2), [2, 3], "from the neighbour's stripe, the last ones first");
        assert_eq!(take(&depot, class, 3, 2), [1]);
        assert_eq!((depot.bytes(), take(&depot, class, 3, 2)), (0, vec![]));
    }

    #[test]
    fn both_bounds_hold() {
        let class = SizeClass::of(1 << 20).expect("a class");
        let depot = Depot::new(8, usize::MAX);
        let given = (0..100).filter(|&block| depot.give(class, block, &[block])).count();
        assert_eq!(given, CLASS_BYTES / class.size());
        let depot = Depot::new(2, class.size());
        assert!(depot.give(class, 0, &[1]) && !depot.give(class, 0, &[2]));
    }

    #[test]
    fn what_was_not_wanted_decays() {
        let depot = Depot::new(1, usize::MAX);
        let class = SizeClass::of(64).expect("a class");
        (0..5).for_each(|block| assert!(depot.give(class, 0, &[block])));
        let mut gone = Vec::new();
        depot.decay(false, |blocks| gone.extend_from_slice(blocks));
        assert!(gone.is_empty(), "all of them came since the last time");
        assert_eq!(take(&depot, class, 0, 2), [3, 4]);
        assert!(depot.give(class, 0, &[9]));
        depot.decay(false, |blocks| gone.extend_from_slice(blocks));
        assert_eq!(gone, [0, 1, 2], "the lowest three were never asked for");
        depot.decay(true, |blocks| gone.extend_from_slice(blocks));
        assert_eq!((gone, depot.bytes()), (vec![0, 1, 2, 9], 0));
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use loom::model::Builder;
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// The depot has a lock and a count a class, so that walking it has many steps: enough of them are allowed, and at
    /// most this many switches of threads where one could go on.
    const SWITCHES: usize = 2;

    fn model(run: impl Fn() + Send + Sync + 'static) {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(SWITCHES);
        builder.max_branches = 20_000;
        builder.check(run);
    }

    fn class() -> SizeClass {
        SizeClass::of(64).expect("a class")
    }

    fn take(depot: &Depot, thread: usize) -> Vec<usize> {
        let mut out = [0; 2];
        let taken = depot.take(class(), thread, &mut out);
        out[..taken].to_vec()
    }

    /// Whoever has what at the end, and what is left: every block once, and the bytes are right.
    fn settle(depot: &Depot, mut found: Vec<usize>, expected: &[usize]) {
        let mut left = 0;
        depot.for_each(|_, block| {
            found.push(block);
            left += 1;
        });
        assert_eq!(depot.bytes(), left * class().size());
        found.sort_unstable();
        assert_eq!(found, expected, "each block is in one place");
    }

    /// Two threads exchange batches over one stripe.
    #[test]
    fn batches_that_change_hands_are_neither_lost_nor_doubled() {
        model(|| {
            let depot = Arc::new(Depot::new(1, usize::MAX));
            let exchange = |depot: &Depot, number: usize, batch: [usize; 2]| {
                let given = depot.give(class(), number, &batch);
                let mut found = if given { Vec::new() } else { batch.to_vec() };
                found.extend(take(depot, number));
                found
            };
            let other = {
                let depot = depot.clone();
                thread::spawn(move || exchange(&depot, 1, [3, 4]))
            };
            let mut found = exchange(&depot, 0, [1, 2]);
            found.extend(other.join().expect("no panic"));
            settle(&depot, found, &[1, 2, 3, 4]);
        });
    }

    /// One thread takes a batch and gives another one while the depot is emptied.
    #[test]
    fn emptying_races_with_taking_and_giving() {
        model(|| {
            let depot = Arc::new(Depot::new(1, usize::MAX));
            assert!(depot.give(class(), 0, &[1, 2]));
            let other = {
                let depot = depot.clone();
                thread::spawn(move || {
                    let found = take(&depot, 0);
                    assert!(depot.give(class(), 0, &[3, 4]));
                    found
                })
            };
            let mut found = Vec::new();
            depot.decay(true, |blocks| found.extend_from_slice(blocks));
            found.extend(other.join().expect("no panic"));
            settle(&depot, found, &[1, 2, 3, 4]);
        });
    }

    /// The bound on bytes is soft, by as much as is given at once; the bytes themselves are exact.
    #[test]
    fn bytes_stay_right_at_the_bound() {
        model(|| {
            let depot = Arc::new(Depot::new(1, 2 * class().size()));
            let other = {
                let depot = depot.clone();
                thread::spawn(move || depot.give(class(), 0, &[3, 4]))
            };
            let mut found = if depot.give(class(), 0, &[1, 2]) { Vec::new() } else { vec![1, 2] };
            if !other.join().expect("no panic") {
                found.extend([3, 4]);
            }
            assert!(found.len() < 4, "the first one has room");
            settle(&depot, found, &[1, 2, 3, 4]);
        });
    }
}
