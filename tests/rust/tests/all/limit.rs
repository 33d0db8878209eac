//! What happens at a limit: who gives back what for whom, and who does not.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use millpond::os::FakeOs;
use millpond::{Error, Options, Pool};
use millpond_tests::system::System;

fn pool(options: Options) -> Pool {
    Pool::new_on(options, FakeOs::leaked()).expect("a pool")
}

#[test]
fn a_root_takes_back_what_its_descendants_have_free() {
    let root = pool(Options::new().max_bytes(8 << 20));
    let child = pool(Options::new().parent(&root));
    let grandchild = pool(Options::new().parent(&child));
    drop((child.allocate(3 << 20), grandchild.allocate(3 << 20)));
    drop(root.allocate(7 << 20).expect("all of it is free"));
    drop((child.allocate(2 << 20), grandchild.allocate(2 << 20), root.allocate(2 << 20)));
    root.set_max_bytes(1 << 20).expect("all of it is free");
    assert_eq!(root.stats().committed, 0);
}

#[test]
fn a_limit_between_is_made_room_under_and_its_siblings_are_left_alone() {
    let root = pool(Options::new().max_bytes(64 << 20));
    let middle = pool(Options::new().parent(&root).max_bytes(8 << 20));
    let (one, two) = (pool(Options::new().parent(&middle)), pool(Options::new().parent(&middle)));
    let aside = pool(Options::new().parent(&root));
    drop((one.allocate(6 << 20), aside.allocate(6 << 20)));
    let kept = aside.stats().committed;
    drop(two.allocate(7 << 20).expect("what its sibling has is free"));
    assert_eq!((aside.stats().committed, one.stats().committed), (kept, 0));
}

/// A busy cache, a pool that is partly full, and a count of the calls that empty caches and give pages back.
fn part_full(limit: usize) -> (Pool, &'static System) {
    let os = System::take();
    let pool = Pool::new_on(Options::new().max_bytes(limit), os).expect("a pool");
    drop((0..100).map(|_| pool.allocate(1000).expect("room")).collect::<Vec<_>>());
    (pool, os)
}

#[test]
fn what_no_reclaim_can_serve_costs_none() {
    let (pool, os) = part_full(8 << 20);
    let held = pool.allocate(5 << 20).expect("room");
    let cached = pool.stats().cached_threads;
    assert!(cached > 0);
    os.refuse(usize::MAX, 0);
    for size in [9 << 20, 1 << 40, usize::MAX] {
        assert!(pool.allocate(size).is_err());
    }
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..10).for_each(|_| assert!(pool.allocate(5 << 20).is_err())));
        }
    });
    let stats = pool.stats();
    assert_eq!((os.calls(), stats.cached_threads, stats.failures), (0, cached, 83));
    // And what can be served that way is.
    drop(held);
    drop(pool.allocate(7 << 20).expect("all is free"));
    assert_eq!(pool.stats().cached_threads, 0);
}

#[test]
fn blocks_of_the_wanted_class_in_another_cache_are_found_in_a_pool_that_is_full() {
    let pool = pool(Options::new().max_bytes(64 << 10).arenas(2));
    let mut blocks: Vec<_> = std::iter::from_fn(|| pool.allocate(1000).ok()).collect();
    let (freed, all) = (Barrier::new(2), Barrier::new(2));
    let half = blocks.split_off(blocks.len() - 8);
    thread::scope(|scope| {
        let (pool, freed, all) = (&pool, &freed, &all);
        scope.spawn(move || {
            drop(half);
            freed.wait();
            all.wait();
        });
        freed.wait();
        let again = (0..8).map(|_| pool.allocate(1000)).collect::<Result<Vec<_>, _>>();
        assert_eq!(again.expect("what was freed elsewhere").len(), 8);
        all.wait();
    });
}

#[test]
fn a_wait_is_one_wait_and_its_end_one_failure() {
    let pool = pool(Options::new().max_bytes(4 << 20));
    let _held = pool.allocate(3 << 20).expect("room");
    assert!(pool.allocate_within(2 << 20, Duration::from_millis(30)).is_err());
    assert_eq!((pool.stats().waits, pool.stats().failures), (1, 1));
    assert!(pool.allocate_within(2 << 20, Duration::ZERO).is_err());
    assert!(pool.allocate_within(5 << 20, Duration::from_secs(600)).is_err(), "above the limit, so not waited for");
    assert_eq!((pool.stats().waits, pool.stats().failures), (1, 3));
}

#[test]
fn the_limit_that_refuses_is_known_whatever_its_name() {
    let root = pool(Options::new().max_bytes(8 << 20));
    let child = pool(Options::new().parent(&root).max_bytes(4 << 20));
    let _held = root.allocate(6 << 20).expect("room");
    let refused = |size| child.allocate(size).expect_err("no room");
    let (own, above) = (refused(5 << 20), refused(3 << 20));
    assert!(matches!(own, Error::LimitReached { level: 0, limit, .. } if limit == 4 << 20), "{own}");
    assert!(matches!(above, Error::LimitReached { level: 1, limit, .. } if limit == 8 << 20), "{above}");
    assert!(above.to_string().contains("the parent of the one asked"), "{above}");
    assert!(own.to_string().contains("more than the limit allows"), "{own}");
}

/// Four threads with at most one block each, four of which the limit allows: there is always room, or memory that is
/// free in somebody's cache or on its way back to the system.
#[test]
fn nobody_is_refused_while_there_is_room_for_all() {
    for size in [64 << 10, 2 << 20, 3 << 20] {
        let pool = pool(Options::new().max_bytes(4 * size));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let block = pool.allocate(size).expect("three others have one each");
                        thread::yield_now();
                        drop(block);
                    }
                });
            }
        });
        let stats = pool.stats();
        assert!(stats.failures == 0 && stats.peak_committed <= stats.limit, "{} of {size}", stats.peak_committed);
    }
}
