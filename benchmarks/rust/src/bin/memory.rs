//! What the candidates hold: at the peak of a burst, in the silence after it, and over thousands of short threads. Each
//! candidate has a process of its own.
//!
//! `memory [--out FILE] [NAMES]`

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use millpond_benchmarks::candidates::Contender;
use millpond_benchmarks::memory::{Burst, Moment, Threads, mib, resident};
use millpond_benchmarks::progress::Progress;
use millpond_benchmarks::results::{Record, Recorder};
use millpond_benchmarks::settings::{LEAN, Setting};

const THREADS: usize = 8;
const BYTES: usize = 1 << 30;
const SILENCE: Duration = Duration::from_secs(12);
const INTERVAL: Duration = Duration::from_millis(100);
const SHORT_THREADS: usize = 10_000;
const SHORT_BLOCKS: usize = 64;
const SHORT_SAMPLES: usize = 100;

/// How a child is told which candidate and which experiment it is for.
const CHILD: &str = "--child";

/// An allocator and what it is told through the environment.
struct Told {
    name: String,
    candidate: &'static str,
    setting: Option<Setting>,
}

/// All as they come, and those that can be told to hold less.
fn all() -> Vec<Told> {
    let names: Vec<_> = Contender::all().into_iter().map(|contender| contender.name).collect();
    let tuned = LEAN.into_iter().filter(|(name, _)| names.contains(name)).map(|(candidate, setting)| Told {
        name: format!("{candidate}, tuned"),
        candidate,
        setting: Some(setting),
    });
    let plain = names.iter().map(|&name| Told { name: name.to_owned(), candidate: name, setting: None });
    plain.chain(tuned).collect()
}

fn main() -> io::Result<()> {
    let mut given: Vec<String> = std::env::args().skip(1).collect();
    if given.first().is_some_and(|first| first == CHILD) {
        return child(&given[1], &given[2], &given[3], Path::new(&given[4]));
    }
    let mut out = PathBuf::from("target/benchmarks/memory.jsonl");
    if let Some(at) = given.iter().position(|argument| argument == "--out") {
        out = PathBuf::from(given.remove(at + 1));
        given.remove(at);
    }
    Recorder::create(&out)?;
    let all: Vec<_> = all().into_iter().filter(|told| given.is_empty() || given.contains(&told.name)).collect();
    let mut progress = Progress::new(2 * all.len());
    for experiment in ["burst", "threads"] {
        for Told { name, candidate, setting } in &all {
            progress.step(&format!("{experiment}: {name}"));
            let mut child = Command::new(std::env::current_exe()?);
            child.args([CHILD, name, candidate, experiment]).arg(&out);
            child.envs(*setting);
            let status = child.status()?;
            if !status.success() {
                return Err(io::Error::other(format!("{name} failed in {experiment}: {status}")));
            }
        }
    }
    Ok(())
}

fn child(name: &str, candidate: &str, experiment: &str, out: &Path) -> io::Result<()> {
    let found = Contender::all().into_iter().find(|contender| contender.name == candidate);
    let contender = found.ok_or_else(|| io::Error::other(format!("there is no {candidate}")))?;
    let mut recorder = Recorder::append(out)?;
    let record = || Record::new().text("experiment", experiment).text("candidate", name);
    let records = match experiment {
        "burst" => burst(&contender, record),
        _ => threads(&contender, record),
    };
    records.iter().try_for_each(|record| recorder.write(record))?;
    // SAFETY: nothing is left to be done. rpmalloc's handler at the exit of a process crashes after this many threads.
    unsafe { libc::_exit(0) }
}

fn burst(contender: &Contender, record: impl Fn() -> Record) -> Vec<Record> {
    let mut start = 0.0;
    // Room for all of them beforehand, so that the records themselves are not counted.
    let mut records = Vec::with_capacity(1024);
    contender.run(Burst {
        threads: THREADS,
        bytes: BYTES,
        silence: SILENCE,
        interval: INTERVAL,
        look: &mut |moment| match moment {
            Moment::Start => start = mib(resident()),
            Moment::Peak(requested) => {
                let peak = record().text("what", "peak").number("requested", mib(requested));
                let peak = peak.number("resident", mib(resident()) - start);
                records.push(match contender.pool() {
                    Some(pool) => peak.number("committed", mib(pool.stats().committed as usize)),
                    None => peak,
                });
            }
            Moment::Silence(time) => {
                let seconds = time.as_secs_f64();
                let now = mib(resident()) - start;
                records.push(record().text("what", "silence").number("seconds", seconds).number("mib", now));
            }
        },
    });
    records
}

fn threads(contender: &Contender, record: impl Fn() -> Record) -> Vec<Record> {
    let mut samples = Vec::with_capacity(SHORT_SAMPLES);
    let start = resident();
    contender.run(Threads {
        threads: SHORT_THREADS,
        blocks: SHORT_BLOCKS,
        sample: &mut |threads| {
            if threads % (SHORT_THREADS / SHORT_SAMPLES) == 0 {
                samples.push((threads, mib(resident()) - mib(start)));
            }
        },
    });
    let sample = |(threads, mib)| record().text("what", "rss").number("threads", threads as f64).number("mib", mib);
    samples.into_iter().map(sample).collect()
}
