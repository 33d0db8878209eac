//! A thread's own free blocks: for each class a stack, which only this thread uses as long as its gate is open.

use std::sync::Arc;

use super::batch::Batch;
use super::gate::Gate;
use crate::decay::Clock;
use crate::os::{Errno, Mapped, Os, Zeroable};
use crate::size_class::{BATCH_MAX, SizeClass};
use crate::sync;
use crate::sync::raw::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Set in an entry whose block is marked as free: it was given back by its address, or nobody had it yet. Blocks lie at
/// multiples of 64.
pub(crate) const MARK: usize = 1;

/// Blocks that one stack may hold, whatever the budget.
const STACK_MAX: usize = 1024;
/// A class may use up to this share of the budget, so that one does not starve the others.
const CLASS_SHARE: usize = 2;
/// Stacks that are looked at for capacity to take away, at most.
const STEAL_VISITS: usize = 16;
/// Misses of a class after which it takes capacity away from others. Each time may cost another class a miss.
const MISSES_TO_STEAL: u32 = 8;

/// All stacks, one behind the other; an entry is a block's address, and perhaps the [`MARK`].
struct Slots([AtomicUsize; STACK_MAX * SizeClass::COUNT]);

// SAFETY: atomic integers only.
unsafe impl Zeroable for Slots {}

/// The stack of one class. All of it is written by whoever is inside the gate, with plain stores; the atomics are there
/// because statistics read them at any time.
///
/// One to a cache line: what an operation touches lies together, and the address is a shift away.
#[derive(Debug)]
#[repr(align(64))]
struct Stack {
    len: AtomicU32,
    /// Blocks it may hold now.
    capacity: AtomicU32,
    /// The fewest blocks since it was last looked at for capacity to take away.
    low: AtomicU32,
    /// Capacity it may grow to.
    capacity_max: u32,
    /// Address of its first slot.
    slots: usize,
    /// Since it last took capacity away from another stack.
    misses: AtomicU32,
    /// Since it last was empty.
    overflows: AtomicU32,
    /// Blocks that leave at the next overflow.
    surplus: AtomicU32,
    allocations: AtomicU64,
    frees: AtomicU64,
}

impl Stack {
    /// Where the entry number `at` lies.
    #[inline(always)]
    fn slot(&self, at: u32) -> &AtomicUsize {
        debug_assert!(at < self.capacity_max);
        // SAFETY: a stack's length stays within its capacity, that within `capacity_max`, and as many slots are this
        // stack's, which its cache owns.
        unsafe { &*(self.slots as *const AtomicUsize).add(at as usize) }
    }

    /// The entries from `from` on up to `to`.
    fn slots(&self, from: usize, to: usize) -> &[AtomicUsize] {
        assert!(from <= to && to <= self.capacity_max as usize);
        // SAFETY: as in `slot`.
        unsafe { std::slice::from_raw_parts((self.slots as *const AtomicUsize).add(from), to - from) }
    }

    /// Allocations and frees ever.
    fn operations(&self) -> u64 {
        self.allocations.load(Ordering::Relaxed).wrapping_add(self.frees.load(Ordering::Relaxed))
    }
}

/// One thread's cache in one pool.
///
/// Threading: `pop`, `push` and the other mutating methods are for who is inside the gate, which is the owner or, with
/// the gate shut, somebody else. The figures may be read by anybody at any time.
#[derive(Debug)]
pub(crate) struct ThreadCache {
    pub(crate) gate: Gate,
    /// Index of the arena that the owner allocates from.
    arena: AtomicUsize,
    /// A number of its own, for the choice of a depot's stripe.
    pub(crate) number: usize,
    stacks: [Stack; SizeClass::COUNT],
    /// What the stacks point into.
    slots: Mapped<Slots>,
    /// Bytes that all capacities may come to.
    budget: usize,
    /// What the caches of all threads share.
    allowance: Arc<Allowance>,
    /// Bytes that they do come to.
    granted: AtomicUsize,
    /// The stack to look at next for capacity to take away.
    hand: AtomicUsize,
    notes: [Note; SizeClass::COUNT],
    /// When surplus was last taken from the stacks.
    decayed_at: AtomicU32,
}

