//! What threads' caches hold, and for how long.

use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::Duration;

use millpond::{Options, Pool, SizeClass};
use millpond_tests::system::System;

const DECAY: Duration = Duration::from_millis(100);
const SIZES: [usize; 5] = [64, 1000, 4096, 30_000, 100_000];

fn pool_on(os: &'static System, options: Options) -> Pool {
    Pool::new_on(options.decay(DECAY), os).expect("a pool")
}

fn pool(options: Options) -> Pool {
    pool_on(System::take(), options)
}

/// With room for bursts of all sizes.
fn roomy() -> Options {
    Options::new().thread_cache_bytes(16 << 20)
}

fn cached(pool: &Pool, size: usize) -> u64 {
    pool.stats().classes[SizeClass::of(size).expect("a class").index()].cached
}

/// Fills this thread's cache with blocks of a size.
fn burst(pool: &Pool, size: usize, count: usize) {
    for _ in 0..20 {
        drop((0..count).map(|_| pool.allocate(size).expect("a block")).collect::<Vec<_>>());
    }
}

/// Ticks for several decay times, ten times in each; `meanwhile` before each.
fn rest(pool: &Pool, from: &mut Duration, mut meanwhile: impl FnMut()) {
    for _ in 0..80 {
        meanwhile();
        *from += DECAY / 10;
        pool.tick(*from);
    }
}

#[test]
fn a_busy_thread_gives_up_what_it_no_longer_uses() {
    let (pool, mut now) = (pool(roomy().arenas(1)), Duration::ZERO);
    SIZES.iter().for_each(|&size| burst(&pool, size, 8));
    assert!(SIZES.iter().all(|&size| cached(&pool, size) > 0));
    pool.tick(now);
    rest(&pool, &mut now, || drop(pool.allocate(200_000).expect("a block")));
    assert_eq!(SIZES.map(|size| cached(&pool, size)), [0; 5]);
    assert_eq!(cached(&pool, 200_000), 1, "what it uses stays");
    let stats = pool.stats();
    assert_eq!(stats.committed, stats.cached_threads, "nothing else is held");
    pool.check_invariants().expect("sound");
}

#[test]
fn of_a_class_that_is_used_goes_what_is_to_spare() {
    let (pool, mut now) = (pool(Options::new()), Duration::ZERO);
    burst(&pool, 1000, 64);
    let before = cached(&pool, 1000);
    assert!(before >= 32, "{before}");
    rest(&pool, &mut now, || burst(&pool, 1000, 8));
    let after = cached(&pool, 1000);
    assert!((8..12).contains(&after), "{before} were cached, and {after} are, of which eight are used");
    pool.check_invariants().expect("sound");
}

#[test]
fn ticks_of_a_pool_at_rest_ask_nothing_of_the_system() {
    let os = System::take();
    let (pool, mut now) = (pool_on(os, Options::new()), Duration::ZERO);
    SIZES.iter().for_each(|&size| burst(&pool, size, 8));
    rest(&pool, &mut now, || ());
    assert_eq!(pool.stats().committed, 0);
    os.refuse(0, 0);
    rest(&pool, &mut now, || ());
    assert_eq!(os.calls(), 0, "no barrier where nothing is to be taken");
}

#[test]
fn without_membarrier_all_is_as_it_is_with_it_but_slower() {
    let os = System::take();
    os.lose_barrier();
    let (pool, mut now) = (pool_on(os, roomy()), Duration::ZERO);
    let ((tell, told), (go, wait)) = (mpsc::channel(), mpsc::channel::<()>());
    thread::scope(|scope| {
        let sleeper = &pool;
        scope.spawn(move || {
            for _ in 0..2 {
                SIZES.iter().for_each(|&size| burst(sleeper, size, 8));
                let kept = sleeper.allocate(1000).expect("a block");
                tell.send(()).expect("somebody waits");
                wait.recv().expect("somebody sends");
                drop(kept);
            }
            tell.send(()).expect("somebody waits");
            let _ = wait.recv();
        });
        told.recv().expect("the thread sends");
        assert!(SIZES.iter().all(|&size| cached(&pool, size) > 0), "caches are used");
        rest(&pool, &mut now, || ());
        assert_eq!(pool.stats().cached_threads, 0, "the idle thread's cache was emptied");
        go.send(()).expect("the thread waits");
        told.recv().expect("the thread sends");
        assert!(pool.stats().cached_threads > 0);
        pool.close();
        assert_eq!(pool.stats().cached_threads, 0);
        go.send(()).expect("the thread waits");
        told.recv().expect("the thread sends");
        assert_eq!((pool.stats().cached_threads, pool.stats().committed), (0, 0), "nor comes anything back");
        drop(go);
    });
    pool.check_invariants().expect("sound");
}

