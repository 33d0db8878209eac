//! Blocks that know what should be in them, and a housekeeper beside the load.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use millpond::{Block, Pool};

/// Bytes at the start that hold the block's number.
const NUMBER: usize = size_of::<u64>();

/// A block that is filled with a number of its own, and verified when it is dropped.
pub struct Marked<'pool> {
    block: Block<'pool>,
    number: u64,
}

impl<'pool> Marked<'pool> {
    /// Fills a block.
    pub fn new(mut block: Block<'pool>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let numbered = NUMBER.min(block.len());
        let (start, rest) = block.split_at_mut(numbered);
        start.copy_from_slice(&number.to_le_bytes()[..start.len()]);
        rest.fill(number as u8);
        Marked { block, number }
    }

    /// Writes to each byte what is there already, as a program does that works with the block.
    pub fn touch(&mut self) {
        let numbered = NUMBER.min(self.block.len());
        self.block[numbered..].fill(self.number as u8);
    }
}

impl Drop for Marked<'_> {
    fn drop(&mut self) {
        let (start, rest) = self.block.split_at(NUMBER.min(self.block.len()));
        let mine = *start == self.number.to_le_bytes()[..start.len()];
        // Compared with itself one byte on, which is fast in debug builds as well.
        let untouched =
            rest.first().is_none_or(|&first| first == self.number as u8 && rest[1..] == rest[..rest.len() - 1]);
        assert!((mine && untouched) || thread::panicking(), "{:?} was written to by somebody else", self.block);
    }
}

/// Blocks handed out by [`allocate`], for progress reports.
pub static BLOCKS: AtomicU64 = AtomicU64::new(0);

/// A block that the pool has room for.
///
/// # Panics
/// If the pool refuses it.
pub fn allocate(pool: &Pool, size: usize) -> Marked<'_> {
    BLOCKS.fetch_add(1, Ordering::Relaxed);
    Marked::new(pool.allocate(size).expect("a pool without a limit gives blocks"))
}

/// Runs `act` while another thread ticks the pool, now and then trims it, and reads its statistics.
pub fn with_housekeeper<R>(pool: &Pool, act: impl FnOnce() -> R) -> R {
    let running = AtomicBool::new(true);
    thread::scope(|scope| {
        let housekeeper = scope.spawn(|| {
            let mut now = Duration::ZERO;
            while running.load(Ordering::Relaxed) {
                now += Duration::from_millis(1);
                pool.tick(now);
                if now.as_millis().is_multiple_of(16) {
                    pool.trim();
                    let stats = pool.stats();
                    assert!(stats.committed <= stats.peak_committed && stats.peak_committed <= stats.limit);
                }
                thread::yield_now();
            }
        });
        let stop = StopOnDrop(&running);
        let result = act();
        drop(stop);
        housekeeper.join().expect("the housekeeper does not panic");
        result
    })
}

/// Stops the housekeeper even if the load panics, so that the panic is seen.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// After the load, with all its threads joined: nothing is left, nothing was wrong.
///
/// # Panics
/// If that is not so.
pub fn settle(pool: &Pool) {
    pool.trim();
    let stats = pool.stats();
    assert_eq!((stats.used, stats.live_blocks, stats.committed, stats.bad_frees), (0, 0, 0, 0), "{:?}", pool.reports());
    assert_eq!(stats.allocations, stats.frees);
    pool.check_invariants().expect("sound");
}