/// What ticks know of a stack.
#[derive(Debug, Default)]
struct Note {
    /// Its count of operations, and since when it has been that.
    seen: AtomicU64,
    seen_at: AtomicU32,
    /// As its `low`, from before that was set anew to look for capacity to take away.
    low: AtomicU32,
}

impl Note {
    /// Whether the stack was not used for the decay time, seen from one tick to another.
    fn is_idle(&self, clock: &Clock) -> bool {
        clock.age(self.seen_at.load(Ordering::Relaxed)) >= clock.decay()
    }
}

/// Bytes that all caches of a pool may be granted together.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: sync::AtomicUsize,
}

impl Allowance {
    pub(crate) fn new(bytes: usize) -> Self {
        Allowance { left: sync::AtomicUsize::new(bytes) }
    }

    fn take(&self, bytes: usize) -> bool {
        sync::update(&self.left, |left| left.checked_sub(bytes)).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What was taken out of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Popped {
    pub(crate) count: usize,
    /// Whether one of the entries has the [`MARK`].
    pub(crate) any_marked: bool,
}

/// Allocations and frees of a class.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) allocations: u64,
    pub(crate) frees: u64,
}

impl ThreadCache {
    pub(crate) fn new(
        os: &'static dyn Os,
        name: &str,
        (budget, allowance): (usize, Arc<Allowance>),
        number: usize,
        gate: Gate,
    ) -> Result<Self, Errno> {
        let slots = Mapped::<Slots>::new(os, name)?;
        let mut free = slots.0.as_slice();
        let stacks = std::array::from_fn(|index| {
            let class = SizeClass::from_index(index).expect("the array has an entry a class");
            let capacity_max = capacity_max(class, budget);
            let (own, others) = free.split_at(capacity_max as usize);
            free = others;
            Stack {
                len: AtomicU32::new(0),
                capacity: AtomicU32::new(0),
                low: AtomicU32::new(0),
                capacity_max,
                slots: own.as_ptr() as usize,
                misses: AtomicU32::new(0),
                overflows: AtomicU32::new(0),
                surplus: AtomicU32::new(1),
                allocations: AtomicU64::new(0),
                frees: AtomicU64::new(0),
            }
        });
        Ok(ThreadCache {
            gate,
            arena: AtomicUsize::new(0),
            number,
            stacks,
            slots,
            budget,
            allowance,
            granted: AtomicUsize::new(0),
            hand: AtomicUsize::new(0),
            notes: std::array::from_fn(|_| Note::default()),
            decayed_at: AtomicU32::new(0),
        })
    }

    /// Bytes of bookkeeping.
    pub(crate) fn metadata(&self) -> usize {
        self.slots.bytes()
    }

    /// Takes the block that was put last.
    #[inline(always)]
    pub(crate) fn pop(&self, class: SizeClass) -> Option<usize> {
        let stack = &self.stacks[class.index()];
        let len = stack.len.load(Ordering::Relaxed);
        // One question for two that are rare: whether it is empty, and whether it falls to a new low.
        if len <= stack.low.load(Ordering::Relaxed) {
            stack.low.store(len.checked_sub(1)?, Ordering::Relaxed);
        }
        let len = len - 1;
        let block = stack.slot(len).load(Ordering::Relaxed);
        stack.len.store(len, Ordering::Relaxed);
        add(&stack.allocations, 1);
        Some(block)
    }

    /// Puts a block; `false` if there is no room.
    #[inline(always)]
    pub(crate) fn push(&self, class: SizeClass, block: usize) -> bool {
        let stack = &self.stacks[class.index()];
        let len = stack.len.load(Ordering::Relaxed);
        if len >= stack.capacity.load(Ordering::Relaxed) {
            return false;
        }
        stack.slot(len).store(block, Ordering::Relaxed);
        stack.len.store(len + 1, Ordering::Relaxed);
        add(&stack.frees, 1);
        true
    }

