//! Many threads at once, with patterns that show when a block is handed out twice.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use millpond::{Block, Options, Pool};

/// A small generator, so that runs can be repeated (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// Small sizes mostly, some large.
    fn size(&mut self) -> usize {
        let log = 6 + self.next(12);
        16 + self.next(1 << log)
    }
}

/// A block whose ends carry a number of its own.
struct Marked<'a>(Block<'a>, u64);

impl<'a> Marked<'a> {
    fn new(mut block: Block<'a>, mark: u64) -> Self {
        let end = block.len() - 8;
        block[end..].copy_from_slice(&mark.to_le_bytes());
        block[..8].copy_from_slice(&mark.to_le_bytes());
        Marked(block, mark)
    }
}

impl Drop for Marked<'_> {
    fn drop(&mut self) {
        let (start, end) = (&self.0[..8], &self.0[self.0.len() - 8..]);
        let mark = self.1.to_le_bytes();
        assert!(start == mark && end == mark, "somebody else wrote to the block");
    }
}

static MARKS: AtomicU64 = AtomicU64::new(1);

fn mark(block: Block<'_>) -> Marked<'_> {
    Marked::new(block, MARKS.fetch_add(1, Ordering::Relaxed))
}

fn settle(pool: &Pool) {
    while pool.stats().thread_caches > 0 {
        thread::yield_now();
    }
    pool.trim();
    let stats = pool.stats();
    assert_eq!((stats.used, stats.committed, stats.bad_frees), (0, 0, 0));
    pool.check_invariants().expect("sound");
}

/// Each thread keeps a set of blocks and replaces random ones; while another one ticks and trims (the shape of larson).
#[test]
fn threads_replace_blocks_while_the_pool_ticks_and_trims() {
    let pool = Pool::new(Options::new().decay(Duration::from_millis(2)).arenas(2)).expect("a pool");
    let running = AtomicBool::new(true);
    thread::scope(|scope| {
        let pool = &pool;
        let workers: Vec<_> = (1..=4)
            .map(|seed| {
                scope.spawn(move || {
                    let mut random = Random(seed);
                    let mut blocks: Vec<_> = (0..100).map(|_| None).collect();
                    for _ in 0..20_000 {
                        let index = random.next(100);
                        blocks[index] = Some(mark(pool.allocate(random.size()).expect("a block")));
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let mut now = Duration::ZERO;
            while running.load(Ordering::Relaxed) {
                now += Duration::from_millis(1);
                pool.tick(now);
                if now.as_millis() % 16 == 0 {
                    pool.trim();
                }
            }
        });
        workers.into_iter().for_each(|worker| worker.join().expect("no panic"));
        running.store(false, Ordering::Relaxed);
    });
    settle(&pool);
}

/// Blocks are freed by other threads than allocated them (the shape of xmalloc-test).
#[test]
fn blocks_cross_threads() {
    let pool = Pool::new(Options::new()).expect("a pool");
    thread::scope(|scope| {
        let pool = &pool;
        for seed in 1..=3 {
            let (send, receive) = mpsc::sync_channel::<Vec<Marked<'_>>>(4);
            scope.spawn(move || {
                let mut random = Random(seed);
                for _ in 0..300 {
                    let size = random.size();
                    let blocks = (0..50).map(|_| mark(pool.allocate(size).expect("a block"))).collect();
                    send.send(blocks).expect("the receiver lives");
                }
            });
            scope.spawn(move || receive.into_iter().for_each(drop));
        }
    });
    settle(&pool);
}

/// Threads come and go, leaving blocks to others (the shape of mleak, with mstress' checks).
#[test]
fn short_threads_leave_nothing() {
    let pool = Pool::new(Options::new()).expect("a pool");
    let mut inherited = Vec::new();
    for round in 1..=500u64 {
        let pool = &pool;
        let given = thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let mut random = Random(round);
                let mut blocks: Vec<_> =
                    (0..20).map(|_| mark(pool.allocate(random.size()).expect("a block"))).collect();
                blocks.split_off(10)
            });
            thread.join().expect("no panic")
        });
        inherited.extend(given);
        if inherited.len() > 100 {
            inherited.drain(..50);
        }
    }
    // Caches of ended threads are used again.
    let stats = pool.stats();
    assert!(stats.metadata < 64 << 20, "{} bytes of bookkeeping", stats.metadata);
    drop(inherited);
    drop(pool.allocate(1));
    thread::scope(|scope| {
        scope.spawn(|| pool.trim());
    });
    assert_eq!(pool.stats().used, 0);
    pool.check_invariants().expect("sound");
}

/// The pool is closed under running threads: each gets blocks or the error, and all come back.
#[test]
fn closing_under_load_loses_nothing() {
    for round in 1..=20 {
        let pool = Pool::new(Options::new()).expect("a pool");
        thread::scope(|scope| {
            let pool = &pool;
            for seed in 1..=3 {
                scope.spawn(move || {
                    let mut random = Random(seed * round);
                    let mut blocks: Vec<_> = (0..30).map(|_| None).collect();
                    while let Ok(block) = pool.allocate(random.size()) {
                        blocks[random.next(30)] = Some(mark(block));
                    }
                    assert!(pool.is_closed());
                });
            }
            thread::sleep(Duration::from_millis(2));
            pool.close();
        });
        settle(&pool);
    }
}
