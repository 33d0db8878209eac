//! A set of live blocks of all sizes, each replaced at a random time: what a cache or a server's state looks like.

use super::{Sample, WARM_UP, touch};
use crate::candidates::Candidate;
use crate::processor::ThreadTime;
use crate::random::Random;
use crate::sizes::Sizes;

/// Sizes that are drawn beforehand, so that no logarithm is computed while the clock runs.
const DRAWN: usize = 1 << 16;

pub(super) fn run<C: Candidate>(candidate: &C, live: usize, sizes: Sizes, blocks: u64) -> Sample {
    let mut random = Random::new(2);
    let sizes: Vec<u32> = (0..DRAWN).map(|_| sizes.draw(&mut random) as u32).collect();
    let mut set: Vec<_> = (0..live).map(|index| place(candidate, sizes[index % DRAWN])).collect();
    replace(candidate, &mut set, &sizes, &mut random, blocks / WARM_UP + live as u64);
    let start = ThreadTime::start();
    replace(candidate, &mut set, &sizes, &mut random, blocks);
    let time = start.elapsed();
    for (block, size) in set {
        // SAFETY: the set's blocks are live.
        unsafe { candidate.free(block, size as usize) };
    }
    Sample { time, blocks }
}

#[inline(always)]
fn place<C: Candidate>(candidate: &C, size: u32) -> (*mut u8, u32) {
    let block = candidate.allocate(size as usize);
    touch(block);
    (block, size)
}

#[inline(never)]
fn replace<C: Candidate>(candidate: &C, set: &mut [(*mut u8, u32)], sizes: &[u32], random: &mut Random, blocks: u64) {
    for _ in 0..blocks {
        let draw = random.bits() as usize;
        let slot = &mut set[(draw >> 16) % (set.len())];
        // SAFETY: the set's blocks are live; this one is replaced at once.
        unsafe { candidate.free(slot.0, slot.1 as usize) };
        *slot = place(candidate, sizes[draw % DRAWN]);
    }
}
