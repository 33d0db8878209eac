//! What a forked child can do with its parent's pools, whatever their other threads were at, and with its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use millpond::{Error, LARGEST, Options, Pool, SizeClass};

/// Far more than any child takes; one that hangs takes for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `act` in a forked child and waits for its end.
fn in_child(act: impl FnOnce()) {
    // SAFETY: the child runs `act` on its only thread and ends, without going back into the test.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "no child to be had");
    if child == 0 {
        let code = i32::from(catch_unwind(AssertUnwindSafe(act)).is_err());
        // SAFETY: nothing of the parent's is to be tidied up here.
        unsafe { libc::_exit(code) };
    }
    let (started, mut status) = (Instant::now(), 0);
    // SAFETY: it is our child, and nobody else waits for it.
    while unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == 0 {
        if started.elapsed() > PATIENCE {
            // SAFETY: as above; it is still there, as nobody waited for its end.
            unsafe { libc::kill(child, libc::SIGKILL) };
            panic!("a child hangs");
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(status, 0, "a child failed");
}

fn pools() -> Vec<Pool> {
    let plain = Pool::new(Options::new().name("plain").decay(Duration::from_millis(10))).expect("a pool");
    let child = Pool::new(Options::new().name("child").parent(&plain).max_bytes(16 << 20)).expect("a pool");
    let checked = Pool::new(Options::new().name("checked").checked(true)).expect("a pool");
    vec![plain, child, checked]
}

/// Everything that takes a lock somewhere.
fn keep_busy(pool: &Pool, round: usize) {
    let size = [100, 3000, 70_000, 1 << 20, 3 << 20][round % 5];
    let _ = pool.allocate_within(size, Duration::from_micros(10)).map(|block| block.len());
    (0..100).for_each(|_| pool.leave_line(pool.join_line(size).expect("less than the limit")));
    let many: Vec<_> = (0..40).filter_map(|_| pool.allocate(2000).ok()).collect();
    drop(many);
    pool.tick(Duration::from_millis(round as u64));
    if round.is_multiple_of(8) {
        pool.trim();
        pool.stats();
        pool.reports();
    }
}

fn is_forked<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Forked { .. }))
}

/// In the child: each call ends, and says what it should.
fn use_inherited(pool: &Pool, mut blocks: Vec<millpond::Block<'_>>) {
    let mut out = [0; 4];
    let class = SizeClass::of(2000).expect("a class");
    assert!(is_forked(pool.allocate(100)) && is_forked(pool.allocate(2000)) && is_forked(pool.allocate(LARGEST + 1)));
    assert!(is_forked(pool.allocate_within(100, Duration::from_secs(60))));
    assert!(is_forked(pool.join_line(100)) && is_forked(pool.allocate_in_line(100, 0)) && !pool.is_called(0));
    pool.leave_line(0);
    assert!(is_forked(pool.take(class, &mut out)) && is_forked(pool.take_shared(class, &mut out)));
    assert!(is_forked(pool.take_huge(5 << 20)) && is_forked(pool.set_max_bytes(1 << 30)));
    assert!(is_forked(Pool::new(Options::new().parent(pool))));
    for block in &mut blocks {
        assert!(block.iter().all(|&byte| byte == 7), "what the parent wrote");
        block.fill(8);
    }
    let addresses: Vec<_> = blocks.iter().map(|block| block.as_ptr() as usize).collect();
    drop(blocks);
    for address in addresses {
        // SAFETY: the pool ignores it.
        unsafe {
            assert_eq!((pool.free(address), pool.free_sized(address, 2000)), (Ok(()), Ok(())));
            assert_eq!((pool.give(class, &[address]), pool.give_shared(class, &[address])), (0, 0));
        }
        assert_eq!(pool.usable_size(address), None);
    }
    pool.tick(Duration::from_secs(100));
    assert_eq!((pool.trim(), pool.close(), pool.stats().committed), (0, 0, 0));
    assert!(!pool.has_reports() && pool.reports().is_empty() && pool.check_invariants().is_err());
}

