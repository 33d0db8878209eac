//! An operating system for tests: counts what is mapped, has pages of the size it is told to have, and fails the call it
//! is told to fail.

use std::collections::BTreeMap;

use super::{Errno, Os, host};
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// Passes calls on to the real system, keeps a record of what is mapped, and can be told to fail.
///
/// It does with its pages what a kernel does with its own: it refuses addresses that are no multiples of them, and rounds
/// lengths up, so that a length that is too short takes what lies behind it as well.
#[derive(Debug, Default)]
pub struct FakeOs {
    /// Bytes of a page, if not those of the real system.
    page: AtomicUsize,
    /// Bytes that are kept free behind each mapping.
    gap: AtomicUsize,
    mappings: Mutex<BTreeMap<usize, usize>>,
    calls: AtomicUsize,
    /// Number of the first call that fails, from 1; 0 for none.
    fail_from: AtomicUsize,
    /// How many calls fail from there on.
    fail_count: AtomicUsize,
    purged: AtomicUsize,
}

impl FakeOs {
    /// One that lives for ever, as a pool wants it.
    pub fn leaked() -> &'static FakeOs {
        Box::leak(Box::default())
    }

    /// Has pages of so many bytes from now on, at least those of the real system.
    ///
    /// # Panics
    /// If something is mapped.
    pub fn set_page_size(&self, bytes: usize) {
        assert_eq!(self.mapped_bytes(), 0, "a kernel's pages do not change");
        self.page.store(bytes, Ordering::SeqCst);
    }

    /// Maps nothing side by side from now on.
    ///
    /// # Panics
    /// If something is mapped.
    pub fn keep_apart(&self) {
        assert_eq!(self.mapped_bytes(), 0, "a mapping is unmapped with the gap it was mapped with");
        self.gap.store(self.page_size(), Ordering::SeqCst);
    }

    /// Fails `count` calls from the `nth` from now on, counted from 1.
    pub fn fail(&self, nth: usize, count: usize) {
        self.calls.store(0, Ordering::SeqCst);
        self.fail_count.store(count, Ordering::SeqCst);
        self.fail_from.store(nth, Ordering::SeqCst);
    }

    /// No more failures.
    pub fn heal(&self) {
        self.fail_from.store(0, Ordering::SeqCst);
    }

    /// Calls that could fail, since the last [`FakeOs::fail`].
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Bytes mapped and not unmapped.
    pub fn mapped_bytes(&self) -> usize {
        self.mappings.lock().values().sum()
    }

    /// Bytes purged so far.
    pub fn purged_bytes(&self) -> usize {
        self.purged.load(Ordering::SeqCst)
    }

    fn count_call(&self) -> Result<(), Errno> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let from = self.fail_from.load(Ordering::SeqCst);
        if from != 0 && call >= from && call - from < self.fail_count.load(Ordering::SeqCst) {
            return Err(Errno(libc::ENOMEM));
        }
        Ok(())
    }

    /// Whether a range lies in mappings side by side.
    fn is_mapped(&self, address: usize, bytes: usize) -> bool {
        let mappings = self.mappings.lock();
        let mut from = address;
        while from < address + bytes {
            match mappings.range(..=from).next_back() {
                Some((&start, &length)) if start + length > from => from = start + length,
                _ => return false,
            }
        }
        true
    }

    /// The length that a kernel makes of one; an error if it does not take the address.
    fn whole_pages(&self, address: usize, bytes: usize) -> Result<usize, Errno> {
        let page = self.page_size();
        if address.is_multiple_of(page) { Ok(bytes.next_multiple_of(page)) } else { Err(Errno(libc::EINVAL)) }
    }
}

// SAFETY: what the real system promises, of pages that are some of its own; a call that is refused changes nothing. What
// `purge` and `unmap` take when they round up is the caller's mistake, as it is with a kernel.
unsafe impl Os for FakeOs {
    fn page_size(&self) -> usize {
        self.page.load(Ordering::SeqCst).max(host().page_size())
    }

    fn map(&self, bytes: usize, align: usize, name: &str) -> Result<usize, Errno> {
        self.count_call()?;
        let bytes = self.whole_pages(0, bytes)?;
        let whole = bytes + self.gap.load(Ordering::SeqCst);
        let address = host().map(whole, align.max(self.page_size()), name)?;
        self.mappings.lock().insert(address, bytes);
        Ok(address)
    }

    unsafe fn unmap(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        let bytes = self.whole_pages(address, bytes)?;
        let removed = self.mappings.lock().remove(&address);
        assert_eq!(removed, Some(bytes), "unmapped {address:#x} differs from what was mapped");
        // SAFETY: the caller's promise is the same.
        unsafe { host().unmap(address, bytes + self.gap.load(Ordering::SeqCst)) }
    }

    unsafe fn purge(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        let bytes = self.whole_pages(address, bytes)?;
        assert!(self.is_mapped(address, bytes), "purged {address:#x} is not mapped");
        self.count_call()?;
        self.purged.fetch_add(bytes, Ordering::SeqCst);
        // SAFETY: the caller's promise is the same.
        unsafe { host().purge(address, bytes) }
    }

    fn huge_pages(&self, address: usize, bytes: usize, on: bool) {
        host().huge_pages(address, bytes, on);
    }

    fn membarrier(&self) -> bool {
        host().membarrier()
    }
}
