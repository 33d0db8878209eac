//! Many threads that exchange batches of one class past their own caches, as those of virtual threads do: what the lock
//! of the depot costs under contention.
//!
//! The processor time of all threads is counted, so that the figure for eight threads on two processors can be set
//! beside the one for one thread.

use std::sync::Barrier;
use std::time::Duration;

use super::{Sample, WARM_UP};
use crate::candidates::Candidate;
use crate::processor::ThreadTime;

const BATCH: usize = 32;

pub(super) fn run<C: Candidate>(candidate: &C, size: usize, threads: usize, blocks: u64) -> Sample {
    let batches = blocks.div_ceil((BATCH * threads) as u64);
    let barrier = Barrier::new(threads);
    let work = || {
        exchange(candidate, size, batches.div_ceil(WARM_UP));
        barrier.wait();
        let time = ThreadTime::start();
        exchange(candidate, size, batches);
        time.elapsed()
    };
    let time: Duration = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("workers do not panic")).sum()
    });
    Sample { time, blocks: batches * (BATCH * threads) as u64 }
}

#[inline(never)]
fn exchange<C: Candidate>(candidate: &C, size: usize, batches: u64) {
    let mut blocks = [0; BATCH];
    for _ in 0..batches {
        candidate.take_shared(size, &mut blocks);
        // SAFETY: they were taken in the line above.
        unsafe { candidate.give_shared(size, &blocks) };
    }
}
