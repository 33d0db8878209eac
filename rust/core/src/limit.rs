//! Budgets of committed bytes: a pool's own limit and those of its ancestors; and the queue of those who wait for room.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::sync::{Arc, AtomicUsize, Condvar, Mutex, Ordering};

/// Committed bytes of one pool and its descendants, against its limit.
///
/// Threading: lock-free; every method may be called from any thread.
#[derive(Debug)]
pub(crate) struct Budget {
    name: String,
    limit: usize,
    committed: AtomicUsize,
    peak: AtomicUsize,
    parent: Option<Arc<Budget>>,
    /// Shared with the parent: who waits for room in a family of pools waits in one line.
    queue: Arc<Queue>,
}

impl Budget {
    pub(crate) fn new(name: String, limit: usize, parent: Option<Arc<Budget>>) -> Arc<Budget> {
        let queue = parent.as_ref().map_or_else(Arc::default, |parent| parent.queue.clone());
        Arc::new(Budget { name, limit, committed: AtomicUsize::new(0), peak: AtomicUsize::new(0), parent, queue })
    }

    /// Takes `bytes` here and in every ancestor, or nowhere. `requested` is what the user asked for, for the error.
    pub(crate) fn acquire(&self, bytes: usize, requested: usize) -> Result<(), Error> {
        let committed = self
            .committed
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| self.after(now, bytes))
            .map_err(|committed| self.refusal(requested, committed))?;
        if let Some(parent) = &self.parent {
            parent.acquire(bytes, requested).inspect_err(|_| {
                self.committed.fetch_sub(bytes, Ordering::Relaxed);
            })?;
        }
        self.peak.fetch_max(committed + bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Whether [`Budget::acquire`] would succeed if nobody else came in between.
    pub(crate) fn check(&self, bytes: usize, requested: usize) -> Result<(), Error> {
        let committed = self.committed();
        self.after(committed, bytes).ok_or_else(|| self.refusal(requested, committed))?;
        self.parent.as_ref().map_or(Ok(()), |parent| parent.check(bytes, requested))
    }

    /// Committed bytes after taking `bytes` more, if the limit allows them.
    fn after(&self, committed: usize, bytes: usize) -> Option<usize> {
        committed.checked_add(bytes).filter(|after| *after <= self.limit)
    }

    fn refusal(&self, requested: usize, committed: usize) -> Error {
        Error::LimitReached { pool: self.name.clone(), requested, committed, limit: self.limit }
    }

    /// Gives `bytes` back, here and in every ancestor.
    pub(crate) fn release(&self, bytes: usize) {
        let before = self.committed.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "more bytes released than were committed");
        if let Some(parent) = &self.parent {
            parent.release(bytes);
        }
    }

    /// Repeats `attempt` while it finds the limit reached, until `timeout` is over; those who wait are served first come
    /// first. The result is that of the last attempt.
    pub(crate) fn wait_for<T>(&self, timeout: Duration, attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        self.queue.wait(timeout, attempt)
    }

    pub(crate) fn committed(&self) -> usize {
        self.committed.load(Ordering::Relaxed)
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
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
}

#[derive(Debug, Default)]
struct Line {
    tickets: VecDeque<u64>,
    next: u64,
}

impl Default for Queue {
    fn default() -> Self {
        Queue { line: Mutex::new(Line::default()), moved: Condvar::new() }
    }
}

impl Queue {
    fn wait<T>(&self, timeout: Duration, mut attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let deadline = Instant::now().checked_add(timeout);
        let ticket = self.join();
        let result = loop {
            let in_time = self.wait_for_turn(ticket, deadline);
            let result = attempt();
            let over = !in_time || deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if over || !matches!(result, Err(Error::LimitReached { .. })) {
                break result;
            }
            self.moved.wait_for(&mut self.line.lock(), LOOK_AGAIN);
        };
        self.leave(ticket);
        result
    }

    fn join(&self) -> u64 {
        let mut line = self.line.lock();
        let ticket = line.next;
        line.next += 1;
        line.tickets.push_back(ticket);
        ticket
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

    fn leave(&self, ticket: u64) {
        self.line.lock().tickets.retain(|&other| other != ticket);
        self.moved.notify_all();
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
                    budget.wait_for(Duration::from_secs(60), serve).expect("room in the end");
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
    fn a_wait_ends_with_its_timeout_or_another_error() {
        let budget = Budget::new("one".into(), 1, None);
        let full = budget.wait_for(Duration::from_millis(5), || budget.acquire(2, 2));
        assert!(matches!(full, Err(Error::LimitReached { requested: 2, .. })));
        let closed = || -> Result<(), Error> { Err(Error::Closed { pool: "one".into() }) };
        assert!(matches!(budget.wait_for(Duration::MAX, closed), Err(Error::Closed { .. })));
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
            Err(Error::LimitReached { pool: "child".into(), requested: 25, committed: 60, limit: 80 })
        );
        assert_eq!(
            sibling.acquire(50, 50),
            Err(Error::LimitReached { pool: "parent".into(), requested: 50, committed: 60, limit: 100 })
        );
        assert_eq!((child.committed(), sibling.committed(), parent.committed()), (60, 0, 60));
        child.release(60);
        sibling.acquire(80, 80).expect("room again");
        assert_eq!((parent.committed(), parent.peak(), child.peak(), child.limit()), (80, 80, 60, 80));
        assert!(sibling.acquire(usize::MAX, 1).is_err(), "no overflow");
    }
}
