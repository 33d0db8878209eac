//! Slabs: runs of pages cut into equal blocks, one bit a block.

use crate::size_class::{PAGES, SizeClass};

/// Lists of slabs a class keeps, by how full they are.
pub(crate) const FULLNESS: usize = 4;
/// No slab: the end of a list.
pub(crate) const NO_SLAB: u32 = u32::MAX;

/// A slab of an arena: the index of its chunk, and its first page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SlabId(pub(crate) u32);

impl SlabId {
    pub(crate) fn new(chunk: usize, page: usize) -> Self {
        SlabId((chunk * PAGES + page) as u32)
    }

    pub(crate) fn chunk(self) -> usize {
        self.0 as usize / PAGES
    }

    pub(crate) fn page(self) -> usize {
        self.0 as usize % PAGES
    }
}

/// What the arena knows of one slab.
#[derive(Clone, Copy)]
pub(crate) struct Slab {
    /// A set bit for each free block.
    bits: [u64; 2],
    free: u16,
    blocks: u16,
    /// Neighbours in the list of its class and fullness.
    pub(crate) prev: u32,
    pub(crate) next: u32,
}

impl Slab {
    /// A slab of `class`, all free.
    pub(crate) fn new(class: SizeClass) -> Slab {
        let blocks = class.blocks();
        let ones = |n: usize| if n >= 64 { !0 } else { (1u64 << n) - 1 };
        let bits = [ones(blocks), ones(blocks.saturating_sub(64))];
        Slab { bits, free: blocks as u16, blocks: blocks as u16, prev: NO_SLAB, next: NO_SLAB }
    }

    pub(crate) fn free(&self) -> usize {
        self.free.into()
    }

    pub(crate) fn is_unused(&self) -> bool {
        self.free == self.blocks
    }

    /// The list it belongs to: 0 for the fullest; `None` when nothing is free in it.
    pub(crate) fn fullness(&self) -> Option<usize> {
        match (self.free, self.blocks) {
            (0, _) => None,
            (free, blocks) => Some((usize::from(free) - 1) * FULLNESS / usize::from(blocks)),
        }
    }

    /// Takes the lowest free block.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<usize> {
        let word = if self.bits[0] != 0 { 0 } else { 1 };
        let bits = self.bits[word];
        if bits == 0 {
            return None;
        }
        self.bits[word] = bits & (bits - 1);
        self.free -= 1;
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    /// Puts a block back.
    pub(crate) fn put(&mut self, block: usize) {
        debug_assert!(!self.is_free(block), "a checked block is free already");
        self.bits[block / 64] |= 1 << (block % 64);
        self.free += 1;
    }

    pub(crate) fn is_free(&self, block: usize) -> bool {
        self.bits[block / 64] >> (block % 64) & 1 == 1
    }

    /// Whether the bits and the count agree.
    pub(crate) fn is_consistent(&self) -> bool {
        self.bits.iter().map(|word| word.count_ones()).sum::<u32>() == u32::from(self.free) && self.free <= self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_goes_out_once_the_lowest_first() {
        for class in SizeClass::all().filter(|class| !class.is_run()) {
            let (mut slab, blocks) = (Slab::new(class), class.blocks());
            assert!(slab.is_unused() && slab.is_consistent());
            assert!(std::iter::from_fn(|| slab.take()).eq(0..blocks), "{class:?}");
            assert_eq!((slab.free(), slab.fullness()), (0, None));
            let mut lists = Vec::new();
            for block in (0..blocks).rev() {
                assert!(!slab.is_free(block));
                slab.put(block);
                assert!(slab.is_free(block) && slab.is_consistent());
                lists.extend(slab.fullness());
            }
            assert!(slab.is_unused() && lists.len() == blocks);
            assert!(lists.is_sorted() && lists[0] == 0 && lists.iter().all(|&list| list < FULLNESS), "{lists:?}");
            assert_eq!(slab.take(), Some(0));
        }
    }
}
