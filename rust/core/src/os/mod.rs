//! Memory from the operating system. The only calls are in `linux.rs`; tests put `fake.rs` in its place.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::error::Error;

#[cfg(any(test, feature = "testing"))]
mod fake;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(any(test, feature = "testing"))]
pub use fake::FakeOs;
#[cfg(target_os = "linux")]
pub use linux::stack_end;
#[cfg(target_os = "linux")]
pub(crate) use linux::{Linux, after_fork, run_both, set_errno};

#[cfg(not(target_os = "linux"))]
compile_error!("Millpond runs on Linux only for now: rust/core/src/os needs a file for this platform");

/// An error number of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::io::Error::from_raw_os_error(self.0).fmt(f)
    }
}

/// What a pool asks of the operating system. All addresses and sizes are in bytes and multiples of [`Os::page_size`].
///
/// # Safety
/// A pool hands out what it gets from here as memory that is nobody else's. So an implementation promises:
/// * [`Os::page_size`] is always the same, and a power of two.
/// * What [`Os::map`] returns is `bytes` bytes from a multiple of `align` on, readable and writable, all zero, which
///   overlap nothing that anything else in the process uses, and stay so until they are unmapped through the same object.
/// * [`Os::purge`] makes every byte of the range read as zero, at once and for good (what is written afterwards stays),
///   and changes no byte outside. If it fails, bytes of the range may be zero, and none outside has changed.
/// * [`Os::unmap`] takes away the range and nothing beside it; if it fails, nothing is taken away.
/// * [`Os::huge_pages`] changes nothing that can be read.
/// * When [`Os::membarrier`] returns `true`, every other thread of the process has passed a full memory barrier since it
///   was called.
pub unsafe trait Os: Send + Sync + fmt::Debug {
    /// Bytes that the system gives and takes at once.
    fn page_size(&self) -> usize;

    /// Maps `bytes` of zeroes, readable and writable, aligned to `align` (a power of two of at least a page). No memory
    /// is used until it is touched. `name` is shown by `pmap` where the kernel can.
    fn map(&self, bytes: usize, align: usize, name: &str) -> Result<usize, Errno>;

    /// Gives a mapping back for good.
    ///
    /// # Safety
    /// [`Os::map`] returned `address` for `bytes`, and nobody will touch the range again.
    unsafe fn unmap(&self, address: usize, bytes: usize) -> Result<(), Errno>;

    /// Gives the memory of a range back at once and keeps the addresses, where zeroes are read from then on.
    ///
    /// # Safety
    /// The range was mapped by [`Os::map`], by one call or several whose mappings lie side by side, and nobody needs what
    /// is in it.
    unsafe fn purge(&self, address: usize, bytes: usize) -> Result<(), Errno>;

    /// Asks for transparent huge pages in a range, or refuses them. Best effort.
    fn huge_pages(&self, address: usize, bytes: usize, on: bool);

    /// Makes every running thread of the process pass a full memory barrier. `false` where the kernel cannot.
    fn membarrier(&self) -> bool;
}

/// The smallest and the largest page that a pool can do with; every 64-bit Linux has one of these, or one in between.
const PAGE_SIZE_MIN: usize = 4 * 1024;
const PAGE_SIZE_MAX: usize = 64 * 1024;

/// Refuses a system whose pages a pool cannot do with.
pub(crate) fn check_page_size(os: &dyn Os) -> Result<(), Error> {
    let bytes = os.page_size();
    if bytes.is_power_of_two() && (PAGE_SIZE_MIN..=PAGE_SIZE_MAX).contains(&bytes) {
        return Ok(());
    }
    let reason = format!("its memory pages have {bytes} bytes, not {PAGE_SIZE_MIN} to {PAGE_SIZE_MAX}");
    Err(Error::Unsupported { reason })
}

/// The operating system this was built for.
pub fn host() -> &'static dyn Os {
    &Linux
}

/// Makes every running thread of the process pass a full memory barrier; `false` where the kernel cannot.
///
/// For the JVM side, whose magazines are drained by the same protocol as the thread caches here.
pub fn membarrier() -> bool {
    host().membarrier()
}

/// A type for which all bytes zero is a value.
///
/// # Safety
/// Implementers have no padding that matters, no references and no niche that excludes zero.
pub(crate) unsafe trait Zeroable {}

/// One `T` in a mapping of its own: bookkeeping that must neither be written into buffers nor go through `malloc`.
/// It starts as zeroes and is resident only where it was touched.
pub(crate) struct Mapped<T: Zeroable> {
    address: usize,
    bytes: usize,
    os: &'static dyn Os,
    owns: PhantomData<T>,
}

// SAFETY: a `Mapped<T>` owns its `T` as a `Box<T>` does.
unsafe impl<T: Zeroable + Send> Send for Mapped<T> {}
// SAFETY: as above.
unsafe impl<T: Zeroable + Sync> Sync for Mapped<T> {}

impl<T: Zeroable> Mapped<T> {
    pub(crate) fn new(os: &'static dyn Os, name: &str) -> Result<Self, Errno> {
        const { assert!(align_of::<T>() <= PAGE_SIZE_MIN && !std::mem::needs_drop::<T>()) };
        let bytes = size_of::<T>().next_multiple_of(os.page_size());
        let address = os.map(bytes, os.page_size(), name)?;
        Ok(Mapped { address, bytes, os, owns: PhantomData })
    }

    /// Bytes of the mapping: the system's pages that `T` needs.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The system's pages that hold nothing but what lies at `offset` and behind it: their address, and their bytes.
    pub(crate) fn pages_from(&self, offset: usize) -> (usize, usize) {
        let skipped = offset.next_multiple_of(self.os.page_size());
        (self.address + skipped, self.bytes - skipped)
    }

    /// Where it is; stable for its whole life.
    pub(crate) fn as_ptr(&self) -> *const T {
        self.address as *const T
    }
}

impl<T: Zeroable> Deref for Mapped<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the mapping is as large and aligned as `T`, holds a `T` since zeroes are one, and lives as long as
        // `self`.
        unsafe { &*(self.address as *const T) }
    }
}

impl<T: Zeroable> DerefMut for Mapped<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; `&mut self` is the only way to it.
        unsafe { &mut *(self.address as *mut T) }
    }
}

impl<T: Zeroable> Drop for Mapped<T> {
    fn drop(&mut self) {
        // SAFETY: `new` mapped exactly this, and with `self` the last reference is gone.
        // A failure to unmap leaks it, which is the best that a destructor can do.
        let _ = unsafe { self.os.unmap(self.address, self.bytes) };
    }
}

impl<T: Zeroable> fmt::Debug for Mapped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mapped({:#x}, {} bytes)", self.address, self.bytes)
    }
}
