//! What was aimed at, and what came of it.

use super::Records;
use super::tables::{OWN, held, medians, ratios};

struct Target {
    what: &'static str,
    aim: &'static str,
    /// The measured value and whether it is good enough; `None` where it was not measured.
    met: Option<(String, bool)>,
}

/// All targets.
pub fn table(records: &Records) -> String {
    let mut table = String::from("| target | aim | measured | |\n|---|---|---|---|\n");
    for Target { what, aim, met } in all(records) {
        let (measured, verdict) = match met {
            Some((measured, true)) => (measured, "met"),
            Some((measured, false)) => (measured, "**missed**"),
            None => ("not measured".to_owned(), ""),
        };
        table += &format!("| {what} | {aim} | {measured} | {verdict} |\n");
    }
    table
}

type Lines = Vec<(String, f64)>;

/// The worst of some lines against a bound, and which it is.
fn at_most(lines: Lines, bound: f64, unit: &str) -> Option<(String, bool)> {
    let (label, worst) = lines.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some((format!("{worst:.2}{unit} ({label})"), worst <= bound))
}

/// Only the lines with one of these sizes.
fn only(lines: Lines, sizes: &[&str]) -> Lines {
    lines.into_iter().filter(|(label, _)| sizes.iter().any(|size| label.split(',').next() == Some(*size))).collect()
}

fn all(records: &Records) -> Vec<Target> {
    let compare = &records.compare;
    let pairs = || ratios(compare, "pair");
    let bursts = || ratios(compare, "burst 64");
    let exchange = medians(compare, "exchange", OWN);
    let steady = spread(&exchange).map(|spread| (format!("{spread:.2}×"), spread <= 2.0));
    let memory = held(&records.memory, OWN);
    vec![
        Target {
            what: "same-thread pair, 64 B–64 KiB",
            aim: "≤ 1.3× the fastest peer",
            met: at_most(only(pairs(), &["64 B", "256 B", "1 KiB", "4 KiB", "16 KiB", "64 KiB"]), 1.3, "×"),
        },
        Target {
            what: "same-thread pair, 4 KiB and above",
            aim: "the fastest, or within 10 %",
            met: at_most(only(pairs(), &["4 KiB", "16 KiB", "64 KiB", "256 KiB", "1 MiB"]), 1.1, "×"),
        },
        Target {
            what: "burst of 64, 64 B–16 KiB",
            aim: "≤ 1.3× the fastest peer",
            met: at_most(only(bursts(), &["64 B", "256 B", "1 KiB", "4 KiB", "16 KiB"]), 1.3, "×"),
        },
        Target {
            what: "burst of 64, 64 KiB",
            aim: "≤ 1.3× the fastest peer",
            met: at_most(only(bursts(), &["64 KiB"]), 1.3, "×"),
        },
        Target {
            what: "producer → consumer, 1–64 KiB",
            aim: "the fastest at every size",
            met: at_most(ratios(compare, "exchange"), 1.0, "×"),
        },
        Target { what: "producer → consumer, between sizes", aim: "≤ 2×", met: steady },
        Target {
            what: "8192 live, log-normal",
            aim: "the fastest, or within 10 %",
            met: at_most(only(ratios(compare, "live"), &["8192 log-normal"]), 1.1, "×"),
        },
        Target {
            what: "batch of 32 out of the thread cache and back",
            aim: "≤ 3 ns a block",
            met: at_most(medians(compare, "batch", OWN), 3.0, " ns"),
        },
        Target { what: "depot, 8 threads on one class", aim: "≤ 2× one thread", met: contention(records) },
        Target {
            what: "1 GiB live, log-normal",
            aim: "committed ≤ 1.12× requested",
            met: memory.as_ref().map(|held| held.committed / held.requested).map(|r| (format!("{r:.2}×"), r <= 1.12)),
        },
        Target {
            what: "… freed, then silence",
            aim: "RSS within 16 MiB of the start in 3 s",
            met: memory.as_ref().map(|held| match held.back {
                Some(seconds) => (format!("{seconds:.1} s"), seconds <= 3.0),
                None => ("never".to_owned(), false),
            }),
        },
        Target {
            what: "10 000 short threads",
            aim: "RSS flat within 8 MiB",
            met: memory.as_ref().map(|held| (format!("{:.1} MiB", held.threads[2]), held.threads[2] <= 8.0)),
        },
    ]
}

/// The most by the least.
fn spread(lines: &Lines) -> Option<f64> {
    let values = || lines.iter().map(|(_, nanos)| *nanos);
    Some(values().max_by(f64::total_cmp)? / values().min_by(f64::total_cmp)?)
}

/// Eight threads by one, where it is worst.
fn contention(records: &Records) -> Option<(String, bool)> {
    let of = |threads: &str| medians(&records.compare, &format!("depot {threads}"), OWN);
    let (alone, crowd) = (of("1 thread"), of("8 threads"));
    let factors = crowd.into_iter().zip(alone).map(|((label, crowd), (_, alone))| (label, crowd / alone)).collect();
    at_most(factors, 2.0, "×")
}
