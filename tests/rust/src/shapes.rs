//! Shapes of load that are known to be hard, written anew after their descriptions. Each verifies the contents of its
//! blocks, and joins its threads before it returns.
//!
//! | shape | after | hard because |
//! |---|---|---|
//! | [`larson`] | Larson and Krishnan, "Memory Allocation for Long-Running Server Applications", ISMM 1998 | threads hand their blocks to successors |
//! | [`xmalloc`] | Lever and Boreham, "malloc() Performance in a Multithreaded Linux Environment", USENIX 2000 | all blocks are freed elsewhere |
//! | [`mstress`] | the stress test of mimalloc | lifetimes and sizes are mixed, blocks wander |
//! | [`mleak`] | the leak test of mimalloc-bench | threads come and go |
//! | [`cache_scratch`] | Berger and others, "Hoard", ASPLOS 2000 | neighbouring blocks go to different threads |
//! | [`waiting`], [`trimming`] | this library's own promises | many wait at the limit; many give everything back at once |

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use millpond::{LARGEST, Pool};
use parking_lot::Mutex;

use crate::load::{Marked, allocate};
use crate::queue::Queue;
use crate::random::Random;

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Threads at a time, at least two.
    pub threads: usize,
    /// Steps of each thread.
    pub rounds: usize,
    /// For the random numbers; not 0.
    pub seed: u64,
}

/// A shape, with its name.
pub type Shape = (&'static str, fn(&Pool, Effort));

/// All that need no limit.
pub const ALL: [Shape; 6] = [
    ("larson", larson),
    ("xmalloc", xmalloc),
    ("mstress", mstress),
    ("mleak", mleak),
    ("cache-scratch", cache_scratch),
    ("trimming", trimming),
];

/// Runs `act` on as many threads as asked for, each with a seed of its own, and joins them.
fn on_threads(effort: Effort, act: impl Fn(Random) + Sync) {
    thread::scope(|scope| {
        let act = &act;
        let threads: Vec<_> = (0..effort.threads as u64)
            .map(|thread| scope.spawn(move || act(Random(effort.seed << 8 | (thread + 1)))))
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
}

/// A server's sessions: each thread replaces random ones of its blocks, then ends and leaves all of them to a successor.
pub fn larson(pool: &Pool, effort: Effort) {
    const BLOCKS: usize = 100;
    const GENERATIONS: usize = 5;
    on_threads(effort, |mut random| {
        let mut blocks: Vec<_> = (0..BLOCKS).map(|_| allocate(pool, random.size())).collect();
        for _ in 0..GENERATIONS {
            thread::scope(|scope| {
                let successor = scope.spawn(|| {
                    for _ in 0..effort.rounds / GENERATIONS {
                        blocks[random.next(BLOCKS)] = allocate(pool, random.size());
                    }
                });
                successor.join().expect("no panic");
            });
        }
    });
}

/// Half of the threads allocate, the other half frees.
pub fn xmalloc(pool: &Pool, effort: Effort) {
    const BATCH: usize = 50;
    on_threads(Effort { threads: effort.threads.div_ceil(2), ..effort }, |mut random| {
        let queue = Queue::<Vec<Marked<'_>>>::default();
        thread::scope(|scope| {
            let freeing = scope.spawn(|| while queue.take().is_some() {});
            for _ in 0..effort.rounds / BATCH {
                let size = random.size();
                queue.put((0..BATCH).map(|_| allocate(pool, size)).collect());
            }
            queue.close();
            freeing.join().expect("no panic");
        });
    });
}

/// Blocks of all sizes and lifetimes, some of them huge, which wander from thread to thread through common places.
pub fn mstress(pool: &Pool, effort: Effort) {
    const PLACES: usize = 64;
    let places: Vec<Mutex<Option<Marked<'_>>>> = (0..PLACES).map(|_| Mutex::new(None)).collect();
    on_threads(effort, |mut random| {
        let mut kept: Vec<Marked<'_>> = Vec::new();
        for _ in 0..effort.rounds {
            match random.next(10) {
                // Most blocks are freed soon, some live until the end.
                0..5 => kept.push(allocate(pool, random.size())),
                5..8 if !kept.is_empty() => drop(kept.swap_remove(random.next(kept.len()))),
                8 => {
                    let mut place = places[random.next(PLACES)].lock();
                    let mine = (!kept.is_empty()).then(|| kept.swap_remove(0));
                    kept.extend(std::mem::replace(&mut *place, mine));
                }
                _ if random.next(100) == 0 => kept.push(allocate(pool, LARGEST + random.size())),
                _ => kept.iter_mut().for_each(|block| block.touch()),
            }
            if kept.len() > 100 {
                kept.drain(..50);
            }
        }
    });
}

/// As many threads as there are rounds, one after the other, each of which leaves blocks to others.
pub fn mleak(pool: &Pool, effort: Effort) {
    const INHERITED: usize = 200;
    let mut random = Random(effort.seed);
    let mut inherited = VecDeque::new();
    for _ in 0..effort.rounds {
        let mut random = Random(random.next(1 << 30) as u64 + 1);
        thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let mut blocks: Vec<_> = (0..20).map(|_| allocate(pool, random.size())).collect();
                blocks.split_off(15)
            });
            inherited.extend(thread.join().expect("no panic"));
        });
        inherited.drain(..inherited.len().saturating_sub(INHERITED));
    }
    // The caller keeps no cache, so that the pool is empty when this returns.
    thread::scope(|scope| {
        scope.spawn(move || drop(inherited)).join().expect("no panic");
    });
}

