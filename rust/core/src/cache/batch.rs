//! Blocks of one class on their way from one place to another.

use crate::size_class::BATCH_MAX;

/// Up to [`BATCH_MAX`] blocks.
pub(crate) struct Batch {
    blocks: [usize; BATCH_MAX],
    len: usize,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Batch { blocks: [0; BATCH_MAX], len: 0 }
    }

    /// Adds a block; the caller sees to it that there is room.
    #[inline]
    pub(crate) fn push(&mut self, block: usize) {
        self.blocks[self.len] = block;
        self.len += 1;
    }

    /// Adds blocks, as above.
    pub(crate) fn extend(&mut self, blocks: &[usize]) {
        self.blocks[self.len..self.len + blocks.len()].copy_from_slice(blocks);
        self.len += blocks.len();
    }

    #[inline]
    pub(crate) fn blocks(&self) -> &[usize] {
        &self.blocks[..self.len]
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}
