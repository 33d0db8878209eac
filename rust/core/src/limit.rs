//! Budgets of committed bytes: a pool's own limit and those of its ancestors; and who waits at which.

use std::time::Instant;

use crate::error::Error;
use crate::line::{Limit, Line, Place, Turn};
use crate::room::Want;
use crate::sync::{Arc, AtomicUsize, Ordering, fence, update};

/// Committed bytes of one pool and its descendants, against its limit.
///
/// Threading: lock-free as long as nobody waits; every method may be called from any thread.
#[derive(Debug)]
pub(crate) struct Budget {
    name: String,
    limit: AtomicUsize,
    committed: AtomicUsize,
    peak: AtomicUsize,
    parent: Option<Arc<Budget>>,
    /// Those who stand at this limit, to be read without the line's lock.
    waiting: AtomicUsize,
    /// The family's.
    line: Arc<Line>,
}

/// The pools under a budget, as far as a line needs them.
pub(crate) trait Family {
    /// Somebody waits now at the limit `level` above: what comes back there is to go past all caches, and what is in
    /// them is to come out.
    fn bypass_caches(&self, level: usize);

    /// Nobody waits there any more.
    fn use_caches(&self, level: usize);
}

/// One who waits; leaves the line when dropped.
struct Waiter<'a, F: Family> {
    budget: &'a Budget,
    family: &'a F,
    place: Place,
}

impl<F: Family> Drop for Waiter<'_, F> {
    fn drop(&mut self) {
        self.budget.leave(self.place, self.family);
    }
}

impl Budget {
    pub(crate) fn new(name: String, limit: usize, parent: Option<Arc<Budget>>) -> Arc<Budget> {
        let (limit, committed, peak) = (AtomicUsize::new(limit), AtomicUsize::new(0), AtomicUsize::new(0));
        let line = parent.as_ref().map_or_else(Arc::default, |parent| parent.line.clone());
        Arc::new(Budget { name, limit, committed, peak, parent, waiting: AtomicUsize::new(0), line })
    }

    /// Takes `bytes` here and in every ancestor, or nowhere. `requested` is what the user asked for, for the error.
    pub(crate) fn acquire(&self, bytes: usize, requested: usize) -> Result<(), Error> {
        // First a look: what a child takes until its parent has refused would be in somebody else's way.
        self.check(bytes, requested)?;
        self.acquire_at(0, bytes, requested)
    }

