//! Many threads at once, in the shapes that allocators break under: quick forms of what `soak` runs for hours.

use std::thread;
use std::time::Duration;

use millpond::{Options, Pool};
use millpond_tests::load::{Marked, settle, with_housekeeper};
use millpond_tests::random::Random;
use millpond_tests::shapes::{self, Effort, Shape};

const QUICK: Effort = Effort { threads: 4, rounds: 20_000, seed: 1 };

fn run((name, shape): Shape, rounds: usize) {
    let pool = Pool::new(Options::new().name(name).decay(Duration::from_millis(2)).arenas(2)).expect("a pool");
    with_housekeeper(&pool, || shape(&pool, Effort { rounds, ..QUICK }));
    settle(&pool);
    // Caches of ended threads are used again: there were never more than a few at a time.
    let stats = pool.stats();
    assert!(stats.metadata < 64 << 20, "{} bytes of bookkeeping", stats.metadata);
}

#[test]
fn larson() {
    run(("larson", shapes::larson), QUICK.rounds);
}

#[test]
fn xmalloc() {
    run(("xmalloc", shapes::xmalloc), QUICK.rounds);
}

#[test]
fn mstress() {
    run(("mstress", shapes::mstress), QUICK.rounds);
}

#[test]
fn mleak() {
    run(("mleak", shapes::mleak), 500);
}

#[test]
fn cache_scratch() {
    run(("cache-scratch", shapes::cache_scratch), QUICK.rounds);
}

/// Two who emptied all caches at once used to wait for each other, when a cache had changed its owner in between.
#[test]
fn trimming() {
    run(("trimming", shapes::trimming), 6_000);
}

#[test]
fn waiting() {
    let options = Options::new().name("waiting").max_bytes(8 << 20).decay(Duration::from_millis(2));
    let pool = Pool::new(options).expect("a pool");
    with_housekeeper(&pool, || shapes::waiting(&pool, Effort { rounds: 40, ..QUICK }));
    settle(&pool);
    assert!(pool.stats().waits > 0, "nobody waited");
}

/// The pool is closed under running threads: each gets blocks or the error, and all come back.
#[test]
fn closing_under_load_loses_nothing() {
    for round in 1..=20 {
        let pool = Pool::new(Options::new()).expect("a pool");
        thread::scope(|scope| {
            let pool = &pool;
            let load = |seed| {
                let mut random = Random(seed);
                let mut blocks: Vec<_> = (0..30).map(|_| None).collect();
                while let Ok(block) = pool.allocate(random.size()) {
                    blocks[random.next(30)] = Some(Marked::new(block));
                }
                assert!(pool.is_closed());
            };
            let threads: Vec<_> = (1..=3).map(|seed| scope.spawn(move || load(seed * round))).collect();
            thread::sleep(Duration::from_millis(2));
            pool.close();
            threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        });
        settle(&pool);
    }
}
