//! Arenas: chunks, the runs of pages in them, and the slabs cut from runs, behind one lock each.

pub(crate) mod book;
pub(crate) mod chunk;
pub(crate) mod chunk_list;
pub(crate) mod run;
pub(crate) mod slab;

use std::mem::offset_of;

use book::Book;
use chunk::Chunk;
use chunk_list::{ChunkLists, LISTS, usage};
use run::{CommitUnit, PageSet, Run};
use slab::{FULLNESS, NO_SLAB, Slab, SlabId};

use crate::backing::Backing;
use crate::decay::Clock;
use crate::error::Error;
use crate::os::Mapped;
use crate::size_class::{CHUNK, PAGE, PAGES, SizeClass};
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// One of a pool's arenas. A block goes back to the arena it came from, whichever thread frees it.
///
/// Threading: every method takes the arena's lock, for no longer than one batch; `purge` lets go of it around each
/// system call.
#[derive(Debug)]
pub(crate) struct Arena {
    state: Mutex<State>,
    /// Threads bound to this arena.
    pub(crate) threads: AtomicUsize,
}

/// A chunk with its book.
pub(crate) struct ChunkEntry {
    pub(crate) chunk: Mapped<Chunk>,
    pub(crate) book: Mapped<Book>,
}

/// What the lock protects.
pub(crate) struct State {
    index: usize,
    pub(crate) unit: CommitUnit,
    pub(crate) chunks: Vec<ChunkEntry>,
    pub(crate) lists: ChunkLists,
    /// Slabs with free blocks, by class and fullness, the fullest first: the heads of the lists.
    pub(crate) partial: [[u32; FULLNESS]; SizeClass::COUNT],
    /// Slabs there are, by class.
    pub(crate) slabs: [u32; SizeClass::COUNT],
    /// Free pages that still have memory.
    pub(crate) dirty_pages: usize,
    /// Pages in runs and slabs.
    pub(crate) used_pages: usize,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} chunks, {} used and {} dirty pages", self.chunks.len(), self.used_pages, self.dirty_pages)
    }
}

/// What an arena holds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ArenaFigures {
    pub(crate) chunks: usize,
    pub(crate) used_pages: usize,
    pub(crate) dirty_pages: usize,
    pub(crate) lists: [u32; LISTS],
}

/// Runs that one purge works on between two locks of the arena.
const PURGE_RUNS: usize = 64;

impl Arena {
    pub(crate) fn new(index: usize, unit: CommitUnit) -> Self {
        let state = State {
            index,
            unit,
            chunks: Vec::new(),
            lists: ChunkLists::new(),
            partial: [[NO_SLAB; FULLNESS]; SizeClass::COUNT],
            slabs: [0; SizeClass::COUNT],
            dirty_pages: 0,
            used_pages: 0,
        };
        Arena { state: Mutex::new(state), threads: AtomicUsize::new(0) }
    }

