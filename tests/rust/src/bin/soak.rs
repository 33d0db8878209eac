//! The shapes of load, and the model with random operations, one after the other for as long as `SOAK_SECONDS` says.
//!
//! A line each second tells what is running. The exit status is 0 if everything held, 1 if something did not or if there
//! was no progress for ten minutes.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use millpond::{Options, Pool};
use millpond_tests::load::{BLOCKS, settle, with_housekeeper};
use millpond_tests::memory::resident_bytes;
use millpond_tests::model::Model;
use millpond_tests::random::Random;
use millpond_tests::shapes::{self, Effort};

const DEFAULT_SECONDS: u64 = 60;
/// Without a new block for so long, something hangs.
const PATIENCE: Duration = Duration::from_secs(600);
/// Short threads: how many, how many of them before the memory is looked at first, and what it may grow by.
const SHORT_THREADS: usize = 10_000;
const WARM_UP: usize = 1_000;
const GROWTH_MAX: usize = 8 << 20;
const ROUNDS: usize = 20_000;
const MODEL_BYTES: usize = 1_000;

static ROUND: AtomicU64 = AtomicU64::new(0);
static RUNNING: Mutex<&str> = Mutex::new("");

fn main() -> ExitCode {
    let seconds = env::var("SOAK_SECONDS").ok().and_then(|value| value.parse().ok()).unwrap_or(DEFAULT_SECONDS);
    let seed = env::var("SOAK_SEED").ok().and_then(|value| value.parse().ok()).unwrap_or(1);
    println!("soak: {seconds} s, seed {seed} (SOAK_SECONDS, SOAK_SEED)");
    let start = Instant::now();
    let deadline = start + Duration::from_secs(seconds);
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        let held = catch_unwind(AssertUnwindSafe(|| soak(deadline, seed))).is_ok();
        done.send(held)
    });
    let mut last = (progress(), Instant::now());
    loop {
        match wait.recv_timeout(Duration::from_secs(1)) {
            Ok(held) => {
                report(start);
                println!("soak: {}", if held { "everything held" } else { "FAILED, see above" });
                return if held { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            }
            Err(_) => report(start),
        }
        let now = progress();
        if now != last.0 {
            last = (now, Instant::now());
        } else if last.1.elapsed() > PATIENCE {
            println!("soak: FAILED, no progress for {} s", PATIENCE.as_secs());
            return ExitCode::FAILURE;
        }
    }
}

/// Grows while anything is done: the model counts no blocks, but its rounds are short.
fn progress() -> u64 {
    ROUND.load(Ordering::Relaxed) + BLOCKS.load(Ordering::Relaxed)
}

fn report(start: Instant) {
    println!(
        "{:>6} s  round {:>6}  {:<16} {:>12} blocks  {:>6} MiB resident",
        start.elapsed().as_secs(),
        ROUND.load(Ordering::Relaxed),
        *RUNNING.lock().expect("no panic under the lock"),
        BLOCKS.load(Ordering::Relaxed),
        resident_bytes() >> 20,
    );
}

fn begin(name: &'static str) {
    ROUND.fetch_add(1, Ordering::Relaxed);
    *RUNNING.lock().expect("no panic under the lock") = name;
}

fn soak(deadline: Instant, seed: u64) {
    let mut random = Random(seed.max(1));
    short_threads();
    while Instant::now() < deadline {
        for (name, shape) in shapes::ALL {
            begin(name);
            let pool = Pool::new(options(&mut random)).expect("a pool");
            let effort = Effort { threads: 2 + random.next(7), rounds: ROUNDS, seed: seed_from(&mut random) };
            with_housekeeper(&pool, || shape(&pool, effort));
            settle(&pool);
        }
        begin("waiting");
        let pool = Pool::new(options(&mut random).max_bytes(8 << 20)).expect("a pool");
        let effort = Effort { threads: 6 + random.next(5), rounds: 200, seed: seed_from(&mut random) };
        with_housekeeper(&pool, || shapes::waiting(&pool, effort));
        settle(&pool);
        for _ in 0..50 {
            begin("model");
            let input = random.bytes(MODEL_BYTES);
            if catch_unwind(|| Model::replay(&input)).is_err() {
                let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
                panic!(
                    "the model failed with this input; `xxd -r -p` makes a file of it for fuzz/seeds/operations: {hex}"
                );
            }
        }
    }
}

fn seed_from(random: &mut Random) -> u64 {
    random.next(1 << 30) as u64 + 1
}

fn options(random: &mut Random) -> Options {
    Options::new()
        .name("soak")
        .decay(Duration::from_millis(1 + random.next(20) as u64))
        .arenas(1 + random.next(4))
        .thread_cache_bytes([0, 64 << 10, 1 << 20, 8 << 20][random.next(4)])
        .depot_bytes([0, 1 << 20, 64 << 20][random.next(3)])
        .keep_addresses(random.next(2) == 0)
}

/// What ten thousand threads leave behind, each of which had a cache.
fn short_threads() {
    let pool = Pool::new(Options::new().name("short-threads")).expect("a pool");
    let mut before = 0;
    for step in 0..SHORT_THREADS / WARM_UP {
        begin("short threads");
        shapes::mleak(&pool, Effort { threads: 1, rounds: WARM_UP, seed: step as u64 + 1 });
        pool.trim();
        if step == 0 {
            before = resident_bytes();
        }
    }
    let growth = resident_bytes().saturating_sub(before);
    println!("soak: {SHORT_THREADS} short threads, resident memory grew by {} KiB", growth >> 10);
    assert!(growth <= GROWTH_MAX, "resident memory grew by {growth} bytes");
    settle(&pool);
}