    /// As [`ThreadCache::push`]. Returns what was taken last from the place where the block is now; 0 if nothing was.
    #[inline(always)]
    pub(crate) fn push_over(&self, class: SizeClass, block: usize) -> Option<usize> {
        let stack = &self.stacks[class.index()];
        let len = stack.len.load(Ordering::Relaxed);
        if len >= stack.capacity.load(Ordering::Relaxed) {
            return None;
        }
        let slot = stack.slot(len);
        let last = slot.load(Ordering::Relaxed);
        slot.store(block, Ordering::Relaxed);
        stack.len.store(len + 1, Ordering::Relaxed);
        add(&stack.frees, 1);
        Some(last)
    }

    /// Undoes a push, unless the block on top is another one.
    pub(crate) fn unpush(&self, class: SizeClass, block: usize) {
        let stack = &self.stacks[class.index()];
        let Some(len) = stack.len.load(Ordering::Relaxed).checked_sub(1) else { return };
        let slot = stack.slot(len);
        if slot.load(Ordering::Relaxed) == block {
            slot.store(0, Ordering::Relaxed);
            stack.len.store(len, Ordering::Relaxed);
            stack.frees.store(stack.frees.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Relaxed);
        }
    }

    /// Takes up to `out.len()` entries; they count as allocated.
    pub(crate) fn pop_many(&self, class: SizeClass, out: &mut [usize]) -> Popped {
        let stack = &self.stacks[class.index()];
        let len = stack.len.load(Ordering::Relaxed) as usize;
        let taken = len.min(out.len());
        let mut all = 0;
        for (block, slot) in out.iter_mut().zip(stack.slots(len - taken, len)) {
            *block = slot.load(Ordering::Relaxed);
            all |= *block;
        }
        let left = (len - taken) as u32;
        stack.len.store(left, Ordering::Relaxed);
        stack.low.store(left.min(stack.low.load(Ordering::Relaxed)), Ordering::Relaxed);
        add(&stack.allocations, taken as u64);
        Popped { count: taken, any_marked: all & MARK != 0 }
    }

    /// Puts as many of `blocks` as there is room for; they count as freed. Returns how many.
    pub(crate) fn push_many(&self, class: SizeClass, blocks: &[usize]) -> usize {
        let put = self.stock(class, blocks);
        add(&self.stacks[class.index()].frees, put as u64);
        put
    }

    /// As [`ThreadCache::push_many`], but puts none if there is an address among them that would be taken for a marked entry.
    pub(crate) fn push_given(&self, class: SizeClass, blocks: &[usize]) -> usize {
        let (put, any_marked) = self.write(class, blocks);
        if any_marked {
            return 0;
        }
        let stack = &self.stacks[class.index()];
        stack.len.store(stack.len.load(Ordering::Relaxed) + put as u32, Ordering::Relaxed);
        add(&stack.frees, put as u64);
        put
    }

    /// Puts as many of `blocks` as there is room for, without counting: they come from the depot or an arena.
    pub(crate) fn stock(&self, class: SizeClass, blocks: &[usize]) -> usize {
        let (put, _) = self.write(class, blocks);
        let stack = &self.stacks[class.index()];
        stack.len.store(stack.len.load(Ordering::Relaxed) + put as u32, Ordering::Relaxed);
        put
    }

    /// Writes as many of `blocks` as there is room for where the next ones go. Returns how many, and whether one of them has
    /// the [`MARK`].
    fn write(&self, class: SizeClass, blocks: &[usize]) -> (usize, bool) {
        let put = self.room(class).min(blocks.len());
        let (stack, len) = (&self.stacks[class.index()], self.len(class));
        let mut all = 0;
        for (slot, block) in stack.slots(len, len + put).iter().zip(blocks) {
            slot.store(*block, Ordering::Relaxed);
            all |= *block;
        }
        (put, all & MARK != 0)
    }

    /// Takes up to `limit` blocks out without counting: they go to the depot or an arena.
    pub(crate) fn unstock(&self, class: SizeClass, limit: usize) -> Batch {
        let stack = &self.stacks[class.index()];
        let mut batch = Batch::new();
        let mut len = stack.len.load(Ordering::Relaxed);
        for _ in 0..limit.min(len as usize) {
            len -= 1;
            // Nothing is left behind that was not handed out: it would be believed, see `push_over`.
            batch.push(stack.slot(len).load(Ordering::Relaxed));
            stack.slot(len).store(0, Ordering::Relaxed);
        }
        stack.len.store(len, Ordering::Relaxed);
        stack.low.store(len.min(stack.low.load(Ordering::Relaxed)), Ordering::Relaxed);
        batch
    }

