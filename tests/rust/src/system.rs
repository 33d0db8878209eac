//! An operating system that refuses any call it is told to, `munmap` and `membarrier` among them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use millpond::os::{Errno, FakeOs, Os};

/// What is said when a call is refused.
pub const ENOMEM: i32 = 12;

/// Systems that nobody uses, so that millions of runs do not need millions of them.
static SPARE: Mutex<Vec<&System>> = Mutex::new(Vec::new());

/// Counts calls, refuses those it is told to, and passes the others on to a [`FakeOs`], which keeps the record of what
/// is mapped.
#[derive(Debug, Default)]
pub struct System {
    record: FakeOs,
    calls: AtomicUsize,
    /// Number of the first call that is refused, from 1; 0 for none.
    refuse_from: AtomicUsize,
    /// How many are refused from there on.
    refuse_count: AtomicUsize,
    /// How many purges and how many `munmap`s were refused.
    refused: [AtomicUsize; 2],
    no_barrier: AtomicBool,
    /// What could not be unmapped and was not asked for again, by address.
    stuck: Mutex<BTreeMap<usize, usize>>,
}

impl System {
    /// A sound one that lives for ever, as a pool wants it; if there is one, one that was put back.
    pub fn take() -> &'static System {
        let spare = SPARE.lock().expect("no panic under the lock").pop();
        spare.unwrap_or_else(|| Box::leak(Box::default()))
    }

    /// Lets the next one who wants a system have this one, unless something is mapped in it.
    pub fn put_back(&'static self) {
        if self.mapped_bytes() == 0 {
            self.heal();
            // Those of the real system again.
            self.set_page_size(0);
            self.no_barrier.store(false, Ordering::SeqCst);
            self.refused.iter().for_each(|count| count.store(0, Ordering::SeqCst));
            SPARE.lock().expect("no panic under the lock").push(self);
        }
    }

    /// Refuses `count` calls from the `nth` from now on, counted from 1.
    pub fn refuse(&self, nth: usize, count: usize) {
        self.calls.store(0, Ordering::SeqCst);
        self.refuse_count.store(count, Ordering::SeqCst);
        self.refuse_from.store(nth, Ordering::SeqCst);
    }

    /// Refuses nothing any more.
    pub fn heal(&self) {
        self.refuse_from.store(0, Ordering::SeqCst);
    }

    /// Has pages of so many bytes from now on; nothing is mapped in it.
    pub fn set_page_size(&self, bytes: usize) {
        self.record.set_page_size(bytes);
    }

    /// Is a kernel without `membarrier` from now on.
    pub fn lose_barrier(&self) {
        self.no_barrier.store(true, Ordering::SeqCst);
    }

    /// Whether all calls work that a pool needs to keep its promises; it can do without `membarrier`.
    pub fn is_sound(&self) -> bool {
        self.refuse_from.load(Ordering::SeqCst) == 0
    }

    /// Calls since the last [`System::refuse`].
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// How many purges and how many `munmap`s were refused.
    pub fn refused(&self) -> [usize; 2] {
        [0, 1].map(|what| self.refused[what].load(Ordering::SeqCst))
    }

    /// Bytes mapped and not unmapped.
    pub fn mapped_bytes(&self) -> usize {
        self.record.mapped_bytes()
    }

    /// Those of them that somebody tried to unmap, and gave up.
    pub fn stuck_bytes(&self) -> usize {
        self.stuck.lock().expect("no panic under the lock").values().sum()
    }

    fn count_call(&self) -> Result<(), Errno> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let from = self.refuse_from.load(Ordering::SeqCst);
        let refused = from != 0 && call >= from && call - from < self.refuse_count.load(Ordering::SeqCst);
        if refused { Err(Errno(ENOMEM)) } else { Ok(()) }
    }
}

// SAFETY: what the record promises; a call that is refused changes nothing.
unsafe impl Os for System {
    fn page_size(&self) -> usize {
        self.record.page_size()
    }

    fn map(&self, bytes: usize, align: usize, name: &str) -> Result<usize, Errno> {
        self.count_call()?;
        self.record.map(bytes, align, name)
    }

    unsafe fn unmap(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        let mut stuck = self.stuck.lock().expect("no panic under the lock");
        if let Err(errno) = self.count_call() {
            stuck.insert(address, bytes);
            self.refused[1].fetch_add(1, Ordering::SeqCst);
            return Err(errno);
        }
        stuck.remove(&address);
        // SAFETY: the caller's promise is the same.
        unsafe { self.record.unmap(address, bytes) }
    }

    unsafe fn purge(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        self.count_call().inspect_err(|_| {
            self.refused[0].fetch_add(1, Ordering::SeqCst);
        })?;
        // SAFETY: the caller's promise is the same.
        unsafe { self.record.purge(address, bytes) }
    }

    fn huge_pages(&self, address: usize, bytes: usize, on: bool) {
        self.record.huge_pages(address, bytes, on);
    }

    fn membarrier(&self) -> bool {
        !self.no_barrier.load(Ordering::SeqCst) && self.count_call().is_ok() && self.record.membarrier()
    }
}
