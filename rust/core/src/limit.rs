//! Budgets of committed bytes: a pool's own limit and those of its ancestors.

use crate::error::Error;
use crate::sync::{Arc, AtomicUsize, Ordering};

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
}

impl Budget {
    pub(crate) fn new(name: String, limit: usize, parent: Option<Arc<Budget>>) -> Arc<Budget> {
        Arc::new(Budget { name, limit, committed: AtomicUsize::new(0), peak: AtomicUsize::new(0), parent })
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
