//! Numbers: what a pool holds, and what it did.

use crate::arena::chunk_list::LISTS;
use crate::options::ARENAS_MAX;
use crate::pool::Inner;
use crate::size_class::{PAGE, SizeClass};
use crate::sync::Ordering as PoolOrdering;
use crate::sync::raw::{AtomicU64, Ordering};

/// Version of the layout of [`Stats`].
pub const STATS_VERSION: u32 = 2;

/// A snapshot of a pool. Bytes are bytes of whole blocks or pages; counts are since the pool was made.
///
/// At rest, and without child pools, `used + cached_threads + cached_depot ≤ committed ≤ reserved`; the rest of `committed`
/// is dirty pages, slabs' unused blocks and cached huge mappings.
#[repr(C)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// [`STATS_VERSION`].
    pub version: u32,
    /// Bytes of this struct.
    pub size: u32,
    /// Bytes of the blocks that are out, huge ones included.
    pub used: u64,
    /// Bytes of free blocks in thread caches.
    pub cached_threads: u64,
    /// Bytes of free blocks in the depot.
    pub cached_depot: u64,
    /// Bytes of freed huge mappings that still have their memory.
    pub cached_huge: u64,
    /// Bytes of free pages that still have their memory.
    pub dirty: u64,
    /// Bytes that count against the limit, those of child pools included.
    pub committed: u64,
    /// The most that `committed` ever was.
    pub peak_committed: u64,
    /// Hard limit on `committed`.
    pub limit: u64,
    /// Bytes of address space for blocks.
    pub reserved: u64,
    /// Bytes of address space for bookkeeping; what of it is resident is less.
    pub metadata: u64,
    /// Blocks that are out.
    pub live_blocks: u64,
    /// Blocks ever taken.
    pub allocations: u64,
    /// Blocks ever given back.
    pub frees: u64,
    /// Huge blocks that are out.
    pub huge_live: u64,
    /// Their bytes.
    pub huge_live_bytes: u64,
    /// Threads with a cache.
    pub thread_caches: u64,
    /// Arenas.
    pub arenas: u64,
    /// Chunks.
    pub chunks: u64,
    /// Chunks in each list, `q_init` first.
    pub chunk_lists: [u64; LISTS],
    /// Times that memory went back to the operating system.
    pub purges: u64,
    /// Bytes that went back.
    pub purged_bytes: u64,
    /// Allocations that failed.
    pub failures: u64,
    /// Addresses given back that were no live blocks.
    pub bad_frees: u64,
    /// Allocations that waited for room.
    pub waits: u64,
    /// Writes behind the end of a block or after its release, found in checked mode.
    pub violations: u64,
    /// Bytes of released blocks that checked mode keeps from being reused.
    pub quarantined: u64,
    /// Times that the operating system did not take memory back.
    pub purge_failures: u64,
    /// By arena; those that the pool has not are zero.
    pub by_arena: [ArenaStats; ARENAS_MAX],
    /// By size class.
    pub classes: [ClassStats; SizeClass::COUNT],
}

/// Numbers of one arena.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArenaStats {
    /// Threads that allocate from it.
    pub threads: u64,
    /// Chunks.
    pub chunks: u64,
    /// Bytes of pages in runs and slabs.
    pub used: u64,
    /// Bytes of free pages that still have their memory.
    pub dirty: u64,
}

/// Numbers of one size class.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassStats {
    /// Bytes of a block.
    pub size: u64,
    /// Blocks ever taken.
    pub allocations: u64,
    /// Blocks ever given back.
    pub frees: u64,
    /// Blocks that are out.
    pub live: u64,
    /// Free blocks in thread caches.
    pub cached: u64,
    /// Slabs.
    pub slabs: u64,
    /// Bytes of its slabs that are in no block that is out: free blocks, cached ones, and tails.
    pub slab_waste: u64,
}

/// What is counted for the whole pool, past the thread caches.
#[derive(Debug)]
pub(crate) struct Counters {
    classes: [ClassCounters; SizeClass::COUNT],
    purges: AtomicU64,
    purged_bytes: AtomicU64,
    failures: AtomicU64,
    waits: AtomicU64,
    violations: AtomicU64,
    /// Bad frees that no class was charged with.
    stray_frees: AtomicU64,
}

#[derive(Debug, Default)]
struct ClassCounters {
    allocations: AtomicU64,
    frees: AtomicU64,
    /// Frees that were counted and then refused.
    refused: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Counters {
            classes: std::array::from_fn(|_| ClassCounters::default()),
            purges: AtomicU64::new(0),
            purged_bytes: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            violations: AtomicU64::new(0),
            stray_frees: AtomicU64::new(0),
        }
    }
}

impl Counters {
    pub(crate) fn count(&self, class: SizeClass, allocations: u64, frees: u64) {
        let counters = &self.classes[class.index()];
        for (counter, n) in [(&counters.allocations, allocations), (&counters.frees, frees)] {
            if n > 0 {
                counter.fetch_add(n, Ordering::Relaxed);
            }
        }
    }

    /// Allocations and frees that went past the thread caches.
    pub(crate) fn operations(&self) -> u64 {
        let of_class = |class: &ClassCounters| {
            class.allocations.load(Ordering::Relaxed).wrapping_add(class.frees.load(Ordering::Relaxed))
        };
        self.classes.iter().map(of_class).fold(0, u64::wrapping_add)
    }

