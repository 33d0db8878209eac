//! Addresses that are mapped and hold nothing, for the huge blocks of a pool that keeps its addresses.

use std::collections::BTreeMap;

/// Ranges of addresses, by start. No two of them touch: what is side by side is one range, whatever it was mapped as.
#[derive(Debug, Default)]
pub(crate) struct Vacant(BTreeMap<usize, usize>);

impl Vacant {
    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> usize {
        self.0.values().sum()
    }

    pub(crate) fn contains(&self, address: usize) -> bool {
        self.0.range(..=address).next_back().is_some_and(|(start, bytes)| address - start < *bytes)
    }

    /// All of them, by address.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.0.iter().map(|(&start, &bytes)| (start, bytes))
    }

    /// Adds a range, and merges it with its neighbours.
    pub(crate) fn insert(&mut self, address: usize, bytes: usize) {
        let (mut start, mut end) = (address, address + bytes);
        if let Some((&before, &length)) = self.0.range(..address).next_back() {
            debug_assert!(before + length <= address, "a range is vacant already");
            if before + length == address {
                start = before;
            }
        }
        if let Some(behind) = self.0.remove(&end) {
            end += behind;
        }
        self.0.insert(start, end - start);
    }

    /// The start of the smallest range that has so many bytes, the lowest of equals.
    pub(crate) fn best_fit(&self, bytes: usize) -> Option<usize> {
        let fitting = self.0.iter().filter(|&(_, &length)| length >= bytes);
        fitting.min_by_key(|&(_, &length)| length).map(|(&start, _)| start)
    }

    /// Takes the first bytes of the range at `start`; the rest stays.
    pub(crate) fn cut(&mut self, start: usize, bytes: usize) {
        let length = self.0.remove(&start).expect("a range starts there");
        if length > bytes {
            self.0.insert(start + bytes, length - bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_merge_and_the_smallest_that_fits_is_cut() {
        let mut vacant = Vacant::default();
        for (start, bytes) in [(100, 10), (120, 10), (200, 25), (300, 30)] {
            vacant.insert(start, bytes);
        }
        vacant.insert(110, 10);
        assert_eq!(vacant.ranges().collect::<Vec<_>>(), [(100, 30), (200, 25), (300, 30)]);
        assert_eq!((vacant.bytes(), vacant.best_fit(31)), (85, None));
        assert_eq!((vacant.best_fit(20), vacant.best_fit(26)), (Some(200), Some(100)));
        vacant.cut(100, 20);
        vacant.cut(200, 25);
        assert_eq!(vacant.ranges().collect::<Vec<_>>(), [(120, 10), (300, 30)]);
        assert!(vacant.contains(129) && !vacant.contains(130) && !vacant.contains(99) && !vacant.contains(200));
    }
}
