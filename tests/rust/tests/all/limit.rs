//! What happens at a limit: who gives back what for whom, and who does not.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use millpond::os::FakeOs;
use millpond::{Error, Options, PAGE, Pool, SizeClass};
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

/// Those who take and give back all the time, with plain allocations, each holding one block at most.
fn who_waits_is_served_beside_plain_allocations(pool: &Pool, plain: &[&Pool], wanted: usize) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for &pool in plain {
            let over = &over;
            scope.spawn(move || {
                let mut held = None;
                while !over.load(Ordering::Relaxed) {
                    // With another block in hand it gives the one before back: there is no instant without one, unless
                    // it is refused.
                    held = pool.allocate(2 << 20).ok();
                }
                drop(held);
            });
        }
        for _ in 0..10 {
            drop(pool.allocate_within(wanted, Duration::from_secs(600)).expect("the others may pass so often only"));
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_large_request_does_not_starve_beside_small_ones() {
    let pool = pool(Options::new().max_bytes(8 << 20));
    who_waits_is_served_beside_plain_allocations(&pool, &[&pool; 3], 7 << 20);
    assert!(pool.stats().peak_committed <= 8 << 20);
    pool.check_invariants().expect("sound");
}

#[test]
fn nor_does_it_beside_those_of_siblings_whatever_all_are_called() {
    let root = pool(Options::new().max_bytes(8 << 20));
    let children = [(); 3].map(|()| pool(Options::new().parent(&root)));
    let [one, two, three] = &children;
    who_waits_is_served_beside_plain_allocations(one, &[two, three, &root], 7 << 20);
    assert!(root.stats().peak_committed <= 8 << 20);
}

#[test]
fn small_requests_pass_a_large_one_so_often_then_it_is_kept_room_for() {
    let pool = pool(Options::new().max_bytes(8 << 20));
    let held = pool.allocate(6 << 20).expect("room");
    thread::scope(|scope| {
        let large = scope.spawn(|| pool.allocate_within(7 << 20, Duration::from_secs(600)).map(drop));
        while pool.stats().waits < 1 {
            thread::yield_now();
        }
        // Also one who would wait need not, as long as there is room and turns are left.
        pool.allocate_within(64, Duration::from_secs(600)).map(drop).expect("room");
        let passed = (1..).take_while(|_| pool.allocate(64).is_ok()).count();
        let refused = pool.allocate(64).expect_err("kept for who waits");
        assert!((62..=64).contains(&passed), "{passed} times");
        assert!(matches!(refused, Error::LimitReached { waiting: 1, .. }), "{refused}");
        assert!(refused.to_string().contains("1 who wait come first"), "{refused}");
        assert!(pool.allocate_within(64, Duration::from_millis(20)).is_err());
        drop(held);
        large.join().expect("no panic").expect("all is free");
    });
    drop(pool.allocate(64).expect("nobody waits"));
    // And caches are used again.
    (0..4).for_each(|_| drop(pool.allocate(64)));
    assert!(pool.stats().cached_threads > 0);
}

#[test]
fn while_somebody_waits_nothing_is_cached_and_each_release_is_seen() {
    let root = pool(Options::new().max_bytes(1 << 20));
    let child = pool(Options::new().parent(&root));
    let (one, two) = (root.allocate(100_000).expect("room"), child.allocate(100_000).expect("room"));
    drop((root.allocate(100_000), child.allocate(100_000)));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| child.allocate_within(1 << 20, Duration::from_secs(600)).map(drop));
        while child.stats().waits < 1 || root.stats().cached_threads + child.stats().cached_threads > 0 {
            thread::yield_now();
        }
        drop(one);
        assert_eq!((root.stats().cached_threads, root.stats().cached_depot), (0, 0));
        drop(two);
        waiting.join().expect("no panic").expect("all is free");
    });
}

#[test]
fn a_wait_ends_when_the_pool_is_closed_or_its_limit_changes() {
    let pool = pool(Options::new().max_bytes(8 << 20));
    let _held = pool.allocate(6 << 20).expect("room");
    thread::scope(|scope| {
        let wait = |size| {
            scope.spawn({
                let pool = &pool;
                move || pool.allocate_within(size, Duration::from_secs(600)).map(drop)
            })
        };
        let until = |count| {
            while pool.stats().waits < count {
                thread::yield_now();
            }
        };
        let (never, soon) = (wait(8 << 20), wait(7 << 20));
        until(2);
        pool.set_max_bytes(7 << 20).expect("what is out fits");
        assert!(never.join().expect("no panic").is_err(), "above the limit now");
        pool.set_max_bytes(13 << 20).expect("more is fine");
        soon.join().expect("no panic").expect("below it");
        let closed = wait(10 << 20);
        until(3);
        pool.close();
        assert!(matches!(closed.join().expect("no panic"), Err(Error::Closed { .. })));
    });
}

/// Many wait for the same, on several threads and in several pools, and all take and give back: nobody is left waiting.
#[test]
fn all_who_wait_are_served() {
    let root = pool(Options::new().max_bytes(1 << 20));
    let child = pool(Options::new().parent(&root).max_bytes(512 << 10));
    thread::scope(|scope| {
        for index in 0..8 {
            let pool = if index % 2 == 0 { &root } else { &child };
            scope.spawn(move || {
                for round in 0..100 {
                    let size = 30_000 * (1 + (index + round) % 8);
                    let block = pool.allocate_within(size, Duration::from_secs(600)).expect("others give back");
                    thread::yield_now();
                    drop(block);
                }
            });
        }
    });
    assert_eq!((root.stats().failures, child.stats().failures), (0, 0));
    root.check_invariants().expect("sound");
}

