//! Runs the workloads on all candidates in turns, each told to be fast, and records nanoseconds a block.
//!
//! `compare [--rounds N] [--millis N] [--out FILE] [--candidate NAME] [WORDS]`: only workloads whose names hold one of
//! the words; only one candidate, for profilers.

use std::path::PathBuf;
use std::time::Duration;

use millpond_benchmarks::candidates::Contender;
use millpond_benchmarks::machine;
use millpond_benchmarks::progress::Progress;
use millpond_benchmarks::results::{Record, Recorder};
use millpond_benchmarks::rounds::{Effort, measure};
use millpond_benchmarks::settings;
use millpond_benchmarks::workloads;

struct Arguments {
    effort: Effort,
    out: PathBuf,
    candidate: Option<String>,
    words: Vec<String>,
}

fn main() -> std::io::Result<()> {
    settings::be_fast()?;
    let Arguments { effort, out, candidate, words } = arguments();
    let mut candidates = Contender::all();
    candidates.push(Contender::floor());
    candidates.retain(|contender| candidate.as_ref().is_none_or(|wanted| contender.name == wanted));
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let workloads: Vec<_> = workloads::all().into_iter().filter(|workload| wanted(&workload.to_string())).collect();
    let mut recorder = Recorder::create(&out)?;
    recorder.write(&machine::record())?;
    let mut progress = Progress::new(workloads.len());
    for workload in &workloads {
        // Millpond is the first one.
        let candidates = if workload.is_own() { &candidates[..1] } else { &candidates[..] };
        let figures = measure(candidates, workload, effort);
        for (candidate, figure) in candidates.iter().zip(&figures) {
            let record = Record::new().text("group", workload.group()).text("line", workload.line());
            let record = record.text("candidate", candidate.name).number("median", figure.median);
            recorder.write(&record.number("lower", figure.lower).number("upper", figure.upper))?;
        }
        let figures = candidates.iter().zip(&figures).map(|(c, figure)| format!("{} {:.1}", c.name, figure.median));
        progress.step(&format!("{workload}: {} ns", figures.collect::<Vec<_>>().join(", ")));
    }
    Ok(())
}

fn arguments() -> Arguments {
    let mut arguments = Arguments {
        effort: Effort { rounds: 21, time: Duration::from_millis(20) },
        out: PathBuf::from("target/benchmarks/compare.jsonl"),
        candidate: None,
        words: Vec::new(),
    };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut value = || given.next().unwrap_or_else(|| panic!("{argument} needs a value"));
        let number = |text: String| text.parse::<u64>().unwrap_or_else(|_| panic!("'{text}' is no number"));
        match argument.as_str() {
            "--rounds" => arguments.effort.rounds = number(value()).max(1) as usize,
            "--millis" => arguments.effort.time = Duration::from_millis(number(value())),
            "--out" => arguments.out = PathBuf::from(value()),
            "--candidate" => arguments.candidate = Some(value()),
            _ => arguments.words.push(argument),
        }
    }
    arguments
}
