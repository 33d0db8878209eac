//! Millpond, as it is shipped: default options, and a thread that ticks ten times per decay time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use millpond::{Block, Error, Options, Pool, SizeClass};

use super::Candidate;

const TICK: Duration = Duration::from_millis(100);

/// A pool with its clock.
pub(super) struct MillpondPool {
    pool: Pool,
    stopped: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl MillpondPool {
    /// A pool without a clock, for who counts instructions.
    pub(super) fn without_ticks() -> Self {
        let pool = Pool::new(Options::new().name("benchmark")).expect("the default options are valid");
        MillpondPool { pool, stopped: Arc::default(), ticker: None }
    }

    /// A pool with default options, and ticks.
    pub(super) fn new() -> Self {
        let mut this = Self::without_ticks();
        let (pool, stopped, start) = (this.pool.clone(), this.stopped.clone(), Instant::now());
        this.ticker = Some(std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                pool.tick(start.elapsed());
                std::thread::sleep(TICK);
            }
        }));
        this
    }

    /// The pool itself.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl Drop for MillpondPool {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            ticker.join().expect("ticks do not panic");
        }
    }
}

impl Candidate for MillpondPool {
    #[inline(always)]
    fn allocate(&self, size: usize) -> *mut u8 {
        self.pool.allocate(size).map(Block::into_address).expect("memory for a benchmark") as *mut u8
    }

    #[inline(always)]
    unsafe fn free(&self, block: *mut u8, size: usize) {
        // SAFETY: the caller's promise is the same.
        let freed = unsafe { self.pool.free_sized(block as usize, size) };
        debug_assert_eq!(freed, Ok(()));
    }

    #[inline(always)]
    fn take(&self, size: usize, out: &mut [usize]) {
        fill(out, |rest| self.pool.take(class(size), rest));
    }

    #[inline(always)]
    unsafe fn give(&self, size: usize, blocks: &[usize]) {
        // SAFETY: the caller's promise is the same.
        let refused = unsafe { self.pool.give(class(size), blocks) };
        debug_assert_eq!(refused, 0);
    }

    #[inline(always)]
    fn take_shared(&self, size: usize, out: &mut [usize]) {
        fill(out, |rest| self.pool.take_shared(class(size), rest));
    }

    #[inline(always)]
    unsafe fn give_shared(&self, size: usize, blocks: &[usize]) {
        // SAFETY: the caller's promise is the same.
        let refused = unsafe { self.pool.give_shared(class(size), blocks) };
        debug_assert_eq!(refused, 0);
    }
}

fn class(size: usize) -> SizeClass {
    SizeClass::of(size).expect("batches are of small blocks")
}

#[inline(always)]
fn fill(out: &mut [usize], take: impl Fn(&mut [usize]) -> Result<usize, Error>) {
    let mut taken = 0;
    while taken < out.len() {
        taken += take(&mut out[taken..]).expect("memory for a benchmark");
    }
}
