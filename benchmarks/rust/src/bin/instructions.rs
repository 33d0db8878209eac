//! Counts the instructions of one allocation and one release with valgrind's callgrind, which must be installed.
//!
//! `instructions [--out FILE]`
//!
//! Two runs of different length are subtracted, so that what happens once does not count. What the loop itself takes
//! (the byte that is written, the counter, the opaque size: 8 instructions) is included, the same for all.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use millpond_benchmarks::candidates::Contender;
use millpond_benchmarks::progress::Progress;
use millpond_benchmarks::results::{Record, Recorder};
use millpond_benchmarks::settings::FAST;
use millpond_benchmarks::workloads::{WARM_UP, Workload, bytes};

const SIZES: [usize; 6] = [64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10];
/// Pairs of the shorter run; the longer one has twice as many.
const PAIRS: u64 = 8 * 5_000;

const CHILD: &str = "--child";

fn main() -> io::Result<()> {
    let mut given = std::env::args().skip(1);
    let mut out = PathBuf::from("target/benchmarks/instructions.jsonl");
    match (given.next().as_deref(), given.next()) {
        (Some(CHILD), Some(name)) => return child(&name, given),
        (Some("--out"), Some(file)) => out = PathBuf::from(file),
        _ => {}
    }
    let mut recorder = Recorder::create(&out)?;
    let contenders = Contender::all_without_ticks();
    let mut progress = Progress::new(SIZES.len() * contenders.len());
    for size in SIZES {
        for contender in &contenders {
            progress.step(&format!("{} {}", contender.name, bytes(size)));
            let (Some(longer), Some(shorter)) =
                (count(contender.name, size, 2 * PAIRS)?, count(contender.name, size, PAIRS)?)
            else {
                eprintln!("{} does not run under valgrind", contender.name);
                continue;
            };
            let pairs = PAIRS + PAIRS / WARM_UP;
            let record = Record::new().text("line", bytes(size)).text("candidate", contender.name);
            recorder.write(&record.number("instructions", (longer - shorter) as f64 / pairs as f64))?;
        }
    }
    Ok(())
}

fn child(name: &str, mut given: impl Iterator<Item = String>) -> io::Result<()> {
    let mut number = || given.next().and_then(|text| text.parse().ok()).ok_or(io::ErrorKind::InvalidInput);
    let (size, pairs): (u64, u64) = (number()?, number()?);
    let found = Contender::all_without_ticks().into_iter().find(|contender| contender.name == name);
    let contender = found.ok_or(io::ErrorKind::InvalidInput)?;
    contender.run(Workload::Pair { size: size as usize }.of(pairs));
    // SAFETY: nothing is left to be done, and what happens at exit is not to be counted.
    unsafe { libc::_exit(0) }
}

/// Instructions of a child that runs `pairs` pairs; `None` if the allocator gives up under valgrind, which has less address
/// space to give than a system.
fn count(name: &str, size: usize, pairs: u64) -> io::Result<Option<u64>> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(std::env::current_exe()?);
    valgrind.envs(FAST);
    let output = valgrind.args([CHILD, name, &size.to_string(), &pairs.to_string()]).output()?;
    if !output.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    count.map(Some).ok_or_else(|| io::Error::other(format!("callgrind counted nothing: {said}")))
}