/// In the child: a pool made there is like any other.
fn use_own() {
    let pool = Pool::new(Options::new().name("own").max_bytes(8 << 20)).expect("a pool");
    let mut blocks: Vec<_> = (0..100).map(|_| pool.allocate(2000).expect("a block")).collect();
    blocks.iter_mut().for_each(|block| block.fill(1));
    assert!(matches!(pool.allocate(9 << 20), Err(Error::LimitReached { .. })));
    drop(blocks);
    drop(pool.allocate(5 << 20).expect("a huge block"));
    pool.trim();
    assert_eq!((pool.stats().used, pool.stats().committed), (0, 0));
    pool.check_invariants().expect("sound");
}

#[test]
fn a_child_of_a_busy_parent_never_hangs() {
    const CHILDREN: usize = 8;
    for pool in pools() {
        let stopped = AtomicBool::new(false);
        thread::scope(|scope| {
            for first in 0..3 {
                let (pool, stopped) = (&pool, &stopped);
                scope.spawn(move || {
                    let mut round = first;
                    while !stopped.load(Ordering::Relaxed) {
                        keep_busy(pool, round);
                        round += 1;
                    }
                });
            }
            let children = catch_unwind(AssertUnwindSafe(|| {
                for _ in 0..CHILDREN {
                    let mut blocks: Vec<_> = [100, 2000, LARGEST + 1]
                        .into_iter()
                        .map(|size| pool.allocate_within(size, PATIENCE).expect("a block"))
                        .collect();
                    blocks.iter_mut().for_each(|block| block.fill(7));
                    let handle = pool.clone();
                    in_child(|| {
                        // SAFETY: the parent's are dropped by the parent; these are the child's copies.
                        use_inherited(&handle, unsafe { std::ptr::read(&raw const blocks) });
                        use_own();
                    });
                    assert!(
                        blocks.iter().flat_map(|block| block.iter()).all(|&byte| byte == 7),
                        "the child has a copy"
                    );
                }
            }));
            stopped.store(true, Ordering::Relaxed);
            children.expect("every child ends well");
        });
        drop(pool.allocate(100).expect("the parent goes on"));
        pool.trim();
        pool.check_invariants().expect("sound");
    }
}

/// The last handle, and the end of a thread that has a cache, in a child.
#[test]
fn a_child_may_drop_a_pool_and_end_its_thread() {
    let pool = Pool::new(Options::new()).expect("a pool");
    drop(pool.allocate(100));
    thread::scope(|scope| {
        scope.spawn(|| {
            drop(pool.allocate(100));
            let mut copy = Some(pool.clone());
            in_child(|| {
                drop(copy.take());
                assert!(is_forked(pool.allocate(100)));
                // SAFETY: it stands for the last handle; nobody uses the pool afterwards.
                unsafe { drop(std::ptr::read(&raw const pool)) };
            });
        });
    });
    pool.check_invariants().expect("sound");
}

/// In the child: has the kernel refuse `membarrier` from now on, as sandboxes do.
#[allow(clippy::disallowed_methods, reason = "this is the sandbox, not the library in it")]
fn refuse_membarrier() {
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let line = |code: u32, jump_if_not: u8, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: jump_if_not, k };
    let mut filter = [
        line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        line(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, libc::SYS_membarrier as u32),
        line(RETURN.into(), 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        line(RETURN.into(), 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the kernel copies the program, which is valid; the filter holds for this child only.
    let refused = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) != 0
    };
    assert!(!refused, "no filter to be had");
    assert!(!millpond::os::membarrier(), "the filter works");
}

/// The caches of a thread that sleeps go back to the system in a sandbox as well.
#[test]
fn in_a_sandbox_without_membarrier_everything_comes_back() {
    in_child(|| {
        refuse_membarrier();
        let pool = Pool::new(Options::new().decay(Duration::from_millis(100))).expect("a pool");
        let met = std::sync::Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                drop((0..8).map(|_| pool.allocate(70_000).expect("a block")).collect::<Vec<_>>());
                drop((0..8).map(|_| pool.allocate(70_000).expect("a block")).collect::<Vec<_>>());
                met.wait();
                met.wait();
            });
            met.wait();
            assert!(pool.stats().cached_threads > 0);
            (0..100).for_each(|tick| pool.tick(Duration::from_millis(10 * tick)));
            assert_eq!((pool.stats().cached_threads, pool.stats().committed), (0, 0));
            met.wait();
        });
    });
}
