//! The depot: batches of free blocks that one cache gave and another will take.
//!
//! A block released on another thread than it was allocated on goes back to its allocator through here, a batch at a
//! time, so that the lock is paid once for up to 32 blocks and what is in the blocks is never touched. (The idea is the
//! depot of Bonwick and Adams, "Magazines and Vmem", USENIX 2001.) For each class there are several stripes with a lock
//! each; a thread uses its own and looks into the others when that is empty or full.

use crate::size_class::{BATCH_MAX, SizeClass};
use crate::sync::{AtomicUsize, CachePadded, Mutex, Ordering};

/// Bytes of one class in all stripes, at most.
const CLASS_BYTES: usize = 4 << 20;
/// Batches in a stripe, at most.
const STRIPE_BATCHES: usize = 256;
/// Stripes a class has at most.
const STRIPES_MAX: usize = 8;

/// Blocks of one class that change hands together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    blocks: [usize; BATCH_MAX],
    len: usize,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Batch {
            blocks: [0; BATCH_MAX],
            len: 0,
        }
    }

    /// Adds a block; the caller sees to it that there is room.
    #[inline]
    pub(crate) fn push(&mut self, block: usize) {
        self.blocks[self.len] = block;
        self.len += 1;
    }

    #[inline]
    pub(crate) fn blocks(&self) -> &[usize] {
        &self.blocks[..self.len]
    }

    /// Lets `fill` write up to `limit` blocks; it says how many it wrote.
    pub(crate) fn fill<E>(
        &mut self,
        limit: usize,
        fill: impl FnOnce(&mut [usize]) -> Result<usize, E>,
    ) -> Result<(), E> {
        self.len = fill(&mut self.blocks[..limit])?;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Stripe {
    /// Batches in `stack`, to be read without the lock.
    count: AtomicUsize,
    stack: Mutex<Stack>,
}

#[derive(Debug, Default)]
struct Stack {
    batches: Vec<Batch>,
    /// The fewest batches since the last decay.
    low: usize,
}

/// Batches of free blocks, by class and stripe.
///
/// Threading: a lock for each class and stripe, held while one batch is copied.
#[derive(Debug)]
pub(crate) struct Depot {
    /// Stripes of class 0, then of class 1, …
    stripes: Vec<CachePadded<Stripe>>,
    per_class: usize,
    /// Bytes in all batches.
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Depot {
    /// A depot for `threads` threads at a time, of at most `bytes_max` bytes.
    pub(crate) fn new(threads: usize, bytes_max: usize) -> Self {
        let per_class = threads.next_power_of_two().min(STRIPES_MAX);
        let stripes = (0..SizeClass::COUNT * per_class)
            .map(|_| CachePadded::default())
            .collect();
        Depot {
            stripes,
            per_class,
            bytes: AtomicUsize::new(0),
            bytes_max,
        }
    }

    /// Bytes of all blocks in it.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Takes a batch; the thread's own stripe is asked first.
    pub(crate) fn take(&self, class: SizeClass, thread: usize) -> Option<Batch> {
        self.stripes_of(class, thread).find_map(|stripe| {
            if stripe.count.load(Ordering::Relaxed) == 0 {
                return None;
            }
            let mut stack = stripe.stack.lock();
            let batch = stack.batches.pop()?;
            stripe.note(&mut stack);
            self.bytes.fetch_sub(batch.len * class.size(), Ordering::Relaxed);
            Some(batch)
        })
    }

    /// Gives a batch; `false` if there is no room for it.
    pub(crate) fn give(&self, class: SizeClass, thread: usize, batch: &Batch) -> bool {
        let bytes = batch.len * class.size();
        if self.bytes.load(Ordering::Relaxed) + bytes > self.bytes_max {
            return false;
        }
        let capacity = self.stripe_capacity(class);
        self.stripes_of(class, thread).any(|stripe| {
            if stripe.count.load(Ordering::Relaxed) >= capacity {
                return false;
            }
            let mut stack = stripe.stack.lock();
            if stack.batches.len() >= capacity {
                return false;
            }
            stack.batches.push(*batch);
            stripe.note(&mut stack);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            true
        })
    }

    /// Hands `release` the batches that nobody wanted since the last call, or all where `all` is set.
    pub(crate) fn decay(&self, all: bool, mut release: impl FnMut(&Batch)) {
        for class in SizeClass::all() {
            for stripe in self.stripes_of(class, 0) {
                if stripe.count.load(Ordering::Relaxed) == 0 {
                    continue;
                }
                let idle: Vec<Batch> = {
                    let mut stack = stripe.stack.lock();
                    let idle = if all { stack.batches.len() } else { stack.low };
                    let idle = stack.batches.drain(..idle).collect();
                    stack.low = stack.batches.len();
                    stripe.note(&mut stack);
                    idle
                };
                for batch in &idle {
                    self.bytes.fetch_sub(batch.len * class.size(), Ordering::Relaxed);
                    release(batch);
                }
            }
        }
    }

    /// Calls `visit` with every block; for checks.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(SizeClass, usize)) {
        for class in SizeClass::all() {
            for stripe in self.stripes_of(class, 0) {
                for batch in &stripe.stack.lock().batches {
                    batch.blocks().iter().for_each(|&block| visit(class, block));
                }
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
        let batches = CLASS_BYTES / (class.size() * class.batch());
        (batches / self.per_class).clamp(1, STRIPE_BATCHES)
    }
}

impl Stripe {
    /// Keeps the count, and the low-water mark, in step with the stack.
    fn note(&self, stack: &mut Stack) {
        stack.low = stack.low.min(stack.batches.len());
        self.count.store(stack.batches.len(), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn batch(blocks: &[usize]) -> Batch {
        let mut batch = Batch::new();
        blocks.iter().for_each(|&block| batch.push(block));
        batch
    }

    #[test]
    fn batches_come_back_whole_from_any_stripe() {
        let depot = Depot::new(4, 1 << 20);
        let class = SizeClass::of(1000).expect("a class");
        assert!(depot.give(class, 3, &batch(&[1, 2, 3])));
        assert_eq!(depot.bytes(), 3 * class.size());
        assert!(
            depot.take(SizeClass::of(64).expect("a class"), 3).is_none(),
            "another class has none"
        );
        assert_eq!(
            depot.take(class, 0).expect("in the neighbour's stripe").blocks(),
            [1, 2, 3]
        );
        assert_eq!((depot.bytes(), depot.take(class, 3).is_none()), (0, true));
    }

    #[test]
    fn both_bounds_hold() {
        let class = SizeClass::of(1 << 20).expect("a class");
        let depot = Depot::new(2, usize::MAX);
        let given = (0..100)
            .filter(|&block| depot.give(class, block, &batch(&[block])))
            .count();
        assert_eq!(given, CLASS_BYTES / class.size());
        let depot = Depot::new(2, class.size());
        assert!(depot.give(class, 0, &batch(&[1])) && !depot.give(class, 0, &batch(&[2])));
    }

    #[test]
    fn what_was_not_wanted_decays() {
        let depot = Depot::new(1, usize::MAX);
        let class = SizeClass::of(64).expect("a class");
        (0..5).for_each(|block| assert!(depot.give(class, 0, &batch(&[block]))));
        let mut gone = Vec::new();
        depot.decay(false, |batch| gone.extend_from_slice(batch.blocks()));
        assert!(gone.is_empty(), "all of them came since the last time");
        (0..2).for_each(|_| assert!(depot.take(class, 0).is_some()));
        assert!(depot.give(class, 0, &batch(&[9])));
        depot.decay(false, |batch| gone.extend_from_slice(batch.blocks()));
        assert_eq!(gone, [0, 1, 2], "the oldest three were never asked for");
        depot.decay(true, |batch| gone.extend_from_slice(batch.blocks()));
        assert_eq!((gone, depot.bytes()), (vec![0, 1, 2, 9], 0));
    }
}
