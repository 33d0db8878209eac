//! What is done with an allocator. Each workload writes a byte to each block, as a user would.

mod batch;
mod burst;
mod depot;
mod exchange;
mod live;
mod pair;

use std::fmt;
use std::time::Duration;

use crate::candidates::{Candidate, Task};
use crate::sizes::Sizes;

pub use burst::Order;

/// A workload with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Workload {
    /// One block is allocated and freed, over and over.
    Pair {
        /// Bytes of a block.
        size: usize,
    },
    /// Many blocks are allocated, then all of them freed.
    Burst {
        /// Bytes of a block.
        size: usize,
        /// How many blocks.
        length: usize,
        /// In which order they are freed.
        order: Order,
    },
    /// One thread allocates, another one frees.
    Exchange {
        /// Bytes of a block.
        size: usize,
    },
    /// So many blocks of mixed sizes are live; one at random after another is freed and replaced.
    Live {
        /// How many blocks.
        blocks: usize,
        /// Of which sizes.
        sizes: Sizes,
    },
    /// Several threads take 32 blocks and give them back, past their own caches: for Millpond only.
    Depot {
        /// Bytes of a block.
        size: usize,
        /// How many threads.
        threads: usize,
    },
    /// 32 blocks are taken and given back, at once where the allocator can; they are not touched.
    Batch {
        /// Bytes of a block.
        size: usize,
    },
}

/// What a run took, and for how many blocks that were allocated and freed.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Processor time; wall-clock time where a thread waits for another one.
    pub time: Duration,
    /// Blocks allocated and freed in it.
    pub blocks: u64,
}

impl Sample {
    /// Nanoseconds a block.
    pub fn nanos(&self) -> f64 {
        self.time.as_nanos() as f64 / self.blocks as f64
    }
}

/// So much of a workload.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    workload: &'a Workload,
    blocks: u64,
}

impl Task for Run<'_> {
    type Output = Sample;

    fn run<C: Candidate>(self, candidate: &C) -> Sample {
        let blocks = self.blocks;
        match *self.workload {
            Workload::Pair { size } => pair::run(candidate, size, blocks),
            Workload::Burst { size, length, order } => burst::run(candidate, size, length, order, blocks),
            Workload::Exchange { size } => exchange::run(candidate, size, blocks),
            Workload::Live { blocks: live, sizes } => live::run(candidate, live, sizes, blocks),
            Workload::Depot { size, threads } => depot::run(candidate, size, threads, blocks),
            Workload::Batch { size } => batch::run(candidate, size, blocks),
        }
    }
}

impl Workload {
    /// The task of running it for about `blocks` blocks, after a warm-up that is not timed.
    pub fn of(&self, blocks: u64) -> Run<'_> {
        Run { workload: self, blocks }
    }

    /// Which table it belongs to.
    pub fn group(&self) -> String {
        match self {
            Workload::Pair { .. } => "pair".to_owned(),
            Workload::Burst { length, order, .. } => format!("burst {length} {order}"),
            Workload::Exchange { .. } => "exchange".to_owned(),
            Workload::Live { .. } => "live".to_owned(),
            Workload::Depot { threads: 1, .. } => "depot 1 thread".to_owned(),
            Workload::Depot { threads, .. } => format!("depot {threads} threads"),
            Workload::Batch { .. } => "batch".to_owned(),
        }
    }

    /// Which line of the table.
    pub fn line(&self) -> String {
        match self {
            Workload::Pair { size }
            | Workload::Burst { size, .. }
            | Workload::Exchange { size }
            | Workload::Depot { size, .. }
            | Workload::Batch { size } => bytes(*size),
            Workload::Live { blocks, sizes } => format!("{blocks} {sizes}"),
        }
    }

    /// Whether only Millpond has what it measures.
    pub fn is_own(&self) -> bool {
        matches!(self, Workload::Depot { .. })
    }

    /// Whether it needs more than the calling thread.
    pub fn has_threads(&self) -> bool {
        matches!(self, Workload::Depot { .. } | Workload::Exchange { .. })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.group(), self.line())
    }
}

/// A size in the largest unit that divides it.
pub fn bytes(size: usize) -> String {
    match size {
        0 => "0 B".to_owned(),
        _ if size.is_multiple_of(1 << 20) => format!("{} MiB", size >> 20),
        _ if size.is_multiple_of(1 << 10) => format!("{} KiB", size >> 10),
        _ => format!("{size} B"),
    }
}

/// Everything that is compared, in the order of the tables.
pub fn all() -> Vec<Workload> {
    let mut all = Vec::new();
    all.extend(SIZES.map(|size| Workload::Pair { size }));
    for length in [64, 512] {
        for order in [Order::Fifo, Order::Lifo, Order::Random] {
            // 512 blocks of a mebibyte would measure page tables more than allocators.
            let sizes = SIZES.into_iter().filter(|size| size * length <= 64 << 20);
            all.extend(sizes.map(|size| Workload::Burst { size, length, order }));
        }
    }
    all.extend([1 << 10, 4 << 10, 16 << 10, 64 << 10].map(|size| Workload::Exchange { size }));
    all.push(Workload::Live { blocks: 8192, sizes: Sizes::LogNormal });
    let mixes = [Sizes::Documents, Sizes::Messages, Sizes::Objects];
    all.extend(mixes.map(|sizes| Workload::Live { blocks: 4096, sizes }));
    all.extend([64, 256, 1 << 10, 4 << 10, 16 << 10].map(|size| Workload::Batch { size }));
    for size in [256, 4 << 10, 64 << 10] {
        all.extend([1, 8].map(|threads| Workload::Depot { size, threads }));
    }
    all
}

/// Sizes from the smallest class to half the largest.
pub const SIZES: [usize; 8] = [64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];

/// One part in so many of a run comes before it, to warm up, and is not timed.
pub const WARM_UP: u64 = 8;

/// Writes the first byte of a block, where the optimiser cannot leave it out.
#[inline(always)]
fn touch(block: *mut u8) {
    // SAFETY: workloads touch only blocks that they have just been given, which hold at least one byte.
    unsafe { block.write_volatile(1) }
}