    /// Notes operations that went past the stack.
    pub(crate) fn count(&self, class: SizeClass, allocations: u64, frees: u64) {
        let stack = &self.stacks[class.index()];
        add(&stack.allocations, allocations);
        add(&stack.frees, frees);
    }

    /// After a miss or an overflow: lets the stack of `class` hold more. As long as the budget lasts, its capacity
    /// doubles (up to a batch at a time); then it grows by one block after some misses, and another stack shrinks for it.
    /// What no longer fits there is returned with its class.
    pub(crate) fn grow(&self, class: SizeClass) -> Option<(SizeClass, Batch)> {
        let stack = &self.stacks[class.index()];
        let capacity = stack.capacity.load(Ordering::Relaxed);
        let growth = capacity.clamp(1, class.batch() as u32).min(stack.capacity_max - capacity);
        if growth == 0 {
            return None;
        }
        if self.grant(stack, class, growth) || self.grant(stack, class, 1) {
            return None;
        }
        let misses = stack.misses.load(Ordering::Relaxed) + 1;
        stack.misses.store(misses % MISSES_TO_STEAL, Ordering::Relaxed);
        if misses < MISSES_TO_STEAL {
            return None;
        }
        let evicted = self.steal(class);
        self.grant(stack, class, 1);
        evicted
    }

    /// Grants a stack that many blocks more, if the budget allows them.
    fn grant(&self, stack: &Stack, class: SizeClass, blocks: u32) -> bool {
        let bytes = blocks as usize * class.size();
        let granted = self.granted.load(Ordering::Relaxed) + bytes;
        if granted > self.budget || !self.allowance.take(bytes) {
            return false;
        }
        self.granted.store(granted, Ordering::Relaxed);
        stack.capacity.store(stack.capacity.load(Ordering::Relaxed) + blocks, Ordering::Relaxed);
        true
    }

    /// Takes capacity for one block of `thief` away from the next stack that did not need it: one whose low-water mark
    /// stayed above zero, or which is not full.
    fn steal(&self, thief: SizeClass) -> Option<(SizeClass, Batch)> {
        for _ in 0..STEAL_VISITS {
            let hand = self.hand.load(Ordering::Relaxed);
            self.hand.store((hand + 1) % SizeClass::COUNT, Ordering::Relaxed);
            let class = SizeClass::from_index(hand).expect("the hand stays below the count");
            let stack = &self.stacks[hand];
            let (capacity, len) = (stack.capacity.load(Ordering::Relaxed), stack.len.load(Ordering::Relaxed));
            let low = stack.low.load(Ordering::Relaxed);
            let note = &self.notes[hand];
            note.low.store(low.min(note.low.load(Ordering::Relaxed)), Ordering::Relaxed);
            stack.low.store(len, Ordering::Relaxed);
            let spare = low.max(capacity - len).min(BATCH_MAX as u32);
            let less = (thief.size().div_ceil(class.size()) as u32).min(spare);
            if class == thief || less == 0 {
                continue;
            }
            self.ungrant(class, less);
            let surplus = len.saturating_sub(capacity - less) as usize;
            return (surplus > 0).then(|| (class, self.unstock(class, surplus)));
        }
        None
    }

    /// Forgets what each class was granted, after the cache was emptied.
    pub(crate) fn reset_capacity(&self) {
        for stack in &self.stacks {
            debug_assert_eq!(stack.len.load(Ordering::Relaxed), 0);
            stack.capacity.store(0, Ordering::Relaxed);
        }
        self.allowance.give_back(self.granted.load(Ordering::Relaxed));
        self.granted.store(0, Ordering::Relaxed);
    }

    /// Allocations and frees that are in [`ThreadCache::counts`].
    pub(crate) fn operations(&self) -> u64 {
        self.stacks.iter().map(Stack::operations).fold(0u64, u64::wrapping_add)
    }

    /// Index of the arena that the owner allocates from.
    pub(crate) fn arena(&self) -> usize {
        self.arena.load(Ordering::Relaxed)
    }