#[test]
fn free_blocks_of_another_arena_are_found_at_the_limit() {
    let pool = pool(Options::new().max_bytes(64 << 10).arenas(2).thread_cache_bytes(0).depot_bytes(0));
    let mut blocks: Vec<_> = std::iter::from_fn(|| pool.allocate(1000).ok()).collect();
    // Its slab stays in use, so that giving back what is free does not help.
    drop(blocks.swap_remove(3));
    thread::scope(|scope| {
        let other = scope.spawn(|| pool.allocate(1000).map(drop));
        other.join().expect("no panic").expect("the block that is free in the first thread's arena");
    });
}

#[test]
fn all_that_is_free_goes_back_however_scattered() {
    const SMALL: usize = 64;
    let pool = pool(Options::new().arenas(1).thread_cache_bytes(0).depot_bytes(0));
    let mut blocks: Vec<_> = (0..400 * PAGE / SMALL).map(|_| pool.allocate(SMALL).expect("room")).collect();
    // Every other page of a chunk: two hundred runs.
    blocks.retain(|block| (block.as_ptr() as usize / PAGE).is_multiple_of(2));
    let kept = blocks.len() * SMALL;
    pool.trim();
    assert_eq!(pool.stats().committed as usize, kept);
}

#[test]
fn the_limit_is_hard_names_itself_and_is_recoverable() {
    let pool = pool(Options::new().name("small").max_bytes(8 << 20));
    let mut blocks = Vec::new();
    let refused = loop {
        match pool.allocate(100_000) {
            Ok(block) => blocks.push(block),
            Err(error) => break error,
        }
    };
    assert!(matches!(&refused, Error::LimitReached { pool, limit, .. } if pool == "small" && *limit == 8 << 20));
    assert!(refused.to_string().contains("'small'") && refused.to_string().contains("8388608"), "{refused}");
    assert!(blocks.len() > 70, "{} blocks of 100 kB in 8 MiB", blocks.len());
    assert!(matches!(pool.allocate(usize::MAX), Err(Error::OutOfMemory { .. } | Error::LimitReached { .. })));
    // What other sizes left in caches is given back before a request is refused.
    blocks.clear();
    drop(pool.allocate(7 << 20).expect("everything is free again"));
    assert!(pool.stats().failures >= 2);
    pool.check_invariants().expect("sound");
}

#[test]
fn what_a_child_commits_its_parent_commits() {
    let parent = pool(Options::new().name("parent").max_bytes(4 << 20));
    let child = pool(Options::new().name("child").parent(&parent));
    let block = child.allocate(3 << 20).expect("room");
    assert_eq!(parent.stats().committed, child.stats().committed);
    let refused = child.allocate(2 << 20).expect_err("no room in the parent");
    assert!(matches!(refused, Error::LimitReached { pool, .. } if pool == "parent"));
    drop(block);
    drop(child);
    assert_eq!(parent.stats().committed, 0);
}

#[test]
fn free_memory_of_a_sibling_makes_room() {
    let parent = pool(Options::new().name("parent").max_bytes(8 << 20));
    let (one, two) = (pool(Options::new().parent(&parent)), pool(Options::new().parent(&parent)));
    drop(one.allocate(6 << 20).expect("room"));
    drop((0..100).map(|_| one.allocate(10_000).expect("room")).collect::<Vec<_>>());
    assert!(parent.stats().committed > 6 << 20);
    drop(two.allocate(7 << 20).expect("what the sibling keeps is free"));
}

#[test]
fn who_waits_gets_what_is_released() {
    let pool = pool(Options::new().max_bytes(4 << 20));
    let held = pool.allocate(3 << 20).expect("room");
    let timeout = Duration::from_millis(3);
    assert!(matches!(pool.allocate_within(2 << 20, timeout), Err(Error::LimitReached { .. })));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| pool.allocate_within(2 << 20, Duration::from_secs(60)).map(|block| block.len()));
        while pool.stats().waits < 2 {
            thread::yield_now();
        }
        drop(held);
        assert_eq!(waiting.join().expect("no panic"), Ok(2 << 20));
    });
    let class = SizeClass::of(100).expect("a class");
    let mut blocks = [0; 4];
    assert_eq!(pool.take_within(class, &mut blocks, timeout), Ok(4));
    // SAFETY: nobody uses them.
    assert_eq!(unsafe { pool.give(class, &blocks) }, 0);
}

#[test]
fn the_limit_can_be_changed_but_not_below_what_is_out() {
    let pool = pool(Options::new().max_bytes(4 << 20));
    assert!(pool.allocate(5 << 20).is_err());
    pool.set_max_bytes(16 << 20).expect("more is fine");
    let block = pool.allocate(5 << 20).expect("room");
    drop(pool.allocate(5 << 20).expect("room"));
    pool.set_max_bytes(6 << 20).expect("what is free is given back");
    let refused = pool.set_max_bytes(4 << 20).expect_err("the block needs more").to_string();
    assert!(refused.contains("4194304") && refused.contains("5242880"), "{refused}");
    assert_eq!((pool.stats().limit, pool.stats().committed), (6 << 20, 5 << 20));
    drop(block);
}
