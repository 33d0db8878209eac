//! What happens at a limit. Before an allocation is refused, what is free is given back, here and in the other pools under
//! that limit, unless it is plain that this cannot help. Who is refused and waits stands in the [line](crate::line);
//! meanwhile all pools under that limit bypass their caches.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::limit::Family;
use crate::line::Place;
use crate::pool::Inner;
use crate::size_class::{PAGE, SizeClass};
use crate::sync::raw::{AtomicU64, Ordering};

/// Reclaims that ever began, in all pools. Who compares two readings knows whether a reclaim began in between.
static RECLAIMS: AtomicU64 = AtomicU64::new(0);

/// No block is as large as this.
const TOO_LARGE: usize = isize::MAX as usize;

/// What an allocation needs at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Want {
    /// A free block of this class, unless it is a huge block that is wanted,
    class: Option<SizeClass>,
    /// or so many bytes of pages to make one.
    bytes: usize,
    /// What the user asked for.
    requested: usize,
}

impl Want {
    pub(crate) fn of_class(class: SizeClass) -> Want {
        Want { class: Some(class), bytes: class.pages() * PAGE, requested: class.size() }
    }

    pub(crate) fn of_huge(size: usize) -> Want {
        let bytes = size.checked_next_multiple_of(PAGE).unwrap_or(usize::MAX);
        Want { class: None, bytes, requested: size }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether one who found no room for `other` in the same pool tells that there is none for this: with slabs only if it
    /// is of the same class, as others may have free blocks.
    pub(crate) fn needs_no_less_than(&self, other: &Want) -> bool {
        match self.class {
            Some(class) if !class.is_run() => self.class == other.class,
            _ => self.bytes >= other.bytes,
        }
    }

    /// For a block of `size` bytes, whatever its class.
    pub(crate) fn of(size: usize) -> Want {
        SizeClass::of(size).map_or_else(|| Want::of_huge(size), Want::of_class)
    }
}

/// What some pools hold that no reclaim can give back, as far as that is certain; and what they did.
#[derive(Default)]
struct Held {
    /// Bytes of pages and mappings under blocks that are out.
    bytes: usize,
    /// Of the wanted class, blocks that are free already.
    ready: usize,
    /// Allocations and frees ever.
    operations: u64,
    /// Whether a quarantine holds blocks.
    quarantine: bool,
}

impl Inner {
    /// Runs `allocate`. If that finds a limit reached, or the system unwilling, gives back what is free in this pool and
    /// tries again, and then what is free in the others under that limit. Those who wait come first, as the rule of the
    /// line has it; `place` is for one of them.
    pub(crate) fn with_room<T>(
        self: &Arc<Self>,
        want: Want,
        place: Option<Place>,
        allocate: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.refuse_if_forked()?;
        if self.is_closed() {
            return Err(self.closed_error());
        }
        self.backing.budget.in_turn(place, want.requested, || self.make_room(want, allocate))
    }

    fn make_room<T>(self: &Arc<Self>, want: Want, mut allocate: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let mut result = allocate();
        for others in [false, true] {
            let Err(refused) = &result else { break };
            let before = RECLAIMS.load(Ordering::SeqCst);
            let mut pools = self.pools_under(refused);
            if !self.may_help(want, refused, &pools) {
                break;
            }
            pools.retain(|pool| Arc::ptr_eq(pool, self) != others);
            if pools.is_empty() {
                break;
            }
            pools.iter().for_each(|pool| pool.reclaim_unless_since(before));
            result = allocate();
        }
        result
    }

    /// Runs `attempt`; if a limit refuses, waits in line and runs it with that place, until it finds room or `timeout`
    /// is over.
    pub(crate) fn within<T>(
        self: &Arc<Self>,
        want: Want,
        timeout: Duration,
        mut attempt: impl FnMut(Option<Place>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = match attempt(None) {
            Err(Error::LimitReached { level, .. }) if !timeout.is_zero() && self.is_servable(want) => {
                self.counters.count_wait();
                let deadline = Instant::now().checked_add(timeout);
                self.backing.budget.wait_in_line(level, want, deadline, self, |place| attempt(Some(place)))
            }
            result => result,
        };
        self.counted(result)
    }

    /// Stands in line at its own limit, to begin with.
    pub(crate) fn join_line(self: &Arc<Self>, want: Want) -> Result<Place, Error> {
        self.refuse_if_forked()?;
        self.backing.budget.check_limits(want.bytes, want.requested)?;
        self.counters.count_wait();
        Ok(self.backing.budget.join(0, want, self))
    }

    /// Whether no limit forbids it for ever. What is not servable never waits: it would hold up all others.
    fn is_servable(&self, want: Want) -> bool {
        self.backing.budget.check_limits(want.bytes, want.requested).is_ok()
    }

    /// Whether blocks go past all caches: after closing, and while somebody waits for them.
    pub(crate) fn bypasses_caches(&self) -> bool {
        self.is_closed() || self.backing.budget.is_waited_at()
    }

    /// Counts an allocation that came to nothing. One that waits is counted once, however often it tried.
    pub(crate) fn counted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::LimitReached { .. } | Error::OutOfMemory { .. }) = &result {
            self.counters.count_failure();
        }
        result
    }

    /// Whether the wanted block can be had once all free memory of these pools was given back. A guess may be wrong in
    /// one way only: where a pool is busy, it says yes.
    fn may_help(&self, want: Want, refused: &Error, pools: &[Arc<Inner>]) -> bool {
        let budget = &self.backing.budget;
        if want.bytes > TOO_LARGE || !self.is_servable(want) {
            return false;
        }
        let (held, again) = (Held::by(pools, want.class), Held::operations(pools));
        if held.quarantine || held.ready > 0 || held.operations != again {
            return true;
        }
        match refused {
            // What the system has is not known: any byte may help.
            Error::OutOfMemory { .. } => pools.iter().any(|pool| pool.backing.budget.committed() > held.bytes),
            Error::LimitReached { level, .. } => held.bytes.saturating_add(want.bytes) <= budget.at(*level).limit(),
            _ => false,
        }
    }

