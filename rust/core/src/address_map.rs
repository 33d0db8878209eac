//! From an address to its chunk and to the owner of its page, without a lock: a radix tree of two levels over the 48 bits
//! of a user's address.

use crate::arena::chunk::{Chunk, Owners};
use crate::os::{Errno, Mapped, Os, Zeroable};
use crate::size_class::{CHUNK, PAGE, PAGES};
use crate::sync::Mutex;
use crate::sync::raw::{AtomicUsize, Ordering};

const ADDRESS_BITS: u32 = 48;
/// A leaf covers 8 GiB: most pools have one.
const LEAF_BITS: u32 = 33;
const ROOT_BITS: u32 = ADDRESS_BITS - LEAF_BITS;
const LEAF_CHUNKS: usize = (1 << LEAF_BITS) / CHUNK;
/// What is above the bits that a leaf covers, of no address.
const NOWHERE: usize = usize::MAX;

/// Addresses of leaves; 0 where there is none.
struct Root([AtomicUsize; 1 << ROOT_BITS]);

struct Leaf {
    /// Addresses of [`Chunk`]s; 0 where there is none.
    chunks: [AtomicUsize; LEAF_CHUNKS],
    /// Those of all pages side by side, so that who wants no more than one need not ask for its chunk. Nobody's where
    /// there is no chunk.
    owners: [Owners; LEAF_CHUNKS],
}

// SAFETY: atomic integers only.
unsafe impl Zeroable for Root {}
// SAFETY: atomic integers only.
unsafe impl Zeroable for Leaf {}

/// Which chunk of a pool an address lies in. Chunks are entered and never taken out while the pool lives.
///
/// Threading: `find` and `owner` are lock-free; the others take a lock.
#[derive(Debug)]
pub(crate) struct AddressMap {
    root: Mapped<Root>,
    /// The first leaf that there was: where its addresses begin, shifted, and itself. Found without the root.
    first: (AtomicUsize, AtomicUsize),
    leaves: Mutex<Vec<Mapped<Leaf>>>,
}

impl AddressMap {
    pub(crate) fn new(os: &'static dyn Os, name: &str) -> Result<Self, Errno> {
        let first = (AtomicUsize::new(NOWHERE), AtomicUsize::new(0));
        Ok(AddressMap { root: Mapped::new(os, name)?, first, leaves: Mutex::new(Vec::new()) })
    }

    /// The chunk that `address` lies in, if it is one of this pool's.
    #[inline]
    pub(crate) fn find(&self, address: usize) -> Option<&Chunk> {
        let chunk = self.leaf(address)?.chunks[address / CHUNK % LEAF_CHUNKS].load(Ordering::Acquire) as *const Chunk;
        // SAFETY: a leaf holds 0 or the address of a chunk's metadata. These are unmapped only when the pool is
        // dropped, together with this map.
        unsafe { chunk.as_ref() }
    }

    /// Whose the page is that `address` lies on, as an entry of [`Owners`].
    #[inline]
    pub(crate) fn owner(&self, address: usize) -> u16 {
        let page = address / PAGE % (LEAF_CHUNKS * PAGES);
        self.leaf(address).map_or(0, |leaf| leaf.owners.as_flattened()[page].load(Ordering::Relaxed))
    }

    #[inline]
    fn leaf(&self, address: usize) -> Option<&Leaf> {
        let above = address >> LEAF_BITS;
        let leaf = if above == self.first.0.load(Ordering::Acquire) {
            self.first.1.load(Ordering::Relaxed)
        } else {
            self.root.0.get(above)?.load(Ordering::Acquire)
        } as *const Leaf;
        // SAFETY: both hold 0 or the address of a leaf that `self.leaves` keeps as long as `self` lives.
        unsafe { leaf.as_ref() }
    }

    /// Makes room for the chunk at `base`, and gives the owners of its pages, which live as long as this map.
    pub(crate) fn reserve(&self, os: &'static dyn Os, name: &str, base: usize) -> Result<&Owners, Errno> {
        let mut leaves = self.leaves.lock();
        let above = base >> LEAF_BITS;
        let entry = self.root.0.get(above).ok_or(Errno(libc::ENOMEM))?;
        if entry.load(Ordering::Relaxed) == 0 {
            let new = Mapped::<Leaf>::new(os, name)?;
            let address = new.as_ptr() as usize;
            // Little of it is touched.
            os.huge_pages(address, new.bytes(), false);
            leaves.push(new);
            entry.store(address, Ordering::Release);
            if leaves.len() == 1 {
                self.first.1.store(address, Ordering::Relaxed);
                self.first.0.store(above, Ordering::Release);
            }
        }
        let leaf = self.leaf(base).expect("it is there now");
        Ok(&leaf.owners[base / CHUNK % LEAF_CHUNKS])
    }

    /// Enters a chunk, for whose base there is room, and that lives as long as this map.
    pub(crate) fn insert(&self, chunk: &Mapped<Chunk>) {
        let leaf = self.leaf(chunk.base()).expect("there is room for it");
        leaf.chunks[chunk.base() / CHUNK % LEAF_CHUNKS].store(chunk.as_ptr() as usize, Ordering::Release);
    }

    /// Bytes mapped for the tree.
    pub(crate) fn bytes(&self) -> usize {
        self.root.bytes() + self.leaves.lock().iter().map(Mapped::bytes).sum::<usize>()
    }
}
