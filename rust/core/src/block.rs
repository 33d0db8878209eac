//! A block of memory as a Rust value.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use crate::pool::Pool;
use crate::size_class::SizeClass;

/// A block of a [`Pool`], given back when dropped.
///
/// It derefs to the bytes that were asked for. What they hold at first is what was there before: zeroes, or what some
/// earlier block held.
///
/// Threading: may be sent to and dropped on any thread.
pub struct Block<'pool> {
    pool: &'pool Pool,
    address: NonNull<u8>,
    size: usize,
    /// `None` for a block with a mapping of its own.
    class: Option<SizeClass>,
}

// SAFETY: a block owns its bytes, and the pool takes blocks back from any thread.
unsafe impl Send for Block<'_> {}
// SAFETY: a shared block gives shared access to its bytes only.
unsafe impl Sync for Block<'_> {}

impl<'pool> Block<'pool> {
    #[inline]
    pub(crate) fn new(pool: &'pool Pool, address: usize, size: usize, class: Option<SizeClass>) -> Self {
        debug_assert!(address != 0);
        // SAFETY: no block is at address 0, which the system never maps for us.
        let address = unsafe { NonNull::new_unchecked(address as *mut u8) };
        Block { pool, address, size, class }
    }

    /// Bytes that may be used: the size of its class, at least what was asked for; in checked mode no more than that.
    pub fn usable_size(&self) -> usize {
        match self.class {
            _ if self.pool.0.checked.is_some() => self.size,
            Some(class) => class.size(),
            None => self.size.next_multiple_of(crate::size_class::PAGE),
        }
    }

    /// Gives up the block without giving it back: to be freed by address, with [`Pool::free`].
    pub fn into_address(self) -> usize {
        ManuallyDrop::new(self).address.as_ptr() as usize
    }
}

impl Drop for Block<'_> {
    #[inline]
    fn drop(&mut self) {
        let address = self.address.as_ptr() as usize;
        match self.class {
            // SAFETY: this was the only way to the block.
            Some(class) => unsafe { self.pool.release(class, address) },
            None => {
                // SAFETY: as above.
                let freed = unsafe { self.pool.give_huge(address) };
                debug_assert_eq!(freed, Ok(()), "a huge block is freed once, by its owner");
            }
        }
    }
}

impl Deref for Block<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the block has at least `size` bytes, mapped and initialised by the system or by an earlier user, and
        // is this value's alone.
        unsafe { slice::from_raw_parts(self.address.as_ptr(), self.size) }
    }
}

impl DerefMut for Block<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; `&mut self` makes it exclusive.
        unsafe { slice::from_raw_parts_mut(self.address.as_ptr(), self.size) }
    }
}

impl fmt::Debug for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} of {} bytes at {:p})", self.size, self.usable_size(), self.address)
    }
}