    /// The pools whose bytes count where an allocation of this one was refused; all of the family, if the system did.
    fn pools_under(self: &Arc<Self>, refused: &Error) -> Vec<Arc<Inner>> {
        match refused {
            Error::LimitReached { level, .. } => self.pools_at(*level),
            _ => self.pools_at(usize::MAX),
        }
    }

    /// The pools under the limit `level` above, or under the highest there is.
    fn pools_at(self: &Arc<Self>, level: usize) -> Vec<Arc<Inner>> {
        let mut top = self;
        for _ in 0..level {
            let Some(parent) = &top.options.parent else { break };
            top = &parent.0;
        }
        let mut pools = top.descendants();
        pools.push(top.clone());
        pools
    }

    /// Children, their children, and so on.
    fn descendants(&self) -> Vec<Arc<Inner>> {
        let mut pools: Vec<_> = self.children.lock().iter().filter_map(Weak::upgrade).collect();
        let below: Vec<_> = pools.iter().flat_map(|child| child.descendants()).collect();
        pools.extend(below);
        pools
    }

    pub(crate) fn reclaim_descendants(&self) {
        self.descendants().iter().for_each(|pool| {
            pool.reclaim();
        });
    }

    /// Empties every cache and the depot, and gives all free memory back. Returns the bytes.
    pub(crate) fn reclaim(&self) -> usize {
        let _maintenance = self.maintenance.lock();
        self.reclaim_locked()
    }

    /// The same for who failed when [`RECLAIMS`] was `failed_at`: if a reclaim has begun since, all that was free then
    /// was given back by it, and those who failed together pay for one.
    fn reclaim_unless_since(&self, failed_at: u64) {
        let _maintenance = self.maintenance.lock();
        if self.reclaimed_at.load(Ordering::SeqCst) <= failed_at {
            self.reclaim_locked();
        }
    }

    fn reclaim_locked(&self) -> usize {
        self.reclaimed_at.store(RECLAIMS.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        self.release_quarantine(true);
        self.empty(&self.live_caches(), false);
        self.drop_spares();
        self.purge_all()
    }

    /// Free blocks of a class in caches and depot, and the pages that come free with them at most.
    fn cached(&self, class: SizeClass) -> (usize, usize) {
        let caches = self.caches.lock();
        let blocks = caches.live.iter().map(|cache| cache.len(class)).sum::<usize>() + self.depot.count(class);
        let slabs = if class.is_run() { blocks } else { self.arenas.iter().map(|arena| arena.slabs(class)).sum() };
        (blocks, blocks.min(slabs) * class.pages())
    }

    /// Allocations and frees ever.
    fn operations(&self) -> u64 {
        let (caches, huge) = (self.caches.lock(), self.huge.figures());
        let cached = caches.live.iter().map(|cache| cache.operations());
        let past = [self.counters.operations(), huge.allocations, huge.frees];
        cached.chain(past).fold(0, u64::wrapping_add)
    }
}

impl Family for Arc<Inner> {
    fn bypass_caches(&self, level: usize) {
        for pool in self.pools_at(level) {
            let _maintenance = pool.maintenance.lock();
            pool.empty(&pool.live_caches(), true);
            pool.depot.decay(true, |blocks| pool.release_to_arenas(blocks));
        }
    }

    fn use_caches(&self, level: usize) {
        for pool in self.pools_at(level) {
            let _maintenance = pool.maintenance.lock();
            // Somebody may wait again, or at another limit.
            if !pool.bypasses_caches() {
                pool.live_caches().iter().for_each(|cache| cache.gate.shut().open());
            }
        }
    }
}

impl Held {
    fn by(pools: &[Arc<Inner>], wanted: Option<SizeClass>) -> Held {
        // The operations first, so that what is done meanwhile is noticed.
        let mut held = Held { operations: Held::operations(pools), ..Held::default() };
        for pool in pools {
            let huge = pool.huge.figures();
            held.bytes += huge.committed - huge.cached_bytes;
            held.bytes += pool.arenas.iter().map(|arena| arena.figures().used_pages * PAGE).sum::<usize>();
            for class in SizeClass::all() {
                let (blocks, pages) = pool.cached(class);
                held.bytes = held.bytes.saturating_sub(pages * PAGE);
                held.ready += if Some(class) == wanted { blocks } else { 0 };
            }
            held.quarantine |= pool.checked.as_ref().is_some_and(|checked| checked.quarantined_bytes() > 0);
        }
        held
    }

    fn operations(pools: &[Arc<Inner>]) -> u64 {
        pools.iter().map(|pool| pool.operations()).fold(0, u64::wrapping_add)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::pool::Pool;

    #[test]
    fn one_reclaim_serves_all_who_failed_before_it_began() {
        let pool = Pool::new(Options::new()).expect("a pool");
        let free = || drop(pool.allocate(1000));
        let committed = || pool.0.backing.budget.committed();
        let failed_at = RECLAIMS.load(Ordering::SeqCst);
        free();
        pool.0.reclaim_unless_since(failed_at);
        assert_eq!(committed(), 0, "nobody reclaimed since");
        free();
        pool.0.reclaim_unless_since(failed_at);
        assert!(committed() > 0, "somebody did");
        pool.0.reclaim_unless_since(RECLAIMS.load(Ordering::SeqCst));
        assert_eq!(committed(), 0, "but not since this failure");
    }
}
