//! Page sets, and best fit in them; and the pages that have memory together.

use crate::size_class::{PAGE, PAGES};

const WORDS: usize = PAGES / 64;

/// A set of the pages of a chunk. Runs are maximal ranges of pages in the set, so coalescing needs no work: two
/// neighbours that are both free *are* one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct PageSet([u64; WORDS]);

/// Consecutive pages of a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Run {
    pub(crate) page: usize,
    pub(crate) pages: usize,
}

/// Pages that have memory together, because they lie on one page of the system: 1 where the system's are not larger than
/// ours, 2 where they have 16 KiB, 8 where 64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CommitUnit {
    /// One less than its pages, which are a power of two.
    mask: usize,
}

impl CommitUnit {
    pub(crate) fn of(system_page: usize) -> CommitUnit {
        CommitUnit { mask: system_page.div_ceil(PAGE) - 1 }
    }

    /// The units that the run has a part of.
    pub(crate) fn around(self, run: Run) -> Run {
        let page = run.page & !self.mask;
        let end = self.next(run.page + run.pages);
        Run { page, pages: end - page }
    }

    /// The units that lie in the run as a whole, one by one.
    pub(crate) fn inside(self, run: Run) -> impl Iterator<Item = Run> {
        let (pages, end) = (self.mask + 1, run.page + run.pages);
        let starts = (self.next(run.page)..end).step_by(pages);
        starts.map(move |page| Run { page, pages }).take_while(move |unit| unit.page + pages <= end)
    }

    /// The first start of a unit from `page` on.
    fn next(self, page: usize) -> usize {
        (page + self.mask) & !self.mask
    }
}

impl PageSet {
    pub(crate) const ALL: PageSet = PageSet([!0; WORDS]);

    pub(crate) fn insert(&mut self, run: Run) {
        for_each_word(run, |word, mask| self.0[word] |= mask);
    }

    pub(crate) fn remove(&mut self, run: Run) {
        for_each_word(run, |word, mask| self.0[word] &= !mask);
    }

    pub(crate) fn contains(&self, page: usize) -> bool {
        self.0[page / 64] >> (page % 64) & 1 == 1
    }

    /// How many of the run's pages are in the set.
    pub(crate) fn count(&self, run: Run) -> usize {
        let mut count = 0;
        for_each_word(run, |word, mask| count += (self.0[word] & mask).count_ones() as usize);
        count
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0 == [0; WORDS]
    }

    pub(crate) fn intersection(&self, other: &PageSet) -> PageSet {
        PageSet(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    pub(crate) fn is_disjoint(&self, other: &PageSet) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & b == 0)
    }

    /// The smallest run of at least `pages` pages, the lowest of equals; or, where there is none, the longest length.
    pub(crate) fn best_fit(&self, pages: usize) -> Result<Run, usize> {
        let mut best: Option<Run> = None;
        let mut longest = 0;
        for run in self.runs() {
            longest = longest.max(run.pages);
            if run.pages >= pages && best.is_none_or(|b| run.pages < b.pages) {
                best = Some(run);
                if run.pages == pages {
                    break;
                }
            }
        }
        best.ok_or(longest)
    }

    /// The run around `page`, which is in the set.
    pub(crate) fn run_around(&self, page: usize) -> Run {
        let mut start = page;
        while start > 0 && self.contains(start - 1) {
            // Whole words are skipped: a free chunk is one run of 512.
            if start.is_multiple_of(64) && self.0[start / 64 - 1] == !0 {
                start -= 64;
            } else {
                start -= 1;
            }
        }
        Run { page: start, pages: self.next(page, false) - start }
    }

