//! What the public face promises.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use millpond::os::{self, Errno, FakeOs, Os};
use millpond::{BadFree, CHUNK, Error, GRANULE, LARGEST, Options, PAGE, Pool, Report, SizeClass};

fn pool(options: Options) -> Pool {
    Pool::new_on(options, FakeOs::leaked()).expect("a pool")
}

#[test]
fn blocks_have_the_size_asked_for_and_do_not_overlap() {
    let pool = pool(Options::new());
    let sizes = [0, 1, 63, 64, 65, 1000, 4096, 10_000, 65_536, 100_000, 1 << 20, LARGEST, LARGEST + 1, 9 << 20];
    let mut blocks: Vec<_> = sizes.iter().map(|&size| pool.allocate(size).expect("a block")).collect();
    for (index, block) in blocks.iter_mut().enumerate() {
        assert_eq!((block.len(), block.as_ptr() as usize % GRANULE), (sizes[index], 0));
        block.fill(index as u8);
    }
    for (index, block) in blocks.iter().enumerate() {
        assert!(block.iter().all(|&byte| byte == index as u8));
    }
    pool.check_invariants().expect("sound");
    drop(blocks);
    assert_eq!(pool.stats().used, 0);
    pool.trim();
    assert_eq!((pool.stats().committed, pool.stats().dirty), (0, 0));
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
fn closing_refuses_and_the_last_release_frees() {
    let pool = pool(Options::new().name("done"));
    let (small, large, huge) = (pool.allocate(100), pool.allocate(1 << 20), pool.allocate(5 << 20));
    drop(pool.allocate(5000));
    let left = pool.close();
    assert_eq!(left as u64, pool.stats().used);
    assert!(left > (6 << 20));
    let refused = pool.allocate(100).expect_err("closed");
    assert_eq!(refused, Error::Closed { pool: "done".into() });
    assert_eq!(pool.allocate(5 << 20).expect_err("closed"), refused);
    assert_eq!(pool.stats().cached_threads, 0);
    let mut small = small.expect("a block");
    small.fill(7);
    for block in [small, large.expect("a block"), huge.expect("a block")] {
        drop(block);
    }
    assert_eq!((pool.stats().used, pool.stats().committed), (0, 0));
    pool.check_invariants().expect("sound");
}

#[test]
fn dropping_a_pool_unmaps_all_even_with_caches_elsewhere() {
    let os = FakeOs::leaked();
    let pool = Pool::new_on(Options::new(), os).expect("a pool");
    let (other, (ready, go)) = (pool.clone(), (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>()));
    let thread = thread::spawn(move || {
        drop(other.allocate(100));
        drop(other);
        ready.0.send(()).expect("somebody waits");
        go.1.recv().expect("somebody sends");
    });
    ready.1.recv().expect("the thread sends");
    drop(pool.allocate(100));
    drop(pool);
    assert_eq!(os.mapped_bytes(), 0);
    go.0.send(()).expect("the thread waits");
    thread.join().expect("no panic");
}

#[test]
fn ticks_give_everything_back_in_shares() {
    let pool = pool(Options::new().decay(Duration::from_millis(1000)));
    let blocks: Vec<_> = (0..2000).map(|_| pool.allocate(30_000).expect("a block")).collect();
    let peak = pool.stats().committed;
    let at = |millis| {
        pool.tick(Duration::from_millis(millis));
        pool.stats().committed
    };
    assert_eq!(at(0), peak);
    drop(blocks);
    let mut committed: Vec<_> = (1..=40).map(|tick| at(tick * 100)).collect();
    assert!(committed.is_sorted_by(|a, b| a >= b));
    assert_eq!(committed.last(), Some(&0), "{committed:?}");
    committed.dedup();
    assert!(committed.len() > 5, "not in one stroke: {committed:?}");
    pool.check_invariants().expect("sound");
}

#[test]
fn idle_threads_lose_their_caches_and_busy_ones_do_not() {
    let pool = pool(Options::new().decay(Duration::from_millis(100)));
    let (done, wait) = std::sync::mpsc::channel::<()>();
    thread::scope(|scope| {
        let (ready, is_ready) = std::sync::mpsc::channel();
        let pool = &pool;
        scope.spawn(move || {
            drop(pool.allocate(1000));
            ready.send(()).expect("somebody waits");
            wait.recv().expect("somebody sends");
        });
        is_ready.recv().expect("the thread sends");
        let cached = |millis| {
            drop(pool.allocate(64));
            pool.tick(Duration::from_millis(millis));
            pool.stats().classes.map(|class| class.cached)
        };
        let (idle, busy) = (SizeClass::of(1000).expect("a class").index(), 0);
        let before = cached(0);
        assert!(before[idle] > 0 && before[busy] > 0);
        (1..5).for_each(|tick| assert!(cached(tick * 40)[busy] > 0));
        let after = cached(200);
        assert_eq!(after[idle], 0);
        assert!(after[busy] > 0);
        done.send(()).expect("the thread waits");
    });
}

#[test]
fn chunks_are_reused_fullest_first_and_give_back_their_memory() {
    let pool = pool(Options::new().arenas(1).thread_cache_bytes(0).depot_bytes(0));
    let mut blocks: Vec<_> = (0..64).map(|_| pool.allocate(256 * 1024).expect("a block")).collect();
    assert_eq!(pool.stats().chunk_lists, [0, 0, 0, 0, 0, 4]);
    let chunk = |block: &millpond::Block<'_>| block.as_ptr() as usize / CHUNK;
    let full = chunk(&blocks[0]);
    // Ten of sixteen blocks stay in the first chunk, one in another, none in the others.
    let (mut ten, mut one) = (10i32, 1i32);
    blocks.retain(|block| {
        let left = if chunk(block) == full { &mut ten } else { &mut one };
        *left -= 1;
        *left >= 0
    });
    let next = pool.allocate(256 * 1024).expect("a block");
    assert_eq!(chunk(&next), full, "the fuller chunk is asked first");
    pool.trim();
    assert_eq!(pool.stats().committed, (blocks.len() as u64 + 1) * 256 * 1024);
    assert_eq!(pool.stats().reserved, 4 * CHUNK as u64, "addresses stay");
}

#[test]
fn what_goes_back_is_whole_pages_of_the_system_and_nothing_beside_them() {
    for kibibytes in [4, 16, 64] {
        let os = FakeOs::leaked();
        os.set_page_size(kibibytes << 10);
        let options = Options::new().arenas(1).thread_cache_bytes(0).depot_bytes(0);
        let pool = Pool::new_on(options, os).expect("a pool");
        // Five pages of ours each, so that they begin and end everywhere in a page of the system.
        let mut blocks: Vec<_> = (0..300).map(|_| pool.allocate(40 << 10).expect("a block")).collect();
        blocks.iter_mut().for_each(|block| block.fill(0xab));
        let mut position = 0;
        blocks.retain(|_| {
            position += 1;
            position % 3 == 0
        });
        let given_back = pool.trim();
        assert!(given_back > 0 && given_back.is_multiple_of(kibibytes << 10));
        assert_eq!(os.purged_bytes(), given_back, "nothing beside it");
        let untouched = blocks.iter().filter(|block| block.iter().all(|&byte| byte == 0xab)).count();
        assert_eq!(untouched, 100, "live blocks on pages of {kibibytes} KiB");
        pool.check_invariants().expect("sound");
        drop(blocks);
        pool.trim();
        assert_eq!((pool.stats().committed, pool.stats().dirty), (0, 0));
    }
}

#[test]
fn what_the_system_does_not_take_back_stays_committed_is_told_once_and_tried_again() {
    let os = FakeOs::leaked();
    let options = Options::new().decay(Duration::from_millis(100)).keep_addresses(true);
    let pool = Pool::new_on(options, os).expect("a pool");
    pool.tick(Duration::ZERO);
    drop((pool.allocate(1 << 20), pool.allocate(5 << 20)));
    let committed = pool.stats().committed;
    os.fail(1, usize::MAX);
    assert_eq!(pool.trim(), 0);
    let stats = pool.stats();
    assert_eq!((stats.committed, stats.dirty + stats.cached_huge), (committed, committed));
    assert_eq!((stats.purge_failures, os.calls()), (2, 2), "the run and the huge block");
    assert!(pool.has_reports());
    let reports = pool.reports();
    assert!(matches!(reports[..], [Report::PurgeRefused { errno: 12 }]), "{reports:?}");
    pool.tick(Duration::from_millis(10));
    assert_eq!(os.calls(), 2, "not again at once");
    pool.tick(Duration::from_millis(200));
    assert_eq!((os.calls(), pool.stats().purge_failures, pool.has_reports()), (4, 4, false));
    pool.check_invariants().expect("sound");
    os.heal();
    pool.tick(Duration::from_millis(400));
    assert_eq!((pool.stats().committed, pool.stats().purge_failures), (0, 4));
}

#[test]
fn that_the_system_refuses_does_not_look_like_the_limit() {
    let os = FakeOs::leaked();
    let pool = Pool::new_on(Options::new().max_bytes(64 << 20).arenas(2), os).expect("a pool");
    os.fail(1, usize::MAX);
    for size in [100, 100_000, 5 << 20] {
        let refused = pool.allocate(size).expect_err("no memory");
        assert!(matches!(refused, Error::OutOfMemory { errno: 12, .. }), "{refused}");
        let words = refused.to_string();
        assert!(
            ["ulimit -v", "vm.max_map_count", "container"].iter().all(|where_to| words.contains(where_to)),
            "{words}"
        );
    }
    assert_eq!(pool.stats().committed, 0);
    os.heal();
    drop(pool.allocate(100).expect("memory"));
}

#[test]
fn what_is_known_of_a_chunk_goes_back_with_it() {
    let os = FakeOs::leaked();
    let pool = Pool::new_on(Options::new(), os).expect("a pool");
    let blocks: Vec<_> = (0..100_000).map(|_| pool.allocate(200).expect("a block")).collect();
    let stats = pool.stats();
    assert_eq!(os.mapped_bytes() as u64, stats.reserved + stats.metadata);
    drop(blocks);
    let given_back = pool.trim();
    let kept = stats.chunks as usize * (88 << 10) - (os.purged_bytes() - given_back);
    assert!(kept <= stats.chunks as usize * (12 << 10), "{kept} bytes stay of {} chunks", stats.chunks);
    assert_eq!(pool.trim(), 0);
    drop(pool.allocate(200).expect("a block"));
    pool.check_invariants().expect("sound");
}

#[test]
fn a_system_whose_pages_are_too_large_is_refused() {
    let os = FakeOs::leaked();
    os.set_page_size(128 << 10);
    let refused = Pool::new_on(Options::new(), os).expect_err("no pool");
    assert!(matches!(&refused, Error::Unsupported { reason } if reason.contains("131072")), "{refused}");
}

#[test]
fn addresses_that_are_kept_serve_blocks_that_grow() {
    for apart in [false, true] {
        let os = FakeOs::leaked();
        if apart {
            os.keep_apart();
        }
        let pool = Pool::new_on(Options::new().keep_addresses(true), os).expect("a pool");
        let mut most = 0;
        let mut grown = pool.allocate(3 << 20).expect("a block");
        for step in 1..400 {
            let mut next = pool.allocate((3 << 20) + step * (64 << 10)).expect("a block");
            next[..3].copy_from_slice(b"new");
            most = most.max(pool.stats().huge_live_bytes);
            grown = next;
            pool.trim();
            pool.check_invariants().expect("sound");
        }
        let reserved = pool.stats().reserved;
        // Four times is what a rule that knows nothing of the future comes to where nothing lies side by side.
        assert!(reserved <= 4 * most, "{reserved} bytes of addresses for {most}, apart: {apart}");
        drop(grown);
        pool.trim();
        assert_eq!((pool.stats().committed, pool.stats().reserved), (0, reserved), "addresses stay");
        drop(pool);
        assert_eq!(os.mapped_bytes(), 0);
    }
}

#[test]
fn arenas_with_much_to_give_back_do_it_at_the_same_time() {
    let os = FakeOs::leaked();
    let options = Options::new().arenas(3).thread_cache_bytes(0).depot_bytes(0);
    let pool = Pool::new_on(options, os).expect("a pool");
    const COUNT: usize = 80;
    let allocate = || (0..COUNT).map(|_| pool.allocate(1 << 20).expect("a block").into_address()).collect::<Vec<_>>();
    let allocated = Barrier::new(3);
    let blocks: Vec<usize> = thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let blocks = allocate();
                    // Together, so that each has an arena of its own.
                    allocated.wait();
                    blocks
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    for address in blocks {
        // SAFETY: it is live, and nobody has it but this.
        unsafe { pool.free(address) }.expect("a live block");
    }
    let free = pool.stats().committed as usize;
    assert!(free >= 3 * (COUNT << 20));
    // Whose first call is the first is refused, and keeps the chunk for the next time.
    os.fail(1, 1);
    let first = pool.trim();
    os.heal();
    assert!(first < free, "nothing was refused");
    assert_eq!(first + pool.trim(), free);
    assert_eq!(pool.stats().committed, 0);
    pool.check_invariants().expect("sound");
}

#[test]
fn options_out_of_range_are_named() {
    let cases = [
        (Options::new().name(""), "name"),
        (Options::new().max_bytes(PAGE - 1), "max_bytes"),
        (Options::new().decay(Duration::from_secs(3601)), "decay"),
        (Options::new().thread_cache_bytes(65 << 20), "thread_cache_bytes"),
        (Options::new().arenas(65), "arenas"),
    ];
    for (options, name) in cases {
        let error = Pool::new(options).expect_err(name);
        assert!(matches!(error, Error::InvalidOption { option, .. } if option == name), "{error}");
    }
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
fn bad_frees_are_reported_and_harm_nothing() {
    let pool = pool(Options::new().thread_cache_bytes(0));
    let address = pool.allocate(1000).expect("a block").into_address();
    let class = SizeClass::of(1000).expect("a class");
    let other = SizeClass::of(64).expect("a class");
    let local = 0u64;
    let foreign = &raw const local as usize;
    // SAFETY: the pool refuses all but the first address of the last call.
    unsafe {
        assert_eq!(pool.give(other, &[address]), 1);
        assert_eq!(pool.give(class, &[address + 64]), 1);
        assert!(matches!(pool.free(foreign), Err(Error::BadFree { reason: BadFree::Foreign, .. })));
        assert_eq!(pool.give(class, &[address, address, foreign]), 2);
    }
    let reasons: Vec<_> = pool
        .reports()
        .into_iter()
        .map(|report| match report {
            Report::BadFree { reason, chunk, .. } => {
                assert_eq!(chunk.is_none(), reason == BadFree::Foreign);
                reason
            }
            other => panic!("{other}"),
        })
        .collect();
    let interior = BadFree::Interior { block: address, size: class.size() };
    let expected =
        [BadFree::WrongClass { size: class.size() }, interior, BadFree::Foreign, BadFree::Double, BadFree::Foreign];
    assert_eq!(reasons, expected);
    assert_eq!((pool.stats().bad_frees, pool.stats().used), (5, 0));
    assert!(pool.reports().is_empty());
    pool.check_invariants().expect("sound");
}

/// A pool whose caches have room.
fn warm_pool(options: Options) -> Pool {
    let pool = pool(options);
    for size in [100, 1000, 4096, 100_000] {
        drop((0..40).map(|_| pool.allocate(size).expect("a block")).collect::<Vec<_>>());
    }
    pool
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> BadFree {
    match result {
        Err(Error::BadFree { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

/// Frees by address, which the pool must refuse if the block is not live.
fn free(pool: &Pool, address: usize) -> Result<(), Error> {
    // SAFETY: the tests use no block that they freed.
    unsafe { pool.free(address) }
}

/// As [`free`], with a size.
fn free_sized(pool: &Pool, address: usize, size: usize) -> Result<(), Error> {
    // SAFETY: as above.
    unsafe { pool.free_sized(address, size) }
}

#[test]
fn a_block_freed_by_its_address_cannot_be_freed_again_wherever_it_is() {
    for size in [100, 100_000] {
        let pool = warm_pool(Options::new());
        let class = SizeClass::of(size).expect("a class");
        let address = pool.allocate(size).expect("a block").into_address();
        free(&pool, address).expect("live");
        assert!(pool.stats().classes[class.index()].cached > 0);
        assert_eq!(pool.usable_size(address), None);
        pool.check_invariants().expect("sound");
        thread::scope(|scope| {
            assert_eq!(refused(free(&pool, address)), BadFree::Double, "in this thread's cache");
            let elsewhere = scope.spawn(|| refused(free(&pool, address)));
            assert_eq!(elsewhere.join().expect("no panic"), BadFree::Double, "in another thread's");
        });
        let again = [(); 2].map(|()| pool.allocate(size).expect("a block").into_address());
        assert_eq!((again[0], again[1] == address), (address, false), "once, and like any other");
        again.iter().for_each(|&address| free(&pool, address).expect("live"));
        let mut taken = [0; 3];
        let count = pool.take(class, &mut taken).expect("blocks");
        taken[..count].iter().for_each(|&address| free(&pool, address).expect("handed out in a batch"));
        // More than the cache holds: some reach the depot.
        let many: Vec<_> = (0..2000).map(|_| pool.allocate(size).expect("a block").into_address()).collect();
        many.iter().for_each(|&address| free(&pool, address).expect("live"));
        let refuse = |&address: &usize| matches!(refused(free(&pool, address)), BadFree::Double | BadFree::NoBlock);
        assert!(many.iter().all(refuse), "in the cache, the depot or an arena");
        pool.check_invariants().expect("sound");
        pool.trim();
        assert!(many.iter().all(refuse));
        assert_eq!((pool.stats().used, pool.stats().committed, pool.stats().bad_frees), (0, 0, 2 + 4000));
        pool.check_invariants().expect("sound");
    }
}

#[test]
fn what_a_cache_fetched_and_nobody_had_cannot_be_freed() {
    const SIZE: usize = 4096;
    let pool = pool(Options::new());
    let take = |count: usize| -> BTreeSet<usize> {
        (0..count).map(|_| pool.allocate(SIZE).expect("a block").into_address()).collect()
    };
    // The second time, what the cache fetches comes from the depot and was freed once already.
    for round in 0..2 {
        let out = take(300);
        let fetched: Vec<_> = out.iter().map(|block| block + SIZE).filter(|next| !out.contains(next)).collect();
        for &next in &fetched {
            refused(free(&pool, next));
        }
        let more = take(300);
        assert!(more.is_disjoint(&out), "round {round}: a block was handed out twice");
        assert!(fetched.iter().any(|next| more.contains(next)), "round {round}: nothing was in the cache");
        for &block in out.iter().chain(&more) {
            free(&pool, block).expect("a live block");
        }
        assert!(pool.stats().cached_depot > 0);
    }
}

#[test]
fn of_two_that_free_the_same_block_one_is_refused() {
    let pool = warm_pool(Options::new());
    let start = Barrier::new(2);
    for _ in 0..500 {
        let address = pool.allocate(1000).expect("a block").into_address();
        let freed = thread::scope(|scope| {
            let race = || {
                start.wait();
                free(&pool, address).is_ok()
            };
            let other = scope.spawn(race);
            (race(), other.join().expect("no panic"))
        });
        assert!(freed.0 != freed.1);
    }
    assert_eq!((pool.stats().used, pool.stats().bad_frees), (0, 500));
    pool.trim();
    pool.check_invariants().expect("sound");
}

#[test]
fn what_is_no_block_of_that_size_is_refused_at_once_and_never_handed_out() {
    let pool = warm_pool(Options::new());
    let small = pool.allocate(100).expect("a block");
    let (run, huge) = (pool.allocate(100_000).expect("a block"), pool.allocate(5 << 20).expect("a block"));
    let [small_at, run_at, huge_at] = [&small, &run, &huge].map(|block| block.as_ptr() as usize);
    let local = [0u64; 16];
    let foreign = local.as_ptr() as usize;
    let wrong = |size| BadFree::WrongClass { size };
    let cases = [
        (small_at, 4096, wrong(128)),
        (small_at, 100_000, wrong(128)),
        (small_at, 5 << 20, wrong(128)),
        (run_at, 1000, wrong(106_496)),
        (huge_at, 1000, wrong(5 << 20)),
        (small_at + 64, 100, BadFree::Interior { block: small_at, size: 128 }),
        (small_at + 1, 100, BadFree::Interior { block: small_at, size: 128 }),
        (run_at + PAGE, 100_000, BadFree::Interior { block: run_at, size: 106_496 }),
        (huge_at + PAGE, 5 << 20, BadFree::Interior { block: huge_at, size: 5 << 20 }),
        (foreign, 4096, BadFree::Foreign),
        (0, 100, BadFree::Foreign),
        (usize::MAX - 63, 100, BadFree::Foreign),
    ];
    for (address, size, reason) in cases {
        assert_eq!(refused(free_sized(&pool, address, size)), reason, "{size} at {address:#x}");
    }
    // SAFETY: the pool refuses all of them.
    unsafe {
        assert_eq!(refused(pool.give_huge(small_at)), wrong(128));
        assert_eq!(pool.give(SizeClass::of(100).expect("a class"), &[small_at | 1, foreign | 1]), 2);
        assert_eq!(pool.give_shared(SizeClass::of(100).expect("a class"), &[small_at | 1]), 1);
    }
    assert_eq!(pool.stats().bad_frees as usize, cases.len() + 4);
    let live = [small_at, run_at, huge_at, foreign];
    for size in [100, 1000, 4096, 100_000] {
        let blocks: Vec<_> = (0..200).map(|_| pool.allocate(size).expect("a block")).collect();
        assert!(blocks.iter().all(|block| !live.contains(&(block.as_ptr() as usize))), "{size}");
    }
    drop((small, run, huge));
    assert_eq!(pool.stats().used, 0);
    pool.trim();
    pool.check_invariants().expect("sound");
}

#[test]
fn a_second_sized_release_is_noticed_when_the_block_leaves_the_cache() {
    let pool = warm_pool(Options::new());
    let address = pool.allocate(1000).expect("a block").into_address();
    free_sized(&pool, address, 1000).expect("live");
    free_sized(&pool, address, 1000).expect("not noticed yet");
    pool.trim();
    assert!(matches!(pool.reports()[..], [Report::BadFree { reason: BadFree::Double, .. }]));
    assert_eq!((pool.stats().used, pool.stats().bad_frees), (0, 1));
    pool.check_invariants().expect("sound");
}

#[test]
fn what_a_tick_took_out_of_the_cache_is_not_believed_any_more() {
    const SIZE: usize = 100_000;
    let (pool, mut now) = (pool(Options::new().arenas(1)), Duration::ZERO);
    // With one more, the cache would have fetched another one, to lie below these.
    let blocks = [(); 3].map(|()| pool.allocate(SIZE).expect("a block").into_address());
    blocks.iter().for_each(|&block| free_sized(&pool, block, SIZE).expect("live"));
    for _ in 0..40 {
        pool.tick(now);
        now += Duration::from_millis(100);
    }
    assert_eq!(pool.stats().committed, 0);
    // Their pages are another block's now, and the cache has room again.
    let (other, small) = (pool.allocate(LARGEST).expect("a block"), pool.allocate(SIZE).expect("a block"));
    let range = other.as_ptr() as usize..other.as_ptr() as usize + other.len();
    assert!(range.contains(&blocks[0]));
    refused(free_sized(&pool, blocks[0], SIZE));
    let next = pool.allocate(SIZE).expect("a block");
    assert!(!range.contains(&(next.as_ptr() as usize)));
    drop((other, small, next));
    pool.check_invariants().expect("sound");
}

#[test]
fn checked_mode_knows_what_was_asked_for() {
    let pool = pool(Options::new().checked(true));
    for size in [100, 5000, LARGEST, 3 << 20] {
        let block = pool.allocate(size).expect("a block");
        let address = block.as_ptr() as usize;
        assert_eq!((block.usable_size(), pool.usable_size(address)), (size, Some(size)));
        let address = block.into_address();
        for wrong in [64, size + 1, 4 << 20] {
            assert_eq!(refused(free_sized(&pool, address, wrong)), BadFree::WrongClass { size });
        }
        pool.check_invariants().expect("sound");
        free_sized(&pool, address, size).expect("live");
        assert!(free_sized(&pool, address, size).is_err() && free(&pool, address).is_err());
        assert_eq!((pool.stats().used, pool.usable_size(address)), (0, None));
    }
    assert_eq!((pool.stats().bad_frees, pool.reports().len()), (4 * 5, 4 * 5));
    pool.trim();
    assert_eq!(pool.stats().committed, 0);
    pool.check_invariants().expect("sound");
}

#[test]
fn checked_mode_keeps_watching_what_is_given_back_in_a_wrong_way() {
    let pool = pool(Options::new().checked(true));
    let mut block = pool.allocate(100).expect("a block");
    let address = block.as_mut_ptr();
    // SAFETY: the pool refuses these; the byte that is written is the block's own, and should be found.
    unsafe {
        assert_eq!(refused(pool.give_huge(address as usize)), BadFree::WrongClass { size: 128 });
        assert_eq!(pool.give(SizeClass::of(1000).expect("a class"), &[address as usize]), 1);
        address.add(105).write(1);
    }
    drop(block);
    assert!(matches!(pool.reports()[..], [Report::BadFree { .. }, Report::BadFree { .. }, Report::Overrun { .. }]));
    let block = pool.allocate(100).expect("a block").into_address();
    // SAFETY: nobody uses it.
    assert_eq!(unsafe { pool.give(SizeClass::of(128).expect("a class"), &[block]) }, 0);
    assert!(pool.stats().quarantined >= 256, "in a batch as well");
    pool.trim();
    assert_eq!((pool.stats().used, pool.stats().committed), (0, 0));
    pool.check_invariants().expect("sound");
}

#[test]
fn checked_mode_finds_overruns_and_writes_after_release() {
    let pool = pool(Options::new().checked(true).quarantine_bytes(10_000));
    for size in [100, 5000, 3 << 20] {
        let mut block = pool.allocate(size).expect("a block");
        let address = block.as_mut_ptr();
        // SAFETY: the redzone is part of the block; that it was written to is what should be found.
        unsafe { address.add(size + 3).write(1) };
        drop(block);
        let overrun = Report::Overrun { address: address as usize, size, offset: size + 3 };
        assert_eq!(pool.reports(), [overrun]);
    }
    let stale = pool.allocate(700).expect("a block").into_address();
    // SAFETY: the block is live; afterwards it is in quarantine, where nobody else has it.
    unsafe {
        pool.free(stale).expect("a live block");
        assert!(matches!(pool.free(stale), Err(Error::BadFree { reason: BadFree::Double, .. })));
        (stale as *mut u8).add(9).write(1);
    }
    assert_eq!(pool.reports().len(), 1);
    // SAFETY: the pool refuses it.
    let refused = unsafe { pool.free_sized(stale, 700) };
    assert!(matches!(refused, Err(Error::BadFree { reason: BadFree::Double, .. })));
    assert!(matches!(pool.reports()[..], [Report::BadFree { reason: BadFree::Double, .. }]));
    let again: Vec<_> = (0..12).map(|_| pool.allocate(700).expect("a block")).collect();
    assert!(again.iter().all(|block| block.as_ptr() as usize != stale), "a block came round before its quarantine");
    pool.check_invariants().expect("sound");
    drop(again);
    drop(pool.allocate(9000));
    assert_eq!(pool.reports(), [Report::WriteAfterFree { address: stale, size: 700, offset: 9 }]);
    let stats = pool.stats();
    assert_eq!((stats.violations, stats.used), (4, 0));
    assert!(stats.quarantined > 0 && stats.quarantined <= 10_000);
    pool.trim();
    assert_eq!((pool.stats().committed, pool.stats().quarantined), (0, 0));
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

/// The host, which can be told to hold up a mapping until other threads' caches were emptied: there is one barrier when the
/// pool is made, and one when a close shuts their gates.
#[derive(Debug, Default)]
struct SlowMap {
    is_armed: AtomicBool,
    is_waiting: AtomicBool,
    barriers: AtomicUsize,
}

// SAFETY: all calls are those of the real system.
unsafe impl Os for SlowMap {
    fn page_size(&self) -> usize {
        os::host().page_size()
    }

    fn map(&self, bytes: usize, align: usize, name: &str) -> Result<usize, Errno> {
        if self.is_armed.swap(false, Ordering::SeqCst) {
            self.is_waiting.store(true, Ordering::SeqCst);
            while self.barriers.load(Ordering::SeqCst) < 2 {
                thread::yield_now();
            }
        }
        os::host().map(bytes, align, name)
    }

    unsafe fn unmap(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise is the same.
        unsafe { os::host().unmap(address, bytes) }
    }

    unsafe fn purge(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise is the same.
        unsafe { os::host().purge(address, bytes) }
    }

    fn huge_pages(&self, address: usize, bytes: usize, on: bool) {
        os::host().huge_pages(address, bytes, on);
    }

    fn membarrier(&self) -> bool {
        let done = os::host().membarrier();
        self.barriers.fetch_add(1, Ordering::SeqCst);
        done
    }
}

#[test]
fn closing_during_an_allocation_leaves_nothing_in_the_cache() {
    let os: &SlowMap = Box::leak(Box::default());
    let pool = Pool::new_on(Options::new().arenas(1), os).expect("a pool");
    // Many enough that the cache fetches eight at a time, and that the chunk is nearly full.
    let mut blocks: Vec<_> = (0..40).map(|_| pool.allocate(64 * 1024).expect("a block")).collect();
    thread::scope(|scope| {
        let closing = &pool;
        scope.spawn(move || {
            while !os.is_waiting.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            closing.close();
        });
        os.is_armed.store(true, Ordering::SeqCst);
        while let Ok(block) = pool.allocate(64 * 1024) {
            blocks.push(block);
        }
    });
    let stats = pool.stats();
    assert_eq!((stats.cached_threads, stats.live_blocks), (0, blocks.len() as u64));
    drop(blocks);
    assert_eq!((pool.stats().used, pool.stats().committed), (0, 0));
}

const HUGE: usize = 8 << 20;

/// Somebody takes a huge block while another one is being unmapped, and gets the same addresses: a kernel may do that as
/// soon as they are free.
#[derive(Debug, Default)]
struct QuickReuse {
    pool: OnceLock<Pool>,
    unmapped: AtomicUsize,
}

// SAFETY: all calls are those of the real system; what is unmapped stays mapped for the one who gets it next, as zeroes.
unsafe impl Os for QuickReuse {
    fn page_size(&self) -> usize {
        os::host().page_size()
    }

    fn map(&self, bytes: usize, align: usize, name: &str) -> Result<usize, Errno> {
        match self.unmapped.swap(0, Ordering::SeqCst) {
            0 => os::host().map(bytes, align, name),
            address => Ok(address),
        }
    }

    unsafe fn unmap(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        assert_eq!(bytes, HUGE);
        // SAFETY: the caller's promise is the same.
        unsafe { os::host().purge(address, bytes)? };
        self.unmapped.store(address, Ordering::SeqCst);
        let block = self.pool.get().expect("it was made").allocate(HUGE).expect("a block");
        assert_eq!(block.into_address(), address);
        Ok(())
    }

    unsafe fn purge(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise is the same.
        unsafe { os::host().purge(address, bytes) }
    }

    fn huge_pages(&self, address: usize, bytes: usize, on: bool) {
        os::host().huge_pages(address, bytes, on);
    }

    fn membarrier(&self) -> bool {
        os::host().membarrier()
    }
}

#[test]
fn addresses_that_are_mapped_again_at_once_are_known_as_mapped() {
    let os: &QuickReuse = Box::leak(Box::default());
    let pool = os.pool.get_or_init(|| Pool::new_on(Options::new(), os).expect("a pool"));
    drop(pool.allocate(HUGE).expect("a block"));
    assert_eq!(pool.trim(), HUGE);
    assert_eq!((pool.stats().used, pool.stats().reserved), (HUGE as u64, HUGE as u64));
    pool.check_invariants().expect("sound");
}
