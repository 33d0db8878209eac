//! One thread allocates and writes, another one reads and frees.
//!
//! Each has a processor of its own, if there are two: the kernel would put both on one now and then, where nothing has
//! to travel between caches, and the figure would be that of another workload.

use std::sync::Barrier;
use std::time::Instant;

use super::{Sample, WARM_UP, touch};
use crate::candidates::Candidate;
use crate::processor::stay_on;
use crate::ring::{Consumer, Producer, Ring};

pub(super) fn run<C: Candidate>(candidate: &C, size: usize, blocks: u64) -> Sample {
    let warm_up = blocks / WARM_UP;
    let mut ring = Ring::default();
    let (mut producer, mut consumer) = ring.split();
    let barrier = Barrier::new(2);
    let consumer = || {
        stay_on(1);
        consume(candidate, size, warm_up, &mut consumer);
        barrier.wait();
        let start = Instant::now();
        consume(candidate, size, blocks, &mut consumer);
        start.elapsed()
    };
    let time = std::thread::scope(|scope| {
        let consumer = scope.spawn(consumer);
        scope.spawn(|| {
            stay_on(0);
            produce(candidate, size, warm_up, &mut producer);
            barrier.wait();
            produce(candidate, size, blocks, &mut producer);
        });
        consumer.join().expect("the consumer does not panic")
    });
    Sample { time, blocks }
}

#[inline(never)]
fn produce<C: Candidate>(candidate: &C, size: usize, blocks: u64, ring: &mut Producer<'_>) {
    for _ in 0..blocks {
        let block = candidate.allocate(size);
        touch(block);
        ring.put(block as usize);
    }
    ring.flush();
}

#[inline(never)]
fn consume<C: Candidate>(candidate: &C, size: usize, blocks: u64, ring: &mut Consumer<'_>) {
    for _ in 0..blocks {
        let block = ring.take() as *mut u8;
        // SAFETY: the producer wrote its first byte and gave it away.
        unsafe {
            std::hint::black_box(block.read_volatile());
            candidate.free(block, size);
        }
    }
}