/// Neighbouring small blocks go to different threads, each of which frees its one, and from then on writes to what it
/// gets in its place.
pub fn cache_scratch(pool: &Pool, effort: Effort) {
    const SIZE: usize = 16;
    let neighbours = {
        let allocating = || (0..effort.threads).map(|_| allocate(pool, SIZE)).collect::<Vec<_>>();
        thread::scope(|scope| scope.spawn(allocating).join().expect("no panic"))
    };
    let neighbours = Mutex::new(neighbours);
    on_threads(effort, |_| {
        drop(neighbours.lock().pop());
        for _ in 0..effort.rounds {
            let mut block = allocate(pool, SIZE);
            (0..10).for_each(|_| block.touch());
        }
    });
}

/// Short threads, one after the other and several at a time, while others give everything back all the time.
pub fn trimming(pool: &Pool, effort: Effort) {
    const THREADS_PER_ROUND: usize = 20;
    let running = AtomicBool::new(true);
    thread::scope(|scope| {
        let trimming = |_| {
            scope.spawn(|| {
                while running.load(Ordering::Relaxed) {
                    pool.trim();
                }
            })
        };
        let trimmers: Vec<_> = (0..effort.threads.div_ceil(2)).map(trimming).collect();
        on_threads(effort, |mut random| {
            for _ in 0..effort.rounds / THREADS_PER_ROUND {
                let size = random.size();
                thread::scope(|scope| scope.spawn(move || drop(allocate(pool, size))).join().expect("no panic"));
            }
        });
        running.store(false, Ordering::Relaxed);
        trimmers.into_iter().for_each(|trimmer| trimmer.join().expect("no panic"));
    });
}

/// Each thread wants a quarter of the limit at a time and waits for it: there are more than four of them, so that each
/// waits for others, and none for ever.
pub fn waiting(pool: &Pool, effort: Effort) {
    const FOR_EVER: Duration = Duration::from_secs(3600);
    let share = pool.stats().limit as usize / 4;
    on_threads(Effort { threads: effort.threads.max(6), ..effort }, |mut random| {
        for _ in 0..effort.rounds {
            let size = share / 2 + random.next(share / 2);
            let block = pool.allocate_within(size, FOR_EVER).expect("room in the end");
            let mut block = Marked::new(block);
            block.touch();
            if random.next(4) == 0 {
                thread::yield_now();
            }
        }
    });
}