    /// Fills `out` with blocks of `class`, not checked out yet. Returns how many there were: at least one, or the error.
    pub(crate) fn allocate(&self, backing: &Backing, class: SizeClass, out: &mut [usize]) -> Result<usize, Error> {
        let mut state = self.state.lock();
        let mut taken = 0;
        while taken < out.len() {
            let step = if class.is_run() {
                state.allocate_run(backing, class).map(|address| {
                    out[taken] = address;
                    1
                })
            } else {
                state.allocate_from_slab(backing, class, &mut out[taken..])
            };
            match step {
                Ok(blocks) => taken += blocks,
                Err(error) if taken == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(taken)
    }

    /// Takes back blocks that were checked in and belong to this arena, as long as `blocks` has any of its.
    /// Returns how many it took.
    pub(crate) fn free(&self, backing: &Backing, blocks: &[usize]) -> usize {
        let mut state = self.state.lock();
        for (taken, &address) in blocks.iter().enumerate() {
            let chunk = backing.map.find(address).expect("a checked block lies in a chunk");
            if chunk.arena() != state.index {
                return taken;
            }
            let at = chunk.locate(address).expect("a checked block is where its class says");
            let index = chunk.index_in_arena();
            if at.class.is_run() {
                let pages = at.class.pages();
                state.free_run(index, Run { page: at.page, pages }, backing.clock.now());
            } else {
                state.free_to_slab(SlabId::new(index, at.page), at.class, at.block, backing.clock.now());
            }
        }
        blocks.len()
    }

    /// Gives back the memory of free pages that are due; of all of them where `all` is set. Returns the bytes.
    pub(crate) fn purge(&self, backing: &Backing, all: bool) -> usize {
        let mut purged = 0;
        let mut next = 0;
        let mut runs = Vec::new();
        loop {
            let taken = self.state.lock().take_due(&mut next, &backing.clock, all, &mut runs);
            let Some(index) = taken else { return purged };
            for (run, address) in runs.drain(..) {
                // SAFETY: the pages are in no run and in no free set, so nobody has or gets a block there.
                let result = unsafe { backing.purge(address, run.pages * PAGE) };
                let mut state = self.state.lock();
                state.finish_purge(index, run, result.is_ok(), backing.clock.now());
                if result.is_ok() {
                    purged += run.pages * PAGE;
                    backing.budget.release(run.pages * PAGE);
                    state.purge_idle_metadata(index, backing);
                } else {
                    // Asked again at once, the system would refuse again.
                    next = index + 1;
                }
            }
        }
    }

    pub(crate) fn figures(&self) -> ArenaFigures {
        let state = self.state.lock();
        let (used_pages, dirty_pages) = (state.used_pages, state.dirty_pages);
        ArenaFigures { chunks: state.chunks.len(), used_pages, dirty_pages, lists: state.lists.counts() }
    }

    /// Slabs of a class.
    pub(crate) fn slabs(&self, class: SizeClass) -> usize {
        self.state.lock().slabs[class.index()] as usize
    }

    /// Adds the slabs of each class to `slabs`.
    pub(crate) fn count_slabs(&self, mut add: impl FnMut(SizeClass, u64)) {
        let state = self.state.lock();
        for class in SizeClass::all() {
            add(class, state.slabs[class.index()].into());
        }
    }

    /// Runs `look` on what the lock protects.
    pub(crate) fn inspect<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.lock())
    }

    /// Unmaps every chunk. The arena is empty then.
    ///
    /// # Safety
    /// Nobody will touch a block of this arena again.
    pub(crate) unsafe fn unmap(&mut self, backing: &Backing) {
        let mut state = self.state.lock();
        for entry in state.chunks.drain(..) {
            // SAFETY: the chunk was mapped whole by `new_chunk`, and the caller says that nobody touches it. What
            // cannot be unmapped is lost address space.
            let _ = unsafe { backing.os.unmap(entry.chunk.base(), CHUNK) };
        }
    }
}

impl State {
    fn allocate_run(&mut self, backing: &Backing, class: SizeClass) -> Result<usize, Error> {
        let (index, page) = self.take_pages(backing, class, class.size())?;
        let chunk = &self.chunks[index].chunk;
        chunk.own(page, class);
        Ok(chunk.page_address(page))
    }

    fn allocate_from_slab(&mut self, backing: &Backing, class: SizeClass, out: &mut [usize]) -> Result<usize, Error> {
        let id = match self.fullest(class) {
            Some(id) => id,
            None => self.new_slab(backing, class)?,
        };
        let entry = &mut self.chunks[id.chunk()];
        let slab = &mut entry.book.slabs[id.page()];
        let before = slab.fullness();
        let start = entry.chunk.page_address(id.page());
        let mut taken = 0;
        while taken < out.len()
            && let Some(block) = slab.take()
        {
            out[taken] = start + block * class.size();
            taken += 1;
        }
        self.refile(id, class, before);
        Ok(taken)
    }

    fn fullest(&self, class: SizeClass) -> Option<SlabId> {
        self.partial[class.index()].iter().find(|&&head| head != NO_SLAB).map(|&head| SlabId(head))
    }