    pub(crate) fn bind(&self, arena: usize) {
        self.arena.store(arena, Ordering::Relaxed);
    }

    /// Whether it holds a block, or room for one.
    pub(crate) fn is_in_use(&self) -> bool {
        self.granted.load(Ordering::Relaxed) > 0
    }

    /// For a tick: whether there is something to take from a stack, as [`ThreadCache::surplus`] says. One that its owner
    /// did not use for the decay time is not wanted at all; once in a decay time, the others give what they had to spare.
    pub(crate) fn is_due(&self, clock: &Clock) -> bool {
        let decays = clock.age(self.decayed_at.load(Ordering::Relaxed)) >= clock.decay();
        let mut due = false;
        for (stack, note) in self.stacks.iter().zip(&self.notes) {
            let operations = stack.operations();
            if note.seen.swap(operations, Ordering::Relaxed) != operations {
                note.seen_at.store(clock.now(), Ordering::Relaxed);
            }
            let holds = |what: &AtomicU32| what.load(Ordering::Relaxed) > 0;
            due |= holds(&stack.capacity) && (note.is_idle(clock) || decays && holds(&stack.len));
        }
        due
    }

    /// How many blocks of a class its owner did without of late: all of them, or half of the low-water mark.
    pub(crate) fn surplus(&self, class: SizeClass, clock: &Clock) -> usize {
        let (stack, note) = (&self.stacks[class.index()], &self.notes[class.index()]);
        if note.is_idle(clock) {
            return self.len(class);
        }
        if clock.age(self.decayed_at.load(Ordering::Relaxed)) < clock.decay() {
            return 0;
        }
        let low = stack.low.load(Ordering::Relaxed).min(note.low.load(Ordering::Relaxed));
        stack.low.store(stack.len.load(Ordering::Relaxed), Ordering::Relaxed);
        note.low.store(u32::MAX, Ordering::Relaxed);
        self.len(class).min(low.div_ceil(2) as usize)
    }

