//! Time: when freed memory goes back to the operating system.
//!
//! Freed pages are kept for the decay time, because a server that freed a page will want one soon. They go back in
//! shares, not in one stroke: each group of 64 neighbouring pages has its own deadline, and the deadlines are spread
//! evenly over the second half of the decay time by the van der Corput sequence, so that any set of groups is spread
//! evenly too. A group is 512 KiB, which keeps system calls few. (jemalloc reaches the same with a backlog of counts;
//! a deadline that follows from the address needs no state.)

use std::time::Duration;

use crate::size_class::PAGES;
use crate::sync::raw::{AtomicU32, Ordering};

const GROUP: usize = 64;

/// A pool's clock, in milliseconds since its first tick. It moves only when the pool is ticked.
#[derive(Debug)]
pub(crate) struct Clock {
    now: AtomicU32,
    decay: u32,
}

impl Clock {
    pub(crate) fn new(decay: Duration) -> Self {
        let decay = u32::try_from(decay.as_millis()).expect("options allow an hour at most");
        Clock { now: AtomicU32::new(0), decay }
    }

    pub(crate) fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// The decay time in milliseconds.
    pub(crate) fn decay(&self) -> u32 {
        self.decay
    }

    /// Sets the time. It wraps after 49 days; ages are differences, so that does not matter.
    pub(crate) fn set(&self, since_first_tick: Duration) {
        self.now.store(since_first_tick.as_millis() as u32, Ordering::Relaxed);
    }

    /// Milliseconds since `then`.
    pub(crate) fn age(&self, then: u32) -> u32 {
        self.now().wrapping_sub(then)
    }

    /// Whether a page that was freed at `freed_at` should go back.
    pub(crate) fn page_is_due(&self, chunk: usize, page: usize, freed_at: u32) -> bool {
        self.is_due((chunk * (PAGES / GROUP) + page / GROUP) as u32, freed_at)
    }

    /// Whether something freed at `freed_at`, with a number of its own, should go back.
    pub(crate) fn is_due(&self, number: u32, freed_at: u32) -> bool {
        self.age(freed_at) >= self.deadline(number)
    }

    /// Age at which a group goes back: in `[decay / 2, decay]`.
    fn deadline(&self, number: u32) -> u32 {
        let share = u64::from(number.reverse_bits());
        let half = u64::from(self.decay / 2);
        self.decay - half as u32 + ((half * share) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_spread_over_the_second_half() {
        let clock = Clock::new(Duration::from_millis(1000));
        for groups in [8, 64, 1000] {
            for (age, share) in [(499, 0.0), (625, 0.25), (750, 0.5), (875, 0.75), (1000, 1.0)] {
                clock.set(Duration::from_millis(age));
                let due = (0..groups).filter(|&group| clock.is_due(group, 0)).count();
                let error = (due as f64 / f64::from(groups) - share).abs();
                assert!(error <= 1.0 / f64::from(groups) + 0.02, "{due} of {groups} after {age} ms");
            }
        }
    }

    #[test]
    fn no_decay_is_due_at_once_and_time_may_wrap() {
        let clock = Clock::new(Duration::ZERO);
        assert!(clock.page_is_due(3, 77, clock.now()));
        let clock = Clock::new(Duration::from_secs(1));
        let before_wrap = u32::MAX - 100;
        clock.set(Duration::from_millis(u64::from(u32::MAX) + 1 + 500));
        assert_eq!(clock.age(before_wrap), 601);
        assert!(!clock.is_due(u32::MAX, before_wrap) && clock.is_due(0, before_wrap));
    }
}
