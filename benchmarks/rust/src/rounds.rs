//! Measures candidates in turns: in each round each of them runs once, in an order that moves on from round to round,
//! so that a slower minute of the machine hits all of them.

use std::time::Duration;

use crate::candidates::Contender;
use crate::workloads::Workload;

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds, of which the median counts.
    pub rounds: usize,
    /// What a candidate should take in a round.
    pub time: Duration,
}

/// Nanoseconds a block over all rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Half of the rounds took less.
    pub median: f64,
    /// A quarter took less.
    pub lower: f64,
    /// A quarter took more.
    pub upper: f64,
}

/// So many times shorter are rounds with threads, and so many times more.
const SHORTER: u32 = 4;
const FEWEST_BLOCKS: u64 = 1024;
const MOST_BLOCKS: u64 = 1 << 28;

/// Runs `workload` on all candidates and returns a figure for each.
pub fn measure(candidates: &[Contender], workload: &Workload, mut effort: Effort) -> Vec<Figure> {
    if workload.has_threads() {
        // Threads that wait for each other are timed by the clock on the wall: in short rounds, more of them run
        // undisturbed.
        effort.rounds *= SHORTER as usize;
        effort.time /= SHORTER;
    }
    let blocks: Vec<u64> = candidates.iter().map(|candidate| calibrate(candidate, workload, effort.time)).collect();
    let mut nanos = vec![Vec::with_capacity(effort.rounds); candidates.len()];
    for round in 0..effort.rounds {
        for turn in 0..candidates.len() {
            let at = (round + turn) % candidates.len();
            nanos[at].push(candidates[at].run(workload.of(blocks[at])).nanos());
        }
    }
    nanos.into_iter().map(Figure::of).collect()
}

/// How many blocks take about `time`.
fn calibrate(candidate: &Contender, workload: &Workload, time: Duration) -> u64 {
    let mut blocks = FEWEST_BLOCKS;
    loop {
        let sample = candidate.run(workload.of(blocks));
        if sample.time * 4 >= time || blocks >= MOST_BLOCKS {
            let wanted = time.as_nanos() as f64 / sample.nanos();
            return (wanted as u64).clamp(FEWEST_BLOCKS, MOST_BLOCKS);
        }
        blocks *= 4;
    }
}

impl Figure {
    /// Median and quartiles of at least one value.
    fn of(mut nanos: Vec<f64>) -> Figure {
        nanos.sort_by(f64::total_cmp);
        let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share).round() as usize];
        Figure { median: at(0.5), lower: at(0.25), upper: at(0.75) }
    }
}