    /// Takes out up to a batch of the blocks of a class that lay in it longest, and the room for them.
    pub(crate) fn unstock_lowest(&self, class: SizeClass, limit: usize) -> Batch {
        let stack = &self.stacks[class.index()];
        let slots = stack.slots(0, self.len(class));
        let taken = limit.min(slots.len()).min(BATCH_MAX);
        let mut batch = Batch::new();
        slots[..taken].iter().for_each(|slot| batch.push(slot.load(Ordering::Relaxed)));
        for (to, from) in slots.iter().zip(&slots[taken..]) {
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let left = slots.len() - taken;
        // As in `unstock`.
        slots[left..].iter().for_each(|slot| slot.store(0, Ordering::Relaxed));
        let left = left as u32;
        stack.len.store(left, Ordering::Relaxed);
        stack.low.store(left.min(stack.low.load(Ordering::Relaxed)), Ordering::Relaxed);
        self.ungrant(class, taken as u32);
        batch
    }

    /// After the surplus was taken: what is not wanted at all needs no room, and the time till the next decay begins.
    pub(crate) fn end_decay(&self, clock: &Clock) {
        for class in SizeClass::all() {
            let capacity = self.stacks[class.index()].capacity.load(Ordering::Relaxed);
            if capacity > 0 && self.notes[class.index()].is_idle(clock) {
                self.ungrant(class, capacity);
            }
        }
        if clock.age(self.decayed_at.load(Ordering::Relaxed)) >= clock.decay() {
            self.decayed_at.store(clock.now(), Ordering::Relaxed);
        }
    }

    /// Takes room for so many blocks from a stack that has it.
    fn ungrant(&self, class: SizeClass, blocks: u32) {
        let capacity = &self.stacks[class.index()].capacity;
        capacity.store(capacity.load(Ordering::Relaxed) - blocks, Ordering::Relaxed);
        let bytes = blocks as usize * class.size();
        self.granted.store(self.granted.load(Ordering::Relaxed) - bytes, Ordering::Relaxed);
        self.allowance.give_back(bytes);
    }

    /// After a miss: how many blocks to fetch. Half of what the stack may hold, so that a block that comes back finds
    /// room.
    pub(crate) fn portion(&self, class: SizeClass) -> usize {
        let half = self.stacks[class.index()].capacity.load(Ordering::Relaxed) as usize / 2;
        half.clamp(1, class.batch())
    }

    /// After an overflow: how many blocks should leave. Twice as many each time, up to a portion; but fewer and fewer
    /// where one overflow is all there is before the stack is empty again, because those that left were wanted back.
    pub(crate) fn overflow(&self, class: SizeClass) -> usize {
        let stack = &self.stacks[class.index()];
        let overflows = stack.overflows.load(Ordering::Relaxed).saturating_add(1);
        stack.overflows.store(overflows, Ordering::Relaxed);
        let surplus = stack.surplus.load(Ordering::Relaxed);
        let doubled = if overflows > 1 { 2 * surplus } else { surplus };
        let surplus = doubled.min(self.portion(class) as u32);
        stack.surplus.store(surplus, Ordering::Relaxed);
        surplus as usize
    }

    /// After a miss: notes it, and lets the stack grow as [`ThreadCache::grow`] does.
    pub(crate) fn miss(&self, class: SizeClass) -> Option<(SizeClass, Batch)> {
        let stack = &self.stacks[class.index()];
        if stack.overflows.load(Ordering::Relaxed) == 1 {
            stack.surplus.store((stack.surplus.load(Ordering::Relaxed) / 2).max(1), Ordering::Relaxed);
        }
        stack.overflows.store(0, Ordering::Relaxed);
        self.grow(class)
    }

    /// How many more blocks of a class it may hold.
    fn room(&self, class: SizeClass) -> usize {
        let capacity = self.stacks[class.index()].capacity.load(Ordering::Relaxed) as usize;
        capacity.saturating_sub(self.len(class))
    }

    /// Blocks of a class in it.
    pub(crate) fn len(&self, class: SizeClass) -> usize {
        self.stacks[class.index()].len.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn counts(&self, class: SizeClass) -> Counts {
        let stack = &self.stacks[class.index()];
        Counts { allocations: stack.allocations.load(Ordering::Relaxed), frees: stack.frees.load(Ordering::Relaxed) }
    }

    /// Hands over the counts of a class and starts again from zero.
    pub(crate) fn take_counts(&self, class: SizeClass) -> Counts {
        let counts = self.counts(class);
        let stack = &self.stacks[class.index()];
        stack.allocations.store(0, Ordering::Relaxed);
        stack.frees.store(0, Ordering::Relaxed);
        counts
    }
}

/// Whether one of the entries has the [`MARK`].
#[inline]
pub(crate) fn is_any_marked(entries: &[usize]) -> bool {
    entries.iter().fold(0, |all, entry| all | entry) & MARK != 0
}

/// Adds with a load and a store: there is one writer.
#[inline(always)]
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

/// A quarter of the budget, but two batches where the budget has room for them.
fn capacity_max(class: SizeClass, budget: usize) -> u32 {
    let share = budget / CLASS_SHARE / class.size();
    let two_batches = (2 * class.batch()).min(budget / class.size());
    share.max(two_batches).min(STACK_MAX) as u32
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::os::host;

    fn cache(budget: usize) -> ThreadCache {
        ThreadCache::new(host(), "test", (budget, Arc::new(Allowance::new(usize::MAX))), 0, Gate::new(true))
            .expect("memory for a cache")
    }

    fn class(size: usize) -> SizeClass {
        SizeClass::of(size).expect("a class")
    }

    #[test]
    fn a_stack_is_last_in_first_out_and_counts() {
        let cache = cache(1 << 20);
        let small = class(64);
        assert!(!cache.push(small, 1), "no capacity before the first miss");
        let capacities = [1, 2, 4, 8, 16, 32, 64, 96].map(|_| {
            assert!(cache.grow(small).is_none());
            cache.room(small)
        });
        assert_eq!(capacities, [1, 2, 4, 8, 16, 32, 64, 96], "doubling, by a batch at most");
        assert!(cache.push(small, 1) && cache.push(small, 2));
        assert_eq!((cache.pop(small), cache.pop(small), cache.pop(small)), (Some(2), Some(1), None));
        assert_eq!(cache.push_many(small, &[7; 100]), 96);
        let mut out = [0; 20];
        assert_eq!((cache.pop_many(small, &mut out).count, cache.len(small)), (20, 76));
        let counts = cache.take_counts(small);
        assert_eq!((counts.allocations, counts.frees), (22, 98));
        assert_eq!(cache.counts(small).frees, 0);
    }

    #[test]
    fn capacities_stay_within_the_budget_and_move_to_who_misses() {
        let budget = 256 * 1024;
        let cache = cache(budget);
        let full = |size| {
            let class = class(size);
            for _ in 0..100 {
                cache.grow(class);
                while cache.push(class, size) {}
                let bytes: usize = SizeClass::all().map(|class| cache.len(class) * class.size()).sum();
                assert!(bytes <= budget && cache.granted.load(Ordering::Relaxed) <= budget);
            }
            cache.len(class)
        };
        for size in [1024, 2048, 4096, 8192, 16384] {
            assert!(full(size) > 0, "{size} got nothing");
        }
        assert_eq!(full(1 << 20), 0, "a block above the budget is not cached");
    }

    #[test]
    fn all_caches_together_stay_within_the_allowance() {
        let class = class(1024);
        let allowance = Arc::new(Allowance::new(10 * 1024));
        let caches = [0, 1].map(|number| {
            ThreadCache::new(host(), "test", (1 << 20, allowance.clone()), number, Gate::new(true))
                .expect("memory for a cache")
        });
        let room = |cache: &ThreadCache| {
            (0..10).for_each(|_| assert!(cache.grow(class).is_none(), "nothing is in it"));
            cache.room(class)
        };
        assert_eq!(room(&caches[0]) + room(&caches[1]), 10);
        caches[0].reset_capacity();
        assert_eq!(room(&caches[1]), 10);
    }

    #[test]
    fn no_allowance_is_lost_by_stealing_and_decay() {
        const BYTES: usize = 64 * 1024;
        let allowance = Arc::new(Allowance::new(BYTES));
        let cache = ThreadCache::new(host(), "test", (BYTES, allowance.clone()), 0, Gate::new(true)).expect("memory");
        let clock = Clock::new(std::time::Duration::ZERO);
        for round in 0..200 {
            for size in [64, 1024, 4096, 16384] {
                cache.grow(class(size));
                cache.push(class(size), size);
            }
            if round % 50 == 49 {
                assert!(cache.is_due(&clock));
                let surplus = cache.surplus(class(1024), &clock);
                assert_eq!(cache.unstock_lowest(class(1024), surplus).len(), surplus.min(BATCH_MAX));
            }
            let granted = cache.granted.load(Ordering::Relaxed);
            assert_eq!(allowance.left.load(Ordering::Relaxed) + granted, BYTES);
        }
        for class in SizeClass::all() {
            while cache.len(class) > 0 {
                cache.unstock(class, BATCH_MAX);
            }
        }
        cache.end_decay(&clock);
        assert!(!cache.is_in_use());
        assert_eq!(allowance.left.load(Ordering::Relaxed), BYTES);
    }

    #[test]
    fn the_longest_in_a_stack_leave_first() {
        let cache = cache(1 << 20);
        (0..8).for_each(|_| assert!(cache.grow(class(64)).is_none()));
        cache.stock(class(64), &[64, 128, 192, 256, 320]);
        assert_eq!(cache.unstock_lowest(class(64), 2).blocks(), [64, 128]);
        assert_eq!((cache.pop(class(64)), cache.pop(class(64)), cache.len(class(64))), (Some(320), Some(256), 1));
    }

    #[test]
    fn the_surplus_doubles_only_where_overflows_follow_each_other() {
        let cache = cache(1 << 20);
        let class = class(64);
        (0..10).for_each(|_| assert!(cache.grow(class).is_none()));
        assert_eq!([(); 4].map(|()| cache.overflow(class)), [1, 2, 4, 8]);
        cache.miss(class);
        assert_eq!(cache.overflow(class), 8);
        for surplus in [4, 2, 1, 1] {
            cache.miss(class);
            assert_eq!(cache.overflow(class), surplus, "what left was wanted back");
        }
    }
}
