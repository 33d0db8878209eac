//! What a pool can be told when it is made.

use std::time::Duration;

use crate::error::Error;
use crate::pool::Pool;
use crate::size_class::CHUNK;

/// Arenas that a pool may have.
pub(crate) const ARENAS_MAX: usize = 64;

/// Options of a [`Pool`]; each has a default that suits a service in a container.
///
/// ```
/// # use millpond::{Options, Pool};
/// # use std::time::Duration;
/// let pool = Pool::new(Options::new().name("ingest").max_bytes(512 << 20).decay(Duration::from_millis(500)))?;
/// # Ok::<(), millpond::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) name: String,
    pub(crate) max_bytes: usize,
    pub(crate) decay: Duration,
    pub(crate) thread_cache_bytes: usize,
    pub(crate) all_caches_bytes: usize,
    pub(crate) depot_bytes: usize,
    pub(crate) arenas: usize,
    pub(crate) huge_pages: bool,
    pub(crate) keep_addresses: bool,
    pub(crate) checked: bool,
    pub(crate) quarantine_bytes: usize,
    pub(crate) parent: Option<Pool>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            name: "millpond".to_owned(),
            max_bytes: usize::MAX,
            decay: Duration::from_secs(1),
            thread_cache_bytes: 1 << 20,
            all_caches_bytes: 256 << 20,
            depot_bytes: 64 << 20,
            arenas: 0,
            huge_pages: false,
            keep_addresses: false,
            checked: false,
            quarantine_bytes: 16 << 20,
            parent: None,
        }
    }
}

impl Options {
    /// The defaults: no limit, one second of decay, 1 MiB of cache a thread.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name, in errors, statistics and (where the kernel can) in `pmap`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Hard limit on committed bytes, at least one page; [`Pool::set_max_bytes`] changes it later.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How long freed memory is kept before it goes back to the operating system, at most an hour; zero gives it back
    /// at the next tick.
    pub fn decay(mut self, decay: Duration) -> Self {
        self.decay = decay;
        self
    }

    /// Bytes of free blocks that one thread may keep for itself, 0 to 64 MiB.
    pub fn thread_cache_bytes(mut self, bytes: usize) -> Self {
        self.thread_cache_bytes = bytes;
        self
    }

    /// Bytes of free blocks that the caches of all threads may keep together.
    pub fn all_caches_bytes(mut self, bytes: usize) -> Self {
        self.all_caches_bytes = bytes;
        self
    }

    /// Bytes of free blocks on their way between threads, for the whole pool.
    pub fn depot_bytes(mut self, bytes: usize) -> Self {
        self.depot_bytes = bytes;
        self
    }

    /// Number of arenas, at most 64; 0 takes one per processor, at most 8.
    pub fn arenas(mut self, arenas: usize) -> Self {
        self.arenas = arenas;
        self
    }

    /// Asks for transparent huge pages; without it they are refused, so that what is resident is what was touched.
    pub fn huge_pages(mut self, on: bool) -> Self {
        self.huge_pages = on;
        self
    }

    /// Keeps the addresses of huge blocks mapped after they were freed (their memory still goes back), until the pool
    /// is dropped. For callers whose blocks may be looked at after they were freed, as a stale `ByteBuffer` does.
    pub fn keep_addresses(mut self, keep: bool) -> Self {
        self.keep_addresses = keep;
        self
    }

    /// Checked mode: a canary behind each block, poison in released ones, and a quarantine before they are used again.
    /// What it finds is in [`Pool::reports`](crate::Pool::reports). Every operation becomes slow. Blocks that are taken
    /// in batches, with [`Pool::take`](crate::Pool::take), are not watched; huge ones have no quarantine.
    pub fn checked(mut self, on: bool) -> Self {
        self.checked = on;
        self
    }

    /// Bytes of released blocks that checked mode keeps from being reused.
    pub fn quarantine_bytes(mut self, bytes: usize) -> Self {
        self.quarantine_bytes = bytes;
        self
    }

    /// A pool whose limit counts as well: what this pool commits, it commits too.
    pub fn parent(mut self, parent: &Pool) -> Self {
        self.parent = Some(parent.clone());
        self
    }

    /// Refuses what is out of range, naming the value and the range.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let refuse = |option, reason| Err(Error::InvalidOption { option, reason });
        if self.name.is_empty() || self.name.len() > 64 {
            return refuse("name", format!("'{}' must have 1 to 64 bytes", self.name));
        }
        if self.max_bytes < crate::size_class::PAGE {
            let least = crate::size_class::PAGE;
            return refuse("max_bytes", format!("{} is less than one page, {least} bytes", self.max_bytes));
        }
        if self.decay > Duration::from_secs(3600) {
            return refuse("decay", format!("{:?} is more than an hour", self.decay));
        }
        if self.thread_cache_bytes > 16 * CHUNK {
            return refuse("thread_cache_bytes", format!("{} is more than 64 MiB", self.thread_cache_bytes));
        }
        if self.arenas > ARENAS_MAX {
            return refuse("arenas", format!("{} is more than {ARENAS_MAX}", self.arenas));
        }
        Ok(())
    }

    pub(crate) fn arena_count(&self) -> usize {
        match self.arenas {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(8),
            n => n,
        }
    }
}
