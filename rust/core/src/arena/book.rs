//! The arena's book of a chunk: which pages are free, which of those still have memory, which slabs are where.

use super::run::{PageSet, Run};
use super::slab::Slab;
use crate::os::Zeroable;
use crate::size_class::PAGES;

/// What only the holder of the arena's lock may touch of a chunk.
pub(crate) struct Book {
    /// Pages that no run has and no purge is working on.
    pub(crate) free: PageSet,
    /// Free pages whose memory is still ours.
    pub(crate) dirty: PageSet,
    /// Pages that a purge took out of `free` for as long as it works on them.
    pub(crate) purging: PageSet,
    /// When each dirty page was freed, on the pool's clock.
    pub(crate) freed_at: [u32; PAGES],
    /// By first page of the slab.
    pub(crate) slabs: [Slab; PAGES],
}

// SAFETY: integers only.
unsafe impl Zeroable for Book {}

impl Book {
    /// Takes a run of `pages` pages, the best fit; or says how long the longest run is. With it comes how many of the
    /// pages have no memory yet.
    pub(crate) fn take_run(&mut self, pages: usize) -> Result<(Run, usize), usize> {
        let fit = self.free.best_fit(pages)?;
        let run = Run { page: fit.page, pages };
        self.free.remove(run);
        Ok((run, pages - self.dirty.count(run)))
    }

    /// Undoes [`Book::take_run`].
    pub(crate) fn untake_run(&mut self, run: Run) {
        self.free.insert(run);
    }

    /// Puts a run back and returns the length of the free run that it is now part of.
    pub(crate) fn put_run(&mut self, run: Run, now: u32) -> usize {
        self.free.insert(run);
        self.dirty.insert(run);
        self.freed_at[run.page..run.page + run.pages].fill(now);
        self.free.run_around(run.page).pages
    }
}
