//! What is freed wrongly, twice or by others is refused; and what checked mode finds.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use millpond::os::FakeOs;
use millpond::{BadFree, Error, LARGEST, Options, PAGE, Pool, Report, SizeClass};

fn pool(options: Options) -> Pool {
    Pool::new_on(options, FakeOs::leaked()).expect("a pool")
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
