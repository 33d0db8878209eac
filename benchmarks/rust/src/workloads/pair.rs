//! Allocate, touch, free.

use std::hint::black_box;

use super::{Sample, WARM_UP, touch};
use crate::candidates::Candidate;
use crate::processor::ThreadTime;

pub(super) fn run<C: Candidate>(candidate: &C, size: usize, blocks: u64) -> Sample {
    pairs(candidate, size, blocks / WARM_UP);
    let start = ThreadTime::start();
    pairs(candidate, size, blocks);
    Sample { time: start.elapsed(), blocks }
}

/// Not inlined, so that what callgrind counts and `perf` samples has a name.
#[inline(never)]
fn pairs<C: Candidate>(candidate: &C, size: usize, blocks: u64) {
    for _ in 0..blocks {
        // Opaque in each turn, so that nothing that depends on it moves out of the loop.
        let size = black_box(size);
        let block = candidate.allocate(size);
        touch(block);
        // SAFETY: it was allocated in the lines above.
        unsafe { candidate.free(block, size) };
    }
}
