//! What is free goes back to the system: how, when, and what if it refuses.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use millpond::os::{self, Errno, FakeOs, Os};
use millpond::{CHUNK, Options, Pool, Report, SizeClass};

fn pool(options: Options) -> Pool {
    Pool::new_on(options, FakeOs::leaked()).expect("a pool")
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
