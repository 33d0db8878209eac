//! An operating system for tests: counts what is mapped, and fails the call it is told to fail.

use std::collections::BTreeMap;

use super::{Errno, Os, host};
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// Passes calls on to the real system, keeps a record of what is mapped, and can be told to fail.
#[derive(Debug, Default)]
pub struct FakeOs {
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
}

// SAFETY: what the real system promises; a call that is refused changes nothing.
unsafe impl Os for FakeOs {
    fn map(&self, bytes: usize, align: usize, name: &str) -> Result<usize, Errno> {
        self.count_call()?;
        let address = host().map(bytes, align, name)?;
        self.mappings.lock().insert(address, bytes);
        Ok(address)
    }

    unsafe fn unmap(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        let removed = self.mappings.lock().remove(&address);
        assert_eq!(removed, Some(bytes), "unmapped {address:#x} differs from what was mapped");
        // SAFETY: the caller's promise is the same.
        unsafe { host().unmap(address, bytes) }
    }

    unsafe fn purge(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        let inside = self.mappings.lock().range(..=address).next_back().map(|(start, length)| start + length);
        assert!(inside.is_some_and(|end| address + bytes <= end), "purged {address:#x} is not mapped");
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