#[test]
fn threads_that_ended_leave_a_few_caches_and_trim_takes_those() {
    const THREADS: usize = 24;
    let pool = pool(Options::new().arenas(2));
    let before = pool.stats().metadata;
    let met = Barrier::new(THREADS);
    let of_all = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    drop(pool.allocate(1 << 20));
                    met.wait();
                    let of_all = pool.stats().metadata;
                    met.wait();
                    of_all
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).max().expect("threads")
    });
    // A thread may be joined before its thread-locals are gone.
    while pool.stats().thread_caches > 0 {
        thread::yield_now();
    }
    let a_cache = (of_all - before) / THREADS as u64;
    let left = pool.stats().metadata - before;
    assert!(left < 12 * a_cache, "of {THREADS} caches of {a_cache} bytes, {left} bytes are left");
    pool.trim();
    assert!(pool.stats().metadata - before < left - 3 * a_cache, "trim leaves none");
    assert_eq!(pool.stats().by_arena.iter().map(|arena| arena.threads).sum::<u64>(), 0);
    pool.check_invariants().expect("sound");
}

#[test]
fn newcomers_go_to_the_arenas_that_threads_left() {
    const THREADS: usize = 8;
    let pool = pool(Options::new().arenas(2));
    let start = |count: usize| -> Vec<_> {
        let begin = |_| {
            let ((tell, told), (end, wait)) = (mpsc::channel(), mpsc::channel::<()>());
            let pool = pool.clone();
            let thread = thread::spawn(move || {
                drop(pool.allocate(64));
                drop(pool);
                tell.send(()).expect("somebody waits");
                let _ = wait.recv();
            });
            told.recv().expect("the thread sends");
            (end, thread)
        };
        (0..count).map(begin).collect()
    };
    let loads = || [0, 1].map(|arena| pool.stats().by_arena[arena].threads);
    let end = |(end, thread): (mpsc::Sender<()>, thread::JoinHandle<()>)| {
        let before = pool.stats().thread_caches;
        drop(end);
        thread.join().expect("no panic");
        while pool.stats().thread_caches == before {
            thread::yield_now();
        }
    };
    // Every other one came to the first arena; those of one arena end last, and their caches would be used first.
    let (first, second): (Vec<_>, Vec<_>) = start(THREADS).into_iter().enumerate().partition(|(at, _)| at % 2 == 0);
    first.into_iter().chain(second).for_each(|(_, thread)| end(thread));
    assert_eq!(loads(), [0, 0]);
    let threads = start(THREADS);
    assert_eq!(loads(), [4, 4]);
    threads.into_iter().for_each(end);
}

#[test]
fn pools_that_take_turns_ask_for_no_more_room() {
    let class = 1024;
    let [pool, other] = [Options::new().all_caches_bytes(64 << 10), Options::new()].map(pool);
    for _ in 0..200 {
        let blocks = (pool.allocate(class).expect("a block"), other.allocate(64).expect("a block"));
        drop(blocks);
    }
    let elsewhere = || {
        burst(&pool, class, 60);
        cached(&pool, class)
    };
    let cached = thread::scope(|scope| scope.spawn(elsewhere).join().expect("no panic"));
    assert!(cached > 50, "one block is in use here, and another thread can cache {cached} of 64");
}

#[test]
fn all_caches_together_stay_within_their_bound() {
    const BOUND: usize = 256 << 10;
    let pool = pool(Options::new().all_caches_bytes(BOUND));
    let met = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..10 {
                    SIZES.iter().for_each(|&size| burst(&pool, size, 40 + round));
                    met.wait();
                    let cached = pool.stats().cached_threads as usize;
                    assert!(cached <= BOUND && cached > BOUND / 4, "{cached} of {BOUND}");
                    met.wait();
                }
            });
        }
    });
}
