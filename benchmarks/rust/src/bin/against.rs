//! Whether this build has become slower than another one: runs the `compare` of both by turns, with Millpond alone. What
//! looks slower is measured once more, and only what does so again is reported.
//!
//! `against COMPARE [--rounds N] [WORDS]`: the other build's `compare`; only workloads whose names hold one of the words.
//! Ends with status 1 if anything is slower.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use millpond_benchmarks::progress::Progress;
use millpond_benchmarks::results::{Record, read};

const WORDS: [&str; 4] = ["pair", "burst 64", "exchange", "live"];
/// Less than this is noise, however sure it is: where code lies in memory moves figures as much.
const TOLERANCE: f64 = 1.03;

/// The ratios of this build's time to the other's, by workload, one a round.
type Ratios = BTreeMap<String, Vec<f64>>;

fn main() -> io::Result<ExitCode> {
    let mut given: Vec<String> = std::env::args().skip(1).collect();
    let mut rounds = 10;
    if let Some(at) = given.iter().position(|argument| argument == "--rounds") {
        rounds = given.remove(at + 1).parse().map_err(io::Error::other)?;
        given.remove(at);
    }
    if given.is_empty() {
        return Err(io::Error::other("the path of another build's `compare` is missing"));
    }
    let other = PathBuf::from(given.remove(0));
    let words = if given.is_empty() { WORDS.map(str::to_owned).to_vec() } else { given };
    let suspects = slower(&measure(&other, rounds, &words)?);
    let slower = if suspects.is_empty() { suspects } else { slower(&measure(&other, rounds, &suspects)?) };
    if slower.is_empty() {
        println!("No figure is worse by more than noise.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("Slower, twice: {}", slower.join(", "));
    Ok(ExitCode::FAILURE)
}

fn measure(other: &Path, rounds: usize, words: &[String]) -> io::Result<Ratios> {
    let own = std::env::current_exe()?.with_file_name("compare");
    let mut progress = Progress::new(rounds);
    let mut ratios = Ratios::new();
    for round in 0..rounds {
        let (first, second) = if round % 2 == 0 { (other, own.as_path()) } else { (own.as_path(), other) };
        let (first, second) = (run(first, words)?, run(second, words)?);
        let (before, after) = if round % 2 == 0 { (first, second) } else { (second, first) };
        for (workload, nanos) in after {
            if let Some(reference) = before.get(&workload) {
                ratios.entry(workload).or_default().push(nanos / reference);
            }
        }
        progress.step("both builds");
    }
    for (workload, ratios) in &mut ratios {
        ratios.sort_by(f64::total_cmp);
        let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
        let verdict = if is_slower(ratios) { ", slower" } else { "" };
        println!("{workload}: ×{:.3} ({least:.3} to {most:.3}){verdict}", median(ratios));
    }
    Ok(ratios)
}

/// Nanoseconds a block of each workload.
fn run(compare: &Path, words: &[String]) -> io::Result<BTreeMap<String, f64>> {
    let out = std::env::temp_dir().join(format!("millpond-against-{}.jsonl", std::process::id()));
    let mut command = Command::new(compare);
    command.args(["--candidate", "millpond", "--rounds", "3", "--out"]).arg(&out).args(words);
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("{} failed: {said}", compare.display())));
    }
    let records = read(&out)?;
    std::fs::remove_file(&out)?;
    let nanos = |record: &Record| {
        let workload = format!("{} {}", record.get_text("group"), record.get_text("line"));
        Some((workload, record.get_number("median")?))
    };
    Ok(records.iter().filter_map(nanos).collect())
}

fn slower(ratios: &Ratios) -> Vec<String> {
    ratios.iter().filter(|(_, ratios)| is_slower(ratios)).map(|(workload, _)| workload.clone()).collect()
}

/// Whether sorted ratios say so: in the middle, and in all rounds but one.
fn is_slower(ratios: &[f64]) -> bool {
    median(ratios) > TOLERANCE && ratios[(ratios.len() - 1).min(1)] > 1.0
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
