//! Budgets of committed bytes: a pool's own limit and those of its ancestors; and the queue of those who wait for room.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::sync::{Arc, AtomicUsize, Condvar, Mutex, Ordering, update};

/// Committed bytes of one pool and its descendants, against its limit.
///
/// Threading: lock-free; every method may be called from any thread.
#[derive(Debug)]
pub(crate) struct Budget {
    name: String,
    limit: AtomicUsize,
    committed: AtomicUsize,
    peak: AtomicUsize,
    parent: Option<Arc<Budget>>,
    /// Those whom this limit refused and who wait.
    queue: Queue,
}

impl Budget {
    pub(crate) fn new(name: String, limit: usize, parent: Option<Arc<Budget>>) -> Arc<Budget> {
        let (limit, committed, peak) = (AtomicUsize::new(limit), AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Budget { name, limit, committed, peak, parent, queue: Queue::default() })
    }

    /// Takes `bytes` here and in every ancestor, or nowhere. `requested` is what the user asked for, for the error.
    pub(crate) fn acquire(&self, bytes: usize, requested: usize) -> Result<(), Error> {
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
        Error::LimitReached { pool, level, requested, committed, limit, waiting: 0 }
    }

    /// Gives `bytes` back, here and in every ancestor.
    pub(crate) fn release(&self, bytes: usize) {
        self.lineage().for_each(|budget| budget.subtract(bytes));
    }

    fn subtract(&self, bytes: usize) {
        let before = self.committed.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "more bytes released than were committed");
    }

    /// Repeats `attempt` while it finds a limit reached, until `timeout` is over. Those who wait for the same limit are
    /// served first come first; who comes while others wait joins them without an attempt of its own. The result is
    /// that of the last attempt. `on_wait` is called before a wait.
    pub(crate) fn wait_for<T>(
        &self,
        bytes: usize,
        timeout: Duration,
        on_wait: impl FnOnce(),
        mut attempt: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if timeout.is_zero() || self.check_limits(bytes, 0).is_err() {
            return attempt();
        }
        let refusing = match self.lineage().find(|budget| budget.queue.is_waited_in()) {
            Some(waited_for) => waited_for,
            None => match attempt() {
                Err(Error::LimitReached { level, .. }) => self.ancestor(level).unwrap_or(self),
                result => return result,
            },
        };
        on_wait();
        refusing.queue.wait(timeout, attempt)
    }

    /// The budget so many levels above this one.
    pub(crate) fn ancestor(&self, level: usize) -> Option<&Budget> {
        self.lineage().nth(level)
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

    /// Sets another limit, and returns the one before.
    pub(crate) fn set_limit(&self, limit: usize) -> usize {
        self.limit.swap(limit, Ordering::Relaxed)
    }
}

/// How long the first in line sleeps between two attempts. A block that is released goes to a cache and tells nobody,
/// which keeps releasing fast; so the one who waits has to look.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Those who wait for room, first come first.
#[derive(Debug)]
struct Queue {
    line: Mutex<Line>,
    moved: Condvar,
    /// Tickets in `line`, to be read without the lock.
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct Line {
    tickets: VecDeque<u64>,
    next: u64,
}

impl Default for Queue {
    fn default() -> Self {
        Queue { line: Mutex::new(Line::default()), moved: Condvar::new(), waiting: AtomicUsize::new(0) }
    }
}

impl Queue {
    fn wait<T>(&self, timeout: Duration, mut attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let deadline = Instant::now().checked_add(timeout);
        let ticket = self.join();
        loop {
            let in_time = self.wait_for_turn(ticket.number, deadline);
            let result = attempt();
            let over = !in_time || deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if over || !matches!(result, Err(Error::LimitReached { .. })) {
                return result;
            }
            self.moved.wait_for(&mut self.line.lock(), LOOK_AGAIN);
        }
    }

    fn is_waited_in(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    fn join(&self) -> Ticket<'_> {
        let mut line = self.line.lock();
        let number = line.next;
        line.next += 1;
        line.tickets.push_back(number);
        self.waiting.store(line.tickets.len(), Ordering::Relaxed);
        Ticket { queue: self, number }
    }

