//! What a cache in front of the allocator does: 32 blocks out, 32 blocks back.

use std::hint::black_box;

use super::{Sample, WARM_UP};
use crate::candidates::Candidate;
use crate::processor::ThreadTime;

const BLOCKS: usize = 32;

pub(super) fn run<C: Candidate>(candidate: &C, size: usize, blocks: u64) -> Sample {
    let batches = blocks.div_ceil(BLOCKS as u64);
    self::batches(candidate, size, batches.div_ceil(WARM_UP));
    let start = ThreadTime::start();
    self::batches(candidate, size, batches);
    Sample { time: start.elapsed(), blocks: batches * BLOCKS as u64 }
}

#[inline(never)]
fn batches<C: Candidate>(candidate: &C, size: usize, batches: u64) {
    let mut blocks = [0; BLOCKS];
    for _ in 0..batches {
        candidate.take(black_box(size), &mut blocks);
        black_box(&mut blocks);
        // SAFETY: they were taken in the lines above.
        unsafe { candidate.give(black_box(size), &blocks) };
    }
}
