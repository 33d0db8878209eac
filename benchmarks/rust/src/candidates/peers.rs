//! Peers that are not called through `GlobalAlloc`.

use super::Candidate;

/// mimalloc 3 by its C functions: its crate asks for an alignment each time, which costs a few instructions.
pub(super) struct Mimalloc;

impl Candidate for Mimalloc {
    #[inline(always)]
    fn allocate(&self, size: usize) -> *mut u8 {
        // SAFETY: malloc has no conditions.
        unsafe { libmimalloc_sys::mi_malloc(size) }.cast()
    }

    #[inline(always)]
    unsafe fn free(&self, block: *mut u8, _size: usize) {
        // SAFETY: the caller promises that it came from `allocate`.
        unsafe { libmimalloc_sys::mi_free(block.cast()) }
    }
}