    fn new_slab(&mut self, backing: &Backing, class: SizeClass) -> Result<SlabId, Error> {
        let (index, page) = self.take_pages(backing, class, class.size())?;
        let entry = &mut self.chunks[index];
        entry.chunk.own(page, class);
        entry.book.slabs[page] = Slab::new(class);
        let id = SlabId::new(index, page);
        self.slabs[class.index()] += 1;
        self.refile(id, class, None);
        Ok(id)
    }

    fn free_to_slab(&mut self, id: SlabId, class: SizeClass, block: usize, now: u32) {
        let slab = &mut self.chunks[id.chunk()].book.slabs[id.page()];
        let before = slab.fullness();
        slab.put(block);
        if slab.is_unused() {
            self.unlink(id, class, before);
            self.slabs[class.index()] -= 1;
            self.free_run(id.chunk(), Run { page: id.page(), pages: class.pages() }, now);
        } else {
            self.refile(id, class, before);
        }
    }

    /// Finds pages for a slab or run of `class`, in the chunk that should be filled first, or in a new one.
    fn take_pages(&mut self, backing: &Backing, class: SizeClass, requested: usize) -> Result<(usize, usize), Error> {
        let pages = class.pages();
        while let Some(index) = self.lists.candidate(pages) {
            match self.chunks[index].book.take_run(pages, self.unit) {
                Ok((run, clean)) => return self.commit(backing, index, run, clean, requested),
                Err(longest) => self.lists.set_longest_run(index, longest),
            }
        }
        // Refused here, a chunk that could not be used is not even mapped.
        backing.budget.check(self.unit.around(Run { page: 0, pages }).pages * PAGE, requested)?;
        let index = self.new_chunk(backing, requested)?;
        let (run, clean) = self.chunks[index].book.take_run(pages, self.unit).expect("a new chunk is free");
        self.commit(backing, index, run, clean, requested)
    }

    fn commit(
        &mut self,
        backing: &Backing,
        index: usize,
        run: Run,
        clean: usize,
        requested: usize,
    ) -> Result<(usize, usize), Error> {
        let book = &mut self.chunks[index].book;
        backing.budget.acquire(clean * PAGE, requested).inspect_err(|_| book.untake_run(run))?;
        book.committed.insert(self.unit.around(run));
        // What has memory now and is not the run's is dirty.
        self.dirty_pages = self.dirty_pages + clean - run.pages;
        self.used_pages += run.pages;
        self.relist(index);
        Ok((index, run.page))
    }

    fn free_run(&mut self, index: usize, run: Run, now: u32) {
        let entry = &mut self.chunks[index];
        entry.chunk.disown(run.page, run.pages);
        let longest = entry.book.put_run(run, self.unit, now);
        self.dirty_pages += run.pages;
        self.used_pages -= run.pages;
        self.lists.raise_longest_run(index, longest);
        self.relist(index);
    }

    fn new_chunk(&mut self, backing: &Backing, requested: usize) -> Result<usize, Error> {
        let refused = |errno: crate::os::Errno| Error::OutOfMemory { requested, errno: errno.0 };
        let mut chunk = Mapped::<Chunk>::new(backing.os, &backing.label).map_err(refused)?;
        let mut book = Mapped::<Book>::new(backing.os, &backing.label).map_err(refused)?;
        let base = backing.os.map(CHUNK, CHUNK, &backing.label).map_err(refused)?;
        backing.os.huge_pages(base, CHUNK, backing.huge_pages);
        let owners = backing.map.reserve(backing.os, &backing.label, base).map_err(|errno| {
            // SAFETY: it was mapped just now, and nobody knows it.
            let _ = unsafe { backing.os.unmap(base, CHUNK) };
            refused(errno)
        })?;
        // SAFETY: both live as long as the pool.
        unsafe { chunk.init(base, owners, self.index, self.chunks.len()) };
        book.free = PageSet::ALL;
        backing.map.insert(&chunk);
        backing.reserved.fetch_add(CHUNK, Ordering::Relaxed);
        backing.metadata.fetch_add(chunk.bytes() + book.bytes(), Ordering::Relaxed);
        self.chunks.push(ChunkEntry { chunk, book });
        Ok(self.lists.push_new())
    }

