//! From an address to its chunk, without a lock: a radix tree of two levels over the 48 bits of a user's address.

use crate::arena::chunk::Chunk;
use crate::os::{Errno, Mapped, Os, Zeroable};
use crate::size_class::CHUNK;
use crate::sync::Mutex;
use crate::sync::raw::{AtomicUsize, Ordering};

const ADDRESS_BITS: u32 = 48;
const LEAF_BITS: u32 = 13;
const ROOT_BITS: u32 = ADDRESS_BITS - CHUNK.trailing_zeros() - LEAF_BITS;

/// Addresses of leaves; 0 where there is none.
struct Root([AtomicUsize; 1 << ROOT_BITS]);
/// Addresses of [`Chunk`]s; 0 where there is none.
struct Leaf([AtomicUsize; 1 << LEAF_BITS]);

// SAFETY: atomic integers only.
unsafe impl Zeroable for Root {}
// SAFETY: atomic integers only.
unsafe impl Zeroable for Leaf {}

/// Which chunk of a pool an address lies in. Chunks are entered and never taken out while the pool lives.
///
/// Threading: `find` is lock-free; `insert` takes a lock.
#[derive(Debug)]
pub(crate) struct AddressMap {
    root: Mapped<Root>,
    leaves: Mutex<Vec<Mapped<Leaf>>>,
}

impl AddressMap {
    pub(crate) fn new(os: &'static dyn Os, name: &str) -> Result<Self, Errno> {
        Ok(AddressMap { root: Mapped::new(os, name)?, leaves: Mutex::new(Vec::new()) })
    }

    /// The chunk that `address` lies in, if it is one of this pool's.
    #[inline]
    pub(crate) fn find(&self, address: usize) -> Option<&Chunk> {
        let (root, leaf) = split(address)?;
        let leaves = self.root.0[root].load(Ordering::Acquire) as *const Leaf;
        // SAFETY: the root holds 0 or the address of a leaf that `self.leaves` keeps as long as `self` lives.
        let leaves = unsafe { leaves.as_ref() }?;
        let chunk = leaves.0[leaf].load(Ordering::Acquire) as *const Chunk;
        // SAFETY: a leaf holds 0 or the address of a chunk's metadata. These are unmapped only when the pool is
        // dropped, together with this map.
        unsafe { chunk.as_ref() }
    }

    /// Enters a chunk that lives as long as this map.
    pub(crate) fn insert(&self, os: &'static dyn Os, name: &str, chunk: &Mapped<Chunk>) -> Result<(), Errno> {
        let (root, leaf) = split(chunk.base()).ok_or(Errno(libc::ENOMEM))?;
        let mut leaves = self.leaves.lock();
        let mut leaf_at = self.root.0[root].load(Ordering::Relaxed) as *const Leaf;
        if leaf_at.is_null() {
            let new = Mapped::<Leaf>::new(os, name)?;
            leaf_at = new.as_ptr();
            leaves.push(new);
            self.root.0[root].store(leaf_at as usize, Ordering::Release);
        }
        // SAFETY: it is the address of a leaf in `leaves`.
        unsafe { &*leaf_at }.0[leaf].store(chunk.as_ptr() as usize, Ordering::Release);
        Ok(())
    }

    /// Bytes mapped for the tree.
    pub(crate) fn bytes(&self) -> usize {
        self.root.bytes() + self.leaves.lock().iter().map(Mapped::bytes).sum::<usize>()
    }
}

#[inline]
fn split(address: usize) -> Option<(usize, usize)> {
    let chunk = address / CHUNK;
    let (root, leaf) = (chunk >> LEAF_BITS, chunk & ((1 << LEAF_BITS) - 1));
    (root < 1 << ROOT_BITS).then_some((root, leaf))
}