    /// Its runs, by address.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let mut from = 0;
        std::iter::from_fn(move || {
            let page = self.next(from, true);
            if page == PAGES {
                return None;
            }
            from = self.next(page, false);
            Some(Run { page, pages: from - page })
        })
    }

    /// The first page from `from` on that is (or is not) in the set; [`PAGES`] if there is none.
    fn next(&self, from: usize, member: bool) -> usize {
        let flip = if member { 0 } else { !0 };
        let mut word = from / 64;
        if word == WORDS {
            return PAGES;
        }
        let mut bits = (self.0[word] ^ flip) & (!0 << (from % 64));
        while bits == 0 {
            word += 1;
            if word == WORDS {
                return PAGES;
            }
            bits = self.0[word] ^ flip;
        }
        word * 64 + bits.trailing_zeros() as usize
    }
}

fn for_each_word(run: Run, mut visit: impl FnMut(usize, u64)) {
    let (mut page, end) = (run.page, run.page + run.pages);
    debug_assert!(end <= PAGES);
    while page < end {
        let bits = (64 - page % 64).min(end - page);
        visit(page / 64, (!0 >> (64 - bits)) << (page % 64));
        page += bits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(runs: &[(usize, usize)]) -> PageSet {
        let mut set = PageSet::default();
        for &(page, pages) in runs {
            set.insert(Run { page, pages });
        }
        set
    }

    #[test]
    fn neighbours_are_one_run() {
        let mut pages = set(&[(10, 5), (60, 10), (100, 200)]);
        pages.insert(Run { page: 15, pages: 45 });
        let runs: Vec<_> = pages.runs().map(|r| (r.page, r.pages)).collect();
        assert_eq!(runs, [(10, 60), (100, 200)]);
        for page in [10, 42, 69] {
            assert_eq!(pages.run_around(page), Run { page: 10, pages: 60 });
        }
        assert_eq!(pages.run_around(299), Run { page: 100, pages: 200 });
        assert_eq!(PageSet::ALL.run_around(511), Run { page: 0, pages: PAGES });
        assert_eq!(pages.runs().map(|run| run.pages).sum::<usize>(), pages.len());
    }

    #[test]
    fn best_fit_is_the_smallest_and_lowest() {
        let pages = set(&[(0, 9), (20, 4), (30, 6), (40, 4), (500, 12)]);
        assert_eq!(pages.best_fit(4).map(|r| r.page), Ok(20));
        assert_eq!(pages.best_fit(5).map(|r| r.page), Ok(30));
        assert_eq!(pages.best_fit(10).map(|r| r.page), Ok(500));
        assert_eq!(pages.best_fit(13), Err(12));
        assert_eq!(PageSet::default().best_fit(1), Err(0));
    }

    #[test]
    fn a_unit_is_as_many_pages_as_the_system_has_in_one() {
        let run = Run { page: 13, pages: 20 };
        let inside = |unit: CommitUnit| unit.inside(run).map(|unit| (unit.page, unit.pages)).collect::<Vec<_>>();
        for small in [4096, 8192] {
            let unit = CommitUnit::of(small);
            assert_eq!((unit.around(run), inside(unit).len()), (run, 20));
        }
        let unit = CommitUnit::of(16 * 1024);
        assert_eq!(
            (unit.around(run), inside(unit).first(), inside(unit).len()),
            (Run { page: 12, pages: 22 }, Some(&(14, 2)), 9)
        );
        let unit = CommitUnit::of(64 * 1024);
        assert_eq!((unit.around(run), inside(unit)), (Run { page: 8, pages: 32 }, vec![(16, 8), (24, 8)]));
        assert_eq!(unit.inside(Run { page: 9, pages: 14 }).count(), 0);
    }

    #[test]
    fn counting_and_removing_ranges() {
        let mut pages = PageSet::ALL;
        pages.remove(Run { page: 63, pages: 66 });
        assert_eq!(pages.len(), PAGES - 66);
        assert_eq!(pages.count(Run { page: 0, pages: 128 }), 63);
        assert!(!pages.contains(63) && !pages.contains(128) && pages.contains(129));
        let hole = set(&[(63, 66)]);
        assert!(pages.is_disjoint(&hole) && !hole.is_disjoint(&PageSet::ALL));
        assert_eq!(pages.intersection(&set(&[(60, 5), (128, 3)])), set(&[(60, 3), (129, 2)]));
    }
}
