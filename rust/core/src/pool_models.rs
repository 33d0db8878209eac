//! loom models of a whole pool: its owner's fast path, its caches, depot and arenas as they are, against whoever empties
//! the caches. loom fails a model when two are in a cache at once (`sync::Exclusive`) and when the threads wait for each
//! other; the pool's own invariants say whether a block was lost or doubled.

use std::time::Duration;

use loom::model::Builder;
use loom::sync::atomic::fence;
use loom::thread::{self, JoinHandle};

use crate::cache::local;
use crate::options::Options;
use crate::os::{Errno, Os, host};
use crate::pool::Pool;
use crate::sync::{Ordering, yield_now};

/// Switches of threads where one could go on, at most.
const SWITCHES: usize = 2;
/// A visit of all classes has many steps.
const STEPS: usize = 100_000;
/// loom's own stacks are too small for a pool.
const STACK: usize = 1 << 20;
const SIZE: usize = 64;

/// The system that is there, but for its barrier.
#[derive(Debug)]
enum Modelled {
    /// It has one, which loom knows.
    Sound,
    /// It has none.
    WithoutBarrier,
    /// It says that it has one, which does nothing.
    Broken,
}

// SAFETY: all that touches memory is the system's; the fence stands for its barrier, the owner's side being a full one too. The
// broken one is there to be found out.
unsafe impl Os for Modelled {
    fn page_size(&self) -> usize {
        host().page_size()
    }

    fn map(&self, bytes: usize, align: usize, name: &str) -> Result<usize, Errno> {
        host().map(bytes, align, name)
    }

    unsafe fn unmap(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { host().unmap(address, bytes) }
    }

    unsafe fn purge(&self, address: usize, bytes: usize) -> Result<(), Errno> {
        // SAFETY: the caller's promise.
        unsafe { host().purge(address, bytes) }
    }

    fn huge_pages(&self, _address: usize, _bytes: usize, _on: bool) {}

    fn membarrier(&self) -> bool {
        if matches!(self, Modelled::Sound) {
            fence(Ordering::SeqCst);
        }
        !matches!(self, Modelled::WithoutBarrier)
    }
}

fn spawn<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::Builder::new().stack_size(STACK).spawn(act).expect("a thread of the model")
}

/// Runs `act` in every order of the threads that it starts, each time with a new pool on such a system.
fn model(system: &'static Modelled, act: fn(&Pool)) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(SWITCHES);
    builder.max_branches = STEPS;
    builder.check(move || {
        let thread = spawn(move || {
            let options = Options::new().arenas(1).thread_cache_bytes(1024);
            let pool = Pool::new_on(options, system).expect("a pool");
            act(&pool);
            // Unlike the standard library's, loom's threads are joined before their thread-locals are dropped.
            while !pool.0.live_caches().iter().all(local::is_mine) {
                yield_now();
            }
            pool.check_invariants().expect("sound");
            pool.trim();
            let stats = pool.stats();
            assert_eq!((stats.used, stats.committed, stats.bad_frees), (0, 0, 0));
        });
        thread.join().expect("no panic");
    });
}

/// Runs `act` in a thread of its own.
fn beside(pool: &Pool, act: fn(&Pool)) -> JoinHandle<()> {
    let pool = pool.clone();
    spawn(move || act(&pool))
}

fn join(thread: JoinHandle<()>) {
    thread.join().expect("no panic");
}

/// Does `act` while another thread churns.
fn beside_churn<T>(pool: &Pool, act: fn(&Pool) -> T) {
    let owner = beside(pool, churn);
    act(pool);
    join(owner);
}

/// Misses, so that its cache may hold a block, puts one there and takes it out again; nothing in a pool that was closed.
fn churn(pool: &Pool) {
    for _ in 0..2 {
        drop(pool.allocate(SIZE));
    }
}

/// Misses until its cache fetches more than is asked for, and gives all of it back.
fn burst(pool: &Pool) {
    let blocks: Vec<_> = (0..4).map(|_| pool.allocate(SIZE).expect("a block")).collect();
    drop(blocks);
}

#[test]
fn a_trim_empties_the_cache_of_a_busy_thread() {
    model(&Modelled::Sound, |pool| beside_churn(pool, Pool::trim));
}

#[test]
fn without_membarrier_owners_go_in_with_the_lock() {
    model(&Modelled::WithoutBarrier, |pool| beside_churn(pool, Pool::trim));
}

/// Why there is a barrier at all: without it, both are in the cache.
#[test]
#[should_panic(expected = "Causality violation")]
fn without_a_barrier_two_are_in_the_cache() {
    model(&Modelled::Broken, |pool| beside_churn(pool, Pool::trim));
}

#[test]
fn a_tick_takes_what_a_busy_thread_does_not_use() {
    model(&Modelled::Sound, |pool| {
        pool.tick(Duration::ZERO);
        beside_churn(pool, |pool| pool.tick(Duration::from_secs(3600)));
    });
}

#[test]
fn nothing_stays_in_the_caches_of_a_pool_that_is_closed() {
    model(&Modelled::Sound, |pool| beside_churn(pool, Pool::close));
}

/// Its thread ends while a cache is emptied, and a new thread gets it, all of it while the one who empties it has it in hand.
#[test]
fn a_cache_may_change_its_owner_under_a_trim() {
    model(&Modelled::Sound, |pool| {
        let owner = beside(pool, churn);
        let heir = {
            let pool = pool.clone();
            spawn(move || {
                join(owner);
                churn(&pool);
            })
        };
        pool.trim();
        join(heir);
    });
}

#[test]
fn two_threads_share_an_arena_and_the_depot() {
    model(&Modelled::Sound, |pool| {
        let other = beside(pool, burst);
        burst(pool);
        join(other);
    });
}

/// The first block that is freed by its address empties the caches, and from then on they mark what they fetch.
#[test]
fn what_is_fetched_is_marked_from_the_first_free_on() {
    model(&Modelled::Sound, |pool| {
        let other = beside(pool, burst);
        let address = pool.allocate(SIZE).expect("a block").into_address();
        // SAFETY: nobody uses it.
        unsafe { pool.free(address) }.expect("a live block");
        join(other);
    });
}