    /// Pages that a purge works on count as free here, so that a chunk does not move for the length of a system call.
    fn relist(&mut self, index: usize) {
        let book = &self.chunks[index].book;
        self.lists.update(index, usage(book.free.len() + book.purging.len()));
    }

    /// Moves a slab to the list of its fullness; `before` is the one it stands in.
    fn refile(&mut self, id: SlabId, class: SizeClass, before: Option<usize>) {
        let after = self.chunks[id.chunk()].book.slabs[id.page()].fullness();
        if after == before {
            return;
        }
        self.unlink(id, class, before);
        let Some(list) = after else { return };
        let head = std::mem::replace(&mut self.partial[class.index()][list], id.0);
        if head != NO_SLAB {
            self.slab_mut(head).prev = id.0;
        }
        let slab = self.slab_mut(id.0);
        (slab.prev, slab.next) = (NO_SLAB, head);
    }

    fn unlink(&mut self, id: SlabId, class: SizeClass, list: Option<usize>) {
        let Some(list) = list else { return };
        let Slab { prev, next, .. } = *self.slab_mut(id.0);
        match prev {
            NO_SLAB => self.partial[class.index()][list] = next,
            prev => self.slab_mut(prev).next = next,
        }
        if next != NO_SLAB {
            self.slab_mut(next).prev = prev;
        }
    }

    fn slab_mut(&mut self, id: u32) -> &mut Slab {
        let id = SlabId(id);
        &mut self.chunks[id.chunk()].book.slabs[id.page()]
    }

    /// From chunk `next` on, finds one with pages that are due, takes them out of the free set and lists them with
    /// their addresses. Returns its index, `None` at the end; `next` is where to go on.
    fn take_due(&mut self, next: &mut usize, clock: &Clock, all: bool, runs: &mut Vec<(Run, usize)>) -> Option<usize> {
        while self.dirty_pages > 0 && *next < self.chunks.len() {
            let index = *next;
            let ChunkEntry { chunk, book } = &mut self.chunks[index];
            let mut due = PageSet::default();
            for unit in book.dirty().runs().flat_map(|run| self.unit.inside(run)) {
                if all || clock.page_is_due(index, unit.page, book.freed_at[unit.page]) {
                    due.insert(unit);
                }
            }
            runs.extend(due.runs().take(PURGE_RUNS).map(|run| (run, chunk.page_address(run.page))));
            for (run, _) in &*runs {
                book.take_to_purge(*run);
                self.dirty_pages -= run.pages;
            }
            if runs.len() < PURGE_RUNS {
                *next += 1;
            }
            if !runs.is_empty() {
                return Some(index);
            }
        }
        None
    }

    fn finish_purge(&mut self, index: usize, run: Run, clean: bool, now: u32) {
        let book = &mut self.chunks[index].book;
        book.purging.remove(run);
        let longest = if clean {
            book.free.insert(run);
            book.free.run_around(run.page).pages
        } else {
            book.committed.insert(run);
            self.dirty_pages += run.pages;
            book.put_run(run, self.unit, now)
        };
        self.lists.raise_longest_run(index, longest);
    }

    /// A chunk without memory goes to the end of its list, and what is known of its blocks and slabs (it has none) gives
    /// back its own.
    fn purge_idle_metadata(&mut self, index: usize, backing: &Backing) {
        let ChunkEntry { chunk, book } = &self.chunks[index];
        if book.free != PageSet::ALL || !book.committed.is_empty() {
            return;
        }
        let tables = [chunk.pages_from(Chunk::STATES), book.pages_from(offset_of!(Book, slabs))];
        for (address, bytes) in tables.into_iter().filter(|(_, bytes)| *bytes > 0) {
            // SAFETY: the ranges are this chunk's own tables, and no reference to them is in use: every state is 0 as no
            // block is out, and is 0 afterwards; what is in place of slabs, nobody reads. A failure leaves them resident,
            // which harms nothing.
            let _ = unsafe { backing.purge(address, bytes) };
        }
        self.lists.move_to_back(index);
    }
}

const _: () = assert!(PAGES == 512 && SizeClass::COUNT < 255);