    /// Waits until the ticket is the first in line; `false` if the deadline came first.
    fn wait_for_turn(&self, ticket: u64, deadline: Option<Instant>) -> bool {
        let mut line = self.line.lock();
        while line.tickets.front() != Some(&ticket) {
            match deadline {
                Some(deadline) => {
                    if self.moved.wait_until(&mut line, deadline).timed_out() {
                        return false;
                    }
                }
                None => self.moved.wait(&mut line),
            }
        }
        true
    }
}

/// A place in line, given up when dropped.
struct Ticket<'a> {
    queue: &'a Queue,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut line = self.queue.line.lock();
        line.tickets.retain(|&other| other != self.number);
        self.queue.waiting.store(line.tickets.len(), Ordering::Relaxed);
        self.queue.moved.notify_all();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn those_who_wait_are_served_first_come_first() {
        let budget = Budget::new("one".into(), 1, None);
        budget.acquire(1, 1).expect("room");
        let served = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for name in 0..4 {
                let (budget, served) = (&budget, &served);
                scope.spawn(move || {
                    let serve = || budget.acquire(1, 1).map(|()| served.lock().push(name));
                    budget.wait_for(1, Duration::from_secs(60), || {}, serve).expect("room in the end");
                    budget.release(1);
                });
                while budget.queue.line.lock().next <= name {
                    std::thread::yield_now();
                }
            }
            budget.release(1);
        });
        assert_eq!(served.into_inner(), [0, 1, 2, 3]);
        assert!(budget.queue.line.lock().tickets.is_empty());
    }

    #[test]
    fn who_waits_for_one_limit_does_not_hold_up_others() {
        let parent = Budget::new("parent".into(), 3, None);
        let full = Budget::new("full".into(), 1, Some(parent.clone()));
        let free = Budget::new("free".into(), 2, Some(parent.clone()));
        full.acquire(1, 1).expect("room");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| full.wait_for(1, Duration::from_millis(200), || {}, || full.acquire(1, 1)));
            while !full.queue.is_waited_in() {
                std::thread::yield_now();
            }
            let refused = free.wait_for(1, Duration::from_millis(1), || {}, || free.acquire(3, 3));
            assert!(refused.is_err());
            assert_eq!(free.wait_for(1, Duration::from_secs(60), || panic!("room"), || free.acquire(2, 2)), Ok(()));
            assert!(waiting.join().expect("no panic").is_err());
        });
    }

    #[test]
    fn a_wait_ends_with_its_timeout_or_another_error() {
        let budget = Budget::new("one".into(), 1, None);
        let full = budget.wait_for(1, Duration::from_millis(5), || {}, || budget.acquire(2, 2));
        assert!(matches!(full, Err(Error::LimitReached { requested: 2, .. })));
        let closed = || -> Result<(), Error> { Err(Error::Closed { pool: "one".into() }) };
        assert!(matches!(budget.wait_for(1, Duration::MAX, || {}, closed), Err(Error::Closed { .. })));
        assert!(budget.queue.line.lock().tickets.is_empty());
    }

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
}

#[cfg(all(test, loom))]
mod loom_models {
    use loom::thread;

    use super::*;

    /// So long that `wait_for` has no deadline: loom has no time.
    const FOR_EVER: Duration = Duration::MAX;

    /// Waits for one byte in line, writing down every attempt.
    fn wait_in_line(budget: &Budget, name: char, attempts: &Mutex<Vec<char>>) {
        let attempt = || {
            attempts.lock().push(name);
            budget.acquire(1, 1)
        };
        budget.queue.wait(FOR_EVER, attempt).expect("room in the end");
    }

    fn wait(budget: &Budget) {
        budget.wait_for(1, FOR_EVER, || {}, || budget.acquire(1, 1)).expect("room in the end");
    }

    fn line_is_empty(budget: &Budget) -> bool {
        budget.queue.line.lock().tickets.is_empty()
    }

    /// A limit of one byte, taken by two threads that want it, one after the other; loom finds a wake-up that is lost.
    #[test]
    fn two_who_wait_are_both_served_one_after_the_other() {
        loom::model(|| {
            let budget = Budget::new("one".into(), 1, None);
            let attempts = Arc::new(Mutex::new(Vec::new()));
            let other = {
                let (budget, attempts) = (budget.clone(), attempts.clone());
                thread::spawn(move || {
                    wait_in_line(&budget, 'b', &attempts);
                    budget.release(1);
                })
            };
            wait_in_line(&budget, 'a', &attempts);
            budget.release(1);
            other.join().expect("no panic");
            let mut order = attempts.lock().clone();
            order.dedup();
            assert!(order == ['a', 'b'] || order == ['b', 'a'], "only the first in line tries: {order:?}");
            assert!(line_is_empty(&budget) && budget.committed() == 0);
        });
    }

    /// The same through the front door, where each of them tries once before it stands in line.
    #[test]
    fn two_who_come_at_once_are_both_served() {
        loom::model(|| {
            let budget = Budget::new("one".into(), 1, None);
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
            assert!(line_is_empty(&budget) && budget.committed() == 0 && !budget.queue.is_waited_in());
        });
    }

    /// Room that is given back while the first in line sets out to sleep wakes it, or is found when it looks again.
    #[test]
    fn room_that_comes_back_is_found() {
        loom::model(|| {
            let budget = Budget::new("one".into(), 1, None);
            budget.acquire(1, 1).expect("room");
            let other = {
                let budget = budget.clone();
                thread::spawn(move || budget.release(1))
            };
            wait(&budget);
            other.join().expect("no panic");
            assert!(line_is_empty(&budget) && (budget.committed(), budget.peak()) == (1, 1));
        });
    }

    /// Two pools under one parent: neither limit is ever passed, and what is refused by the parent is not kept by the
    /// child.
    #[test]
    fn a_refusal_by_the_parent_leaves_nothing_behind() {
        loom::model(|| {
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
