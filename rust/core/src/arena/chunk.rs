//! A chunk: 4 MiB of address space, and what is known of its pages and blocks without a lock.
//!
//! All of it is out of band, in a mapping beside the chunk: nothing of ours is ever written where a stale `ByteBuffer`
//! could overwrite it.

use crate::error::BadFree;
use crate::os::Zeroable;
use crate::size_class::{CHUNK, PAGE, PAGES, SLAB_BLOCKS_MAX, SizeClass};
use crate::sync::raw::{AtomicU8, AtomicU16, Ordering};

/// State of a block that is free: in its slab, in the depot, or as a marked entry in a thread cache.
const FREE: u8 = 0;
/// State of a block that the user has; or a thread cache, to which its owner gave it without a look at this.
const OUT: u8 = 1;

/// Blocks of a slab whose states lie in the dense part.
const DENSE: usize = 16;

/// What is on the pages of a chunk: 0 where no block is, else `(class + 1) << 8 | pages from the start of the run`.
///
/// Written under the arena's lock; whoever holds a block sees the entries of its run, since they were written before the
/// block was handed out.
pub(crate) type Owners = [AtomicU16; PAGES];

/// Whether a block of `class` starts at `address`, given the owner of its page. As [`Chunk::locate`], in fewer steps.
#[inline]
pub(crate) fn starts_block(owner: u16, class: SizeClass, address: usize) -> bool {
    // The pages from the start of the run; far more where the class is another one.
    let offset = usize::from(owner).wrapping_sub((class.index() + 1) << 8);
    offset < 1 << 8 && class.starts_at(offset * PAGE + address % PAGE)
}

/// What any thread may read of a chunk.
///
/// Its header is written once, before the chunk is published in the address map.
#[repr(C, align(4096))]
pub(crate) struct Chunk {
    base: usize,
    arena: usize,
    index: usize,
    /// Address of its [`Owners`].
    owners: usize,
    states: States,
}

/// The state of each block, by the first page of its run and its index in the slab: `FREE` or `OUT`.
///
/// Sixteen to a page lie densely, so that the metadata of all but the smallest classes stays on two pages of the OS.
#[repr(C, align(4096))]
struct States {
    dense: [[AtomicU8; DENSE]; PAGES],
    sparse: [[AtomicU8; SLAB_BLOCKS_MAX - DENSE]; PAGES],
}

// SAFETY: integers and atomic integers only.
unsafe impl Zeroable for Chunk {}

/// Which block an address belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Location {
    pub(crate) class: SizeClass,
    /// First page of the slab or run.
    pub(crate) page: usize,
    /// Index in the slab; 0 in a run.
    pub(crate) block: usize,
}

impl Chunk {
    /// Where the states begin, the last that there is in a chunk. All of them are 0 when no block is out, so their memory
    /// can be purged.
    pub(crate) const STATES: usize = std::mem::offset_of!(Chunk, states);

    /// Fills in the header of a chunk that nobody else knows yet.
    ///
    /// # Safety
    /// `owners` lives as long as the chunk.
    pub(crate) unsafe fn init(&mut self, base: usize, owners: &Owners, arena: usize, index: usize) {
        debug_assert!(base.is_multiple_of(CHUNK));
        (self.base, self.arena, self.index) = (base, arena, index);
        self.owners = owners as *const Owners as usize;
    }

    #[inline]
    fn owners(&self) -> &Owners {
        // SAFETY: `init` was told that they live as long.
        unsafe { &*(self.owners as *const Owners) }
    }

    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// Index of the arena it belongs to.
    pub(crate) fn arena(&self) -> usize {
        self.arena
    }

    /// Its own index in that arena.
    pub(crate) fn index_in_arena(&self) -> usize {
        self.index
    }

    pub(crate) fn page_address(&self, page: usize) -> usize {
        self.base + page * PAGE
    }

    /// Records that the pages from `page` on hold blocks of `class`.
    pub(crate) fn own(&self, page: usize, class: SizeClass) {
        for (offset, owner) in self.owners()[page..page + class.pages()].iter().enumerate() {
            owner.store((class.index() as u16 + 1) << 8 | offset as u16, Ordering::Relaxed);
        }
    }

    /// Records that the pages from `page` on hold nothing.
    pub(crate) fn disown(&self, page: usize, pages: usize) {
        for owner in &self.owners()[page..page + pages] {
            owner.store(0, Ordering::Relaxed);
        }
    }

    /// The class of the blocks on a page, and how far the page is from the start of its run.
    #[inline]
    pub(crate) fn owner(&self, page: usize) -> Option<(SizeClass, usize)> {
        let owner = self.owners()[page].load(Ordering::Relaxed);
        let class = SizeClass::from_index(usize::from(owner >> 8).checked_sub(1)?)?;
        Some((class, usize::from(owner & 0xff)))
    }

    /// Finds the block that starts at `address`, which lies in this chunk.
    #[inline]
    pub(crate) fn locate(&self, address: usize) -> Result<Location, BadFree> {
        let page = (address - self.base) / PAGE;
        let (class, offset) = self.owner(page).ok_or(BadFree::NoBlock)?;
        let page = page - offset;
        let start = self.page_address(page);
        let block = class.block_at(address - start);
        let begin = start + block * class.size();
        if block >= class.blocks() {
            return Err(BadFree::NoBlock);
        }
        if begin != address {
            return Err(BadFree::Interior { block: begin, size: class.size() });
        }
        Ok(Location { class, page, block })
    }

    #[inline]
    fn state(&self, page: usize, block: usize) -> &AtomicU8 {
        match block.checked_sub(DENSE) {
            None => &self.states.dense[page][block],
            Some(block) => &self.states.sparse[page][block],
        }
    }

    /// Marks the free block of `class` that starts at `address` as handed out. The caller alone has it.
    #[inline]
    pub(crate) fn check_out(&self, class: SizeClass, address: usize) {
        let offset = address % CHUNK;
        let page = offset / PAGE;
        let first = page - usize::from(self.owners()[page].load(Ordering::Relaxed) & 0xff);
        let block = if class.is_run() { 0 } else { class.block_at(offset - first * PAGE) };
        self.state(first, block).store(OUT, Ordering::Relaxed);
    }

    /// Marks a block as free; an error if it is that already. Of two that race with the same block, one gets the error, as
    /// long as the slab is still there when it looks.
    #[inline]
    pub(crate) fn check_in(&self, at: Location) -> Result<(), BadFree> {
        let state = self.state(at.page, at.block);
        match state.compare_exchange(OUT, FREE, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(_) => Err(BadFree::Double),
        }
    }

    /// Whether the block at this place is out.
    pub(crate) fn is_out(&self, page: usize, block: usize) -> bool {
        self.state(page, block).load(Ordering::Relaxed) == OUT
    }
}
