//! The end of a pool, whatever is under way.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use millpond::os::{self, Errno, FakeOs, Os};
use millpond::{Error, Options, Pool};

fn pool(options: Options) -> Pool {
    Pool::new_on(options, FakeOs::leaked()).expect("a pool")
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
