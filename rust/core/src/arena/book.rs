//! The arena's book of a chunk: which pages are free, which have memory, which slabs are where.

use super::run::{CommitUnit, PageSet, Run};
use super::slab::Slab;
use crate::os::Zeroable;
use crate::size_class::PAGES;

/// What only the holder of the arena's lock may touch of a chunk. The slabs are last, as their memory goes back when the
/// chunk has none.
#[repr(C)]
pub(crate) struct Book {
    /// Pages that no run has and no purge is working on.
    pub(crate) free: PageSet,
    /// Pages that have memory, used or free: always whole commit units.
    pub(crate) committed: PageSet,
    /// Pages that a purge took out of both for as long as it works on them: whole commit units as well.
    pub(crate) purging: PageSet,
    /// When a page of the unit was freed last, on the pool's clock; the same for all pages of a unit.
    pub(crate) freed_at: [u32; PAGES],
    /// By first page of the slab.
    pub(crate) slabs: [Slab; PAGES],
}

// SAFETY: integers only.
unsafe impl Zeroable for Book {}

impl Book {
    /// Free pages that have memory.
    pub(crate) fn dirty(&self) -> PageSet {
        self.committed.intersection(&self.free)
    }

    /// Takes a run of `pages` pages, the best fit; or says how long the longest run is. With it comes how many pages
    /// have to be committed for it.
    pub(crate) fn take_run(&mut self, pages: usize, unit: CommitUnit) -> Result<(Run, usize), usize> {
        let fit = self.free.best_fit(pages)?;
        let run = Run { page: fit.page, pages };
        self.free.remove(run);
        let units = unit.around(run);
        Ok((run, units.pages - self.committed.count(units)))
    }

    /// Undoes [`Book::take_run`].
    pub(crate) fn untake_run(&mut self, run: Run) {
        self.free.insert(run);
    }

    /// Puts a run back and returns the length of the free run that it is now part of.
    pub(crate) fn put_run(&mut self, run: Run, unit: CommitUnit, now: u32) -> usize {
        self.free.insert(run);
        let units = unit.around(run);
        self.freed_at[units.page..units.page + units.pages].fill(now);
        self.free.run_around(run.page).pages
    }

    /// Takes whole units that are dirty out, to be purged.
    pub(crate) fn take_to_purge(&mut self, units: Run) {
        self.free.remove(units);
        self.committed.remove(units);
        self.purging.insert(units);
    }
}