    fn acquire_at(&self, level: usize, bytes: usize, requested: usize) -> Result<(), Error> {
        let committed = update(&self.committed, |now| self.after(now, bytes))
            .map_err(|committed| self.refusal(level, requested, committed))?;
        if let Some(parent) = &self.parent {
            parent.acquire_at(level + 1, bytes, requested).inspect_err(|_| self.subtract(bytes))?;
        }
        self.peak.fetch_max(committed + bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Whether [`Budget::acquire`] would succeed if nobody else came in between.
    pub(crate) fn check(&self, bytes: usize, requested: usize) -> Result<(), Error> {
        self.refuse_if(requested, |budget| budget.after(budget.committed(), bytes).is_none())
    }

    /// Refuses what no limit of the lineage would allow even if nothing else were there.
    pub(crate) fn check_limits(&self, bytes: usize, requested: usize) -> Result<(), Error> {
        self.refuse_if(requested, |budget| bytes > budget.limit())
    }

    fn refuse_if(&self, requested: usize, is_refused: impl Fn(&Budget) -> bool) -> Result<(), Error> {
        match self.lineage().enumerate().find(|(_, budget)| is_refused(budget)) {
            Some((level, budget)) => Err(budget.refusal(level, requested, budget.committed())),
            None => Ok(()),
        }
    }

    /// Committed bytes after taking `bytes` more, if the limit allows them.
    fn after(&self, committed: usize, bytes: usize) -> Option<usize> {
        committed.checked_add(bytes).filter(|after| *after <= self.limit())
    }

    /// `level` is how far above the pool asked this budget stands.
    fn refusal(&self, level: usize, requested: usize, committed: usize) -> Error {
        let (pool, limit) = (self.name.clone(), self.limit());
        Error::LimitReached { pool, level, requested, committed, limit, waiting: self.waiting() }
    }

    /// Gives `bytes` back, here and in every ancestor, and lets those know who wait there.
    pub(crate) fn release(&self, bytes: usize) {
        self.lineage().for_each(|budget| budget.subtract(bytes));
    }

    fn subtract(&self, bytes: usize) {
        let before = self.committed.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "more bytes released than were committed");
        // Either who joins a line sees these bytes, or this sees that he waits.
        fence(Ordering::SeqCst);
        if self.waiting() > 0 {
            self.line.call(|limit| limit == self.id());
        }
    }

    /// Whether somebody waits at this limit or at an ancestor's.
    pub(crate) fn is_waited_at(&self) -> bool {
        self.lineage().any(|budget| budget.waiting() > 0)
    }

    /// Memory came back to the pool of this budget, whether it is still committed or not.
    pub(crate) fn came_back(&self) {
        if self.is_waited_at() {
            self.line.call(|limit| self.is_under(limit));
        }
    }

    /// Runs `attempt` if it is somebody's turn: of one who waits, or of one who does not.
    pub(crate) fn in_turn<T>(
        &self,
        place: Option<Place>,
        requested: usize,
        attempt: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if !self.is_waited_at() {
            return attempt();
        }
        match self.line.ask(place, |limit| self.is_under(limit)) {
            Turn::Own => attempt(),
            Turn::Passing(passed) => attempt().inspect_err(|_| self.line.not_passed(passed)),
            Turn::Refused(limit) => {
                let level = self.level_of(limit);
                let budget = self.at(level);
                Err(budget.refusal(level, requested, budget.committed()))
            }
        }
    }

    /// Waits in line at the limit `level` above, and runs `attempt` when called, as long as a limit refuses that and the
    /// deadline is not over; then once more. The result is that of the last attempt.
    pub(crate) fn wait_in_line<T>(
        &self,
        level: usize,
        want: Want,
        deadline: Option<Instant>,
        family: &impl Family,
        mut attempt: impl FnMut(Place) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let waiter = Waiter { budget: self, family, place: self.join(level, want, family) };
        let mut in_time = true;
        loop {
            let result = attempt(waiter.place);
            match result {
                Err(Error::LimitReached { level, .. }) if in_time && self.check_limits(want.bytes(), 0).is_ok() => {
                    self.refused(waiter.place, level, family);
                    in_time = self.line.wait(waiter.place, deadline);
                }
                _ => return result,
            }
        }
    }

    /// Joins the line at the limit `level` above.
    pub(crate) fn join(&self, level: usize, want: Want, family: &impl Family) -> Place {
        let budget = self.at(level);
        let mut is_first = false;
        let place = self.line.join(self.id(), budget.id(), want, || is_first = budget.count_waiter());
        if is_first {
            family.bypass_caches(level);
        }
        place
    }

    /// Leaves the line.
    pub(crate) fn leave(&self, place: Place, family: &impl Family) {
        let mut level = None;
        self.line
            .leave(place, |limit| level = Some(self.level_of(limit)).filter(|&level| self.at(level).discount_waiter()));
        if let Some(level) = level {
            family.use_caches(level);
        }
    }

    /// One who waits was refused by the limit `level` above: if that is a higher one than the one he stands at, he
    /// stands there from now on. The next one is called.
    pub(crate) fn refused(&self, place: Place, level: usize, family: &impl Family) {
        let mut is_first = false;
        self.line.stand_at(place, self.at(level).id(), |limit| {
            let before = self.level_of(limit);
            if level > before {
                is_first = self.at(level).count_waiter();
                self.at(before).discount_waiter();
            }
            level > before
        });
        if is_first {
            family.bypass_caches(level);
        }
        self.line.hand_on(place);
    }

    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    fn id(&self) -> Limit {
        std::ptr::from_ref(self).addr()
    }

    fn is_under(&self, limit: Limit) -> bool {
        self.lineage().any(|budget| budget.id() == limit)
    }

    fn level_of(&self, limit: Limit) -> usize {
        self.lineage().position(|budget| budget.id() == limit).expect("he stands at one of his limits")
    }

    /// Whether he is the first. Either whoever gives something back sees that he waits, or he sees what came back.
    fn count_waiter(&self) -> bool {
        let is_first = self.waiting.fetch_add(1, Ordering::SeqCst) == 0;
        fence(Ordering::SeqCst);
        is_first
    }

    /// Whether he was the last.
    fn discount_waiter(&self) -> bool {
        self.waiting.fetch_sub(1, Ordering::SeqCst) == 1
    }

    fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The budget so many levels above this one.
    pub(crate) fn at(&self, level: usize) -> &Budget {
        self.lineage().nth(level).expect("a level of the lineage")
    }

    /// This budget, its parent, and so on.
    fn lineage(&self) -> impl Iterator<Item = &Budget> {
        std::iter::successors(Some(self), |budget| budget.parent.as_deref())
    }

    pub(crate) fn committed(&self) -> usize {
        self.committed.load(Ordering::Relaxed)
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Sets another limit, and returns the one before. Whoever waits looks whether it serves him, or never will.
    pub(crate) fn set_limit(&self, limit: usize) -> usize {
        let before = self.limit.swap(limit, Ordering::SeqCst);
        self.line.call_all();
        before
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_and_its_error_says_whose_it_is() {
        let parent = Budget::new("parent".into(), 100, None);
        let child = Budget::new("child".into(), 80, Some(parent.clone()));
        let sibling = Budget::new("sibling".into(), 80, Some(parent.clone()));
        child.acquire(60, 60).expect("room in both");
        assert_eq!(
            child.acquire(30, 25),
            Err(Error::LimitReached {
                pool: "child".into(),
                level: 0,
                requested: 25,
                committed: 60,
                limit: 80,
                waiting: 0
            })
        );
        assert_eq!(
            sibling.acquire(50, 50),
            Err(Error::LimitReached {
                pool: "parent".into(),
                level: 1,
                requested: 50,
                committed: 60,
                limit: 100,
                waiting: 0
            })
        );
        assert_eq!((child.committed(), sibling.committed(), parent.committed()), (60, 0, 60));
        child.release(60);
        sibling.acquire(80, 80).expect("room again");
        assert_eq!((parent.committed(), parent.peak(), child.peak(), child.limit()), (80, 80, 60, 80));
        assert!(sibling.acquire(usize::MAX, 1).is_err(), "no overflow");
    }

    /// As when somebody else took the room between the look and the taking.
    #[test]
    fn who_loses_the_room_after_the_look_learns_whose_limit_it_was() {
        let root = Budget::new("root".into(), 100, None);
        let parent = Budget::new("parent".into(), 200, Some(root.clone()));
        let child = Budget::new("child".into(), 200, Some(parent.clone()));
        root.acquire(60, 60).expect("room");
        let refused = child.acquire_at(0, 50, 50);
        assert!(matches!(&refused, Err(Error::LimitReached { pool, level: 2, .. }) if pool == "root"), "{refused:?}");
        assert_eq!((child.committed(), parent.committed(), root.committed()), (0, 0, 60));
    }

    /// Nothing is cached here.
    struct Alone;

    impl Family for Alone {
        fn bypass_caches(&self, _: usize) {}

        fn use_caches(&self, _: usize) {}
    }

    const MIB: usize = 1 << 20;

    /// Two pools under a limit that is used up; in each, one waits there for a block of so many bytes.
    fn two_who_wait(sizes: [usize; 2]) -> (Arc<Budget>, [(Arc<Budget>, Place); 2]) {
        let parent = Budget::new("parent".into(), MIB, None);
        parent.acquire(MIB, 1).expect("room");
        let waiting = sizes.map(|size| {
            let pool = Budget::new("child".into(), MIB, Some(parent.clone()));
            let place = pool.join(1, Want::of(size), &Alone);
            (pool, place)
        });
        (parent, waiting)
    }

    #[test]
    fn a_block_that_came_back_to_another_pool_than_his_is_offered_to_those_who_wait_there() {
        let (_, [(first, place), (second, next)]) = two_who_wait([1000, 1000]);
        second.came_back();
        assert!(first.line().is_called(place), "he has waited longest");
        first.refused(place, 1, &Alone);
        assert!(second.line().is_called(next), "a free block of a slab is its own pool's alone");
    }

    #[test]
    fn who_is_refused_by_his_own_limit_keeps_nothing_from_others() {
        let (parent, [(first, place), (second, next)]) = two_who_wait([MIB, MIB]);
        parent.release(MIB);
        assert!(first.line().is_called(place));
        first.refused(place, 0, &Alone);
        assert!(second.line().is_called(next));
    }

    #[test]
    fn room_that_came_while_he_went_to_another_limit_is_found() {
        let (parent, [(first, place), _]) = two_who_wait([MIB, 1]);
        let late = Budget::new("late".into(), MIB, Some(parent.clone()));
        let moving = late.join(0, Want::of(1), &Alone);
        // He is refused by the parent; before he stands there, something comes back that is too little for the other one.
        assert!(late.acquire(1, 1).is_err());
        parent.release(1);
        assert!(first.line().is_called(place));
        first.refused(place, 1, &Alone);
        late.refused(moving, 1, &Alone);
        assert!(late.line().is_called(moving));
    }
}

#[cfg(all(test, loom))]
mod loom_models {
    use loom::model::Builder;
    use loom::thread;

    use super::*;
    use crate::sync::Mutex;

    /// Enough for the smallest block, so that who wants one is let into the line.
    const LIMIT: usize = 1 << 20;

    /// Switches of threads where one could go on, at most: with more the models take hours.
    const SWITCHES: usize = 2;

    fn model(run: impl Fn() + Send + Sync + 'static) {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(SWITCHES);
        builder.check(run);
    }

    /// Nothing is cached here.
    struct Alone;

    impl Family for Alone {
        fn bypass_caches(&self, _: usize) {}

        fn use_caches(&self, _: usize) {}
    }

    /// One byte, waited for for ever.
    fn wait(budget: &Budget) {
        let attempt = |place| budget.in_turn(Some(place), 1, || budget.acquire(1, 1));
        budget.wait_in_line(0, Want::of(1), None, &Alone, attempt).expect("room in the end");
    }

    fn line_is_empty(budget: &Budget) -> bool {
        !budget.is_waited_at() && budget.in_turn(None, 1, || Ok(())).is_ok()
    }

    /// A limit of one byte, taken by two threads that wait for it; loom finds a call that is lost.
    #[test]
    fn two_who_wait_are_both_served() {
        model(|| {
            let budget = Budget::new("one".into(), LIMIT, None);
            budget.acquire(LIMIT - 1, 1).expect("room");
            let other = {
                let budget = budget.clone();
                thread::spawn(move || {
                    wait(&budget);
                    budget.release(1);
                })
            };
            wait(&budget);
            budget.release(1);
            other.join().expect("no panic");
            assert!(line_is_empty(&budget) && budget.committed() == LIMIT - 1);
        });
    }

    /// Room that comes back while somebody joins the line, or sets out to sleep, is found.
    #[test]
    fn room_that_comes_back_is_found() {
        model(|| {
            let budget = Budget::new("one".into(), LIMIT, None);
            budget.acquire(LIMIT, 1).expect("room");
            let other = {
                let budget = budget.clone();
                thread::spawn(move || budget.release(1))
            };
            wait(&budget);
            other.join().expect("no panic");
            assert!(line_is_empty(&budget) && budget.committed() == LIMIT);
        });
    }

    /// Room that comes back to a pool (here a byte in an arena behind a lock) without being given back.
    #[test]
    fn a_block_that_comes_back_is_found() {
        model(|| {
            let budget = Budget::new("one".into(), LIMIT, None);
            let arena = Arc::new(Mutex::new(0));
            let other = {
                let (budget, arena) = (budget.clone(), arena.clone());
                thread::spawn(move || {
                    *arena.lock() += 1;
                    budget.came_back();
                })
            };
            let take = || {
                let mut blocks = arena.lock();
                *blocks = usize::checked_sub(*blocks, 1).ok_or_else(|| budget.refusal(0, 1, LIMIT))?;
                Ok(())
            };
            let attempt = |place| budget.in_turn(Some(place), 1, take);
            budget.wait_in_line(0, Want::of(1), None, &Alone, attempt).expect("the block in the end");
            other.join().expect("no panic");
        });
    }

    /// One who waits at a child's limit finds that the parent's refuses as well, and moves there, while both come free.
    #[test]
    fn one_who_moves_to_another_limit_is_called_there() {
        model(|| {
            let parent = Budget::new("parent".into(), LIMIT, None);
            let child = Budget::new("child".into(), LIMIT, Some(parent.clone()));
            child.acquire(1, 1).expect("room");
            parent.acquire(LIMIT - 1, 1).expect("room");
            child.set_limit(LIMIT - 1);
            let other = {
                let (child, parent) = (child.clone(), parent.clone());
                thread::spawn(move || {
                    child.set_limit(LIMIT);
                    parent.release(1);
                })
            };
            wait(&child);
            other.join().expect("no panic");
            assert!(line_is_empty(&child) && parent.committed() == LIMIT);
        });
    }

    /// Two pools under one parent: neither limit is ever passed, and what is refused by the parent is not kept by the
    /// child.
    #[test]
    fn a_refusal_by_the_parent_leaves_nothing_behind() {
        model(|| {
            let parent = Budget::new("parent".into(), 3, None);
            let children = ["first", "second"].map(|name| Budget::new(name.into(), 2, Some(parent.clone())));
            let spend = |budget: &Budget, parent: &Budget| {
                let taken = budget.acquire(2, 2).is_ok();
                assert!(parent.committed() <= 3 && budget.committed() <= 2);
                if taken {
                    budget.release(2);
                }
                taken
            };
            let other = {
                let (child, parent) = (children[0].clone(), parent.clone());
                thread::spawn(move || spend(&child, &parent))
            };
            let taken = spend(&children[1], &parent);
            assert!(other.join().expect("no panic") || taken, "one of them had room");
            assert_eq!((parent.committed(), children[0].committed(), children[1].committed()), (0, 0, 0));
            assert!(parent.peak() <= 3);
        });
    }
}