    pub(crate) fn count_refused(&self, class: SizeClass) {
        self.classes[class.index()].refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_wait(&self) {
        self.waits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_violation(&self) {
        self.violations.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_bad_free(&self) {
        self.stray_frees.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_purge(&self, bytes: u64) {
        if bytes > 0 {
            self.purges.fetch_add(1, Ordering::Relaxed);
            self.purged_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

impl Stats {
    /// Realised fragmentation: the share of the committed bytes that no block has, in `[0, 1]`; 0 for an empty pool.
    pub fn fragmentation(&self) -> f64 {
        match self.committed {
            0 => 0.0,
            committed => 1.0 - self.used.min(committed) as f64 / committed as f64,
        }
    }

    /// Of a pool that says nothing of itself.
    pub(crate) fn none() -> Stats {
        // SAFETY: integers only.
        let zeroes = unsafe { std::mem::zeroed() };
        Stats { version: STATS_VERSION, size: size_of::<Stats>() as u32, ..zeroes }
    }

    pub(crate) fn of(pool: &Inner) -> Stats {
        let mut stats = Stats::empty(pool);
        stats.add_arenas(pool);
        stats.add_classes(pool);
        stats.add_huge(pool);
        stats
    }

    fn empty(pool: &Inner) -> Stats {
        let budget = &pool.backing.budget;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            version: STATS_VERSION,
            size: size_of::<Stats>() as u32,
            used: 0,
            cached_threads: 0,
            cached_depot: pool.depot.bytes() as u64,
            cached_huge: 0,
            dirty: 0,
            committed: budget.committed() as u64,
            peak_committed: budget.peak() as u64,
            limit: budget.limit() as u64,
            reserved: pool.backing.reserved.load(PoolOrdering::Relaxed) as u64,
            metadata: (pool.backing.metadata.load(PoolOrdering::Relaxed) + pool.backing.map.bytes()) as u64,
            live_blocks: 0,
            allocations: 0,
            frees: 0,
            huge_live: 0,
            huge_live_bytes: 0,
            thread_caches: 0,
            arenas: pool.arenas.len() as u64,
            chunks: 0,
            chunk_lists: [0; LISTS],
            purges: get(&pool.counters.purges),
            purged_bytes: get(&pool.counters.purged_bytes),
            failures: get(&pool.counters.failures),
            bad_frees: get(&pool.counters.stray_frees),
            waits: get(&pool.counters.waits),
            violations: get(&pool.counters.violations),
            purge_failures: pool.backing.refusals.counted(),
            quarantined: pool.checked.as_ref().map_or(0, |checked| checked.quarantined_bytes() as u64),
            by_arena: [ArenaStats::default(); ARENAS_MAX],
            classes: [ClassStats::default(); SizeClass::COUNT],
        }
    }

    fn add_arenas(&mut self, pool: &Inner) {
        for (arena, stats) in pool.arenas.iter().zip(&mut self.by_arena) {
            let figures = arena.figures();
            *stats = ArenaStats {
                threads: arena.threads.load(PoolOrdering::Relaxed) as u64,
                chunks: figures.chunks as u64,
                used: (figures.used_pages * PAGE) as u64,
                dirty: (figures.dirty_pages * PAGE) as u64,
            };
            self.chunks += figures.chunks as u64;
            self.dirty += (figures.dirty_pages * PAGE) as u64;
            self.chunk_lists.iter_mut().zip(figures.lists).for_each(|(sum, n)| *sum += u64::from(n));
            arena.count_slabs(|class, slabs| self.classes[class.index()].slabs += slabs);
        }
    }

    fn add_classes(&mut self, pool: &Inner) {
        // Under this lock no cache is retired, so that none is counted twice or not at all.
        let caches = pool.caches.lock();
        self.thread_caches = caches.live.len() as u64;
        for class in SizeClass::all() {
            let counters = &pool.counters.classes[class.index()];
            let refused = counters.refused.load(Ordering::Relaxed);
            let stats = &mut self.classes[class.index()];
            stats.size = class.size() as u64;
            stats.allocations = counters.allocations.load(Ordering::Relaxed);
            stats.frees = counters.frees.load(Ordering::Relaxed).wrapping_sub(refused);
            for cache in &caches.live {
                let counts = cache.counts(class);
                stats.allocations = stats.allocations.wrapping_add(counts.allocations);
                stats.frees = stats.frees.wrapping_add(counts.frees);
                stats.cached += cache.len(class) as u64;
            }
            // A block that moves while it is being counted may be seen freed and not yet taken.
            stats.live = stats.allocations.saturating_sub(stats.frees);
            if !class.is_run() {
                stats.slab_waste =
                    (stats.slabs * (class.pages() * PAGE) as u64).saturating_sub(stats.live * stats.size);
            }
            self.bad_frees += refused;
            self.allocations += stats.allocations;
            self.frees = self.frees.wrapping_add(stats.frees);
            self.live_blocks += stats.live;
            self.used += stats.live * stats.size;
            self.cached_threads += stats.cached * stats.size;
        }
    }

    fn add_huge(&mut self, pool: &Inner) {
        let figures = pool.huge.figures();
        self.huge_live = figures.live as u64;
        self.huge_live_bytes = figures.live_bytes as u64;
        self.cached_huge = figures.cached_bytes as u64;
        self.allocations += figures.allocations;
        self.frees += figures.frees;
        self.live_blocks += figures.live as u64;
        self.used += figures.live_bytes as u64;
    }
}
