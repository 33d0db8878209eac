//! A burst of 256 MiB, and how the memory goes back: `cargo run --release -p millpond --example burst`.

use std::thread;
use std::time::{Duration, Instant};

use millpond::{Error, Options, Pool};

fn main() -> Result<(), Error> {
    let pool = Pool::new(Options::new().name("burst").max_bytes(512 << 20).decay(Duration::from_millis(500)))?;
    let start = Instant::now();
    let mut blocks = (0..16 * 1024).map(|_| pool.allocate(16 * 1024)).collect::<Result<Vec<_>, _>>()?;
    blocks.iter_mut().for_each(|block| block.fill(1));
    report(&pool, start, "all allocated");
    drop(blocks);
    report(&pool, start, "all released");
    // The pool has no thread of its own: its owner tells it the time, about ten times per decay time.
    while pool.stats().committed > 0 {
        thread::sleep(Duration::from_millis(50));
        pool.tick(start.elapsed());
        report(&pool, start, "");
    }
    Ok(())
}

fn report(pool: &Pool, start: Instant, what: &str) {
    let stats = pool.stats();
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{:5} ms  used {:6.1}  cached {:5.1}  committed {:6.1} MiB  {what}",
        start.elapsed().as_millis(),
        mebibytes(stats.used),
        mebibytes(stats.cached_threads + stats.cached_depot),
        mebibytes(stats.committed),
    );
}
