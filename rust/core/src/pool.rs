//! The pool: the public face, and the way of a block through caches, depot and arenas.

use std::sync::Arc;
use std::time::Duration;

use crate::address_map::AddressMap;
use crate::arena::Arena;
use crate::backing::Backing;
use crate::block::Block;
use crate::cache::batch::Batch;
use crate::cache::depot::Depot;
use crate::cache::local;
use crate::cache::thread::ThreadCache;
use crate::decay::Clock;
use crate::error::{BadFree, Error};
use crate::huge::{Huge, HugeBlocks};
use crate::limit::Budget;
use crate::options::Options;
use crate::os::{self, Os};
use crate::size_class::{BATCH_MAX, SizeClass};
use crate::stats::{Counters, Stats};
use crate::sync::raw::AtomicU64;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};

/// A pool of memory blocks.
///
/// A `Pool` is a handle: cloning it is cheap, and the last one dropped unmaps everything.
///
/// The pool has neither a thread nor a clock. Whoever owns it calls [`Pool::tick`] about ten times per decay time;
/// without ticks nothing goes back to the operating system but by [`Pool::trim`] and [`Pool::close`].
///
/// Threading: every method may be called from any thread at any time.
#[derive(Debug, Clone)]
pub struct Pool(pub(crate) Arc<Inner>);

/// What the handles of a pool share.
#[derive(Debug)]
pub(crate) struct Inner {
    /// Never 0, never used again.
    pub(crate) id: u64,
    pub(crate) options: Options,
    pub(crate) backing: Backing,
    pub(crate) arenas: Vec<Arena>,
    pub(crate) depot: Depot,
    pub(crate) huge: HugeBlocks,
    pub(crate) caches: Mutex<Caches>,
    pub(crate) counters: Counters,
    ticker: Mutex<Ticker>,
    closed: AtomicBool,
}

/// All thread caches of a pool.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    pub(crate) live: Vec<Arc<ThreadCache>>,
    /// Empty ones of threads that ended, for the next threads.
    pub(crate) spare: Vec<Arc<ThreadCache>>,
}

#[derive(Debug, Default)]
struct Ticker {
    /// What the first tick called the time.
    origin: Option<Duration>,
    latest: Duration,
    depot_decayed_at: u32,
}

/// The depot decays this often in a decay time.
const DEPOT_ROUNDS: u32 = 4;

impl Pool {
    /// Makes a pool.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a value out of its range, [`Error::OutOfMemory`] if the first bookkeeping pages
    /// cannot be mapped.
    pub fn new(options: Options) -> Result<Pool, Error> {
        Pool::with_os(options, os::host())
    }

    /// Makes a pool over another operating system than the one that is there, for tests of what happens when it fails.
    ///
    /// # Errors
    /// As [`Pool::new`].
    #[cfg(any(test, feature = "testing"))]
    pub fn new_on(options: Options, os: &'static dyn Os) -> Result<Pool, Error> {
        Pool::with_os(options, os)
    }

    fn with_os(options: Options, os: &'static dyn Os) -> Result<Pool, Error> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        options.validate()?;
        let label = format!("millpond:{}", options.name);
        let map = AddressMap::new(os, &label).map_err(|errno| Error::OutOfMemory { requested: 0, errno: errno.0 })?;
        let parent = options.parent.as_ref().map(|parent| parent.0.backing.budget.clone());
        let arenas = options.arena_count();
        let backing = Backing {
            os,
            budget: Budget::new(options.name.clone(), options.max_bytes, parent),
            map,
            clock: Clock::new(options.decay),
            label,
            purge: options.purge,
            huge_pages: options.huge_pages,
            reserved: AtomicUsize::new(0),
            metadata: AtomicUsize::new(0),
        };
        Ok(Pool(Arc::new(Inner {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            backing,
            arenas: (0..arenas).map(Arena::new).collect(),
            depot: Depot::new(arenas, options.depot_bytes),
            huge: HugeBlocks::default(),
            caches: Mutex::default(),
            counters: Counters::default(),
            ticker: Mutex::default(),
            closed: AtomicBool::new(false),
            options,
        })))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.options.name
    }

    /// A block of at least `size` bytes, aligned to 64 bytes; its contents are whatever was there before.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::LimitReached`], [`Error::OutOfMemory`].
    #[inline]
    pub fn allocate(&self, size: usize) -> Result<Block<'_>, Error> {
        let Some(class) = SizeClass::of(size) else {
            let huge = self.take_huge(size)?;
            return Ok(Block::new(self, huge.address, size, None));
        };
        let cached = local::with_current(&self.0, |cache| {
            let _inside = cache.gate.enter()?;
            cache.pop(class)
        });
        let address = match cached.flatten() {
            Some(address) => address,
            None => self.0.allocate_slowly(class)?,
        };
        Ok(Block::new(self, address, size, Some(class)))
    }

    /// Takes back a block of `class`.
    ///
    /// # Safety
    /// As for [`Pool::give`].
    #[inline]
    pub(crate) unsafe fn release(&self, class: SizeClass, address: usize) {
        let pushed = local::with_current(&self.0, |cache| {
            let _inside = cache.gate.enter()?;
            cache.push(class, address).then_some(())
        });
        if pushed.flatten().is_none() {
            self.0.release_slowly(class, address);
        }
    }

    /// Fills `out` with blocks of `class`, from the thread's cache as far as it reaches. Returns how many there were,
    /// at least one unless `out` is empty.
    ///
    /// # Errors
    /// As [`Pool::allocate`]; nothing is taken then.
    pub fn take(&self, class: SizeClass, out: &mut [usize]) -> Result<usize, Error> {
        if out.is_empty() {
            return Ok(0);
        }
        let taken = local::with_current(&self.0, |cache| {
            let _inside = cache.gate.enter()?;
            Some(cache.pop_many(class, out))
        });
        match taken.flatten() {
            Some(taken) if taken > 0 => Ok(taken),
            _ => self.0.take_slowly(class, out),
        }
    }

    /// Takes blocks of `class` back, into the thread's cache as far as it has room. Returns how many were refused
    /// because they are not live blocks of that class; these are left alone and counted.
    ///
    /// # Safety
    /// Nobody uses the blocks any more.
    pub unsafe fn give(&self, class: SizeClass, blocks: &[usize]) -> usize {
        let put = local::with_current(&self.0, |cache| {
            let _inside = cache.gate.enter()?;
            Some(cache.push_many(class, blocks))
        });
        let put = put.flatten().unwrap_or(0);
        if put == blocks.len() { 0 } else { self.0.give_slowly(class, &blocks[put..]) }
    }

    /// As [`Pool::take`], past the thread's cache: for threads that should have none.
    ///
    /// # Errors
    /// As [`Pool::allocate`].
    pub fn take_shared(&self, class: SizeClass, out: &mut [usize]) -> Result<usize, Error> {
        let taken = self.0.fetch(class, out, None)?;
        self.0.counters.count(class, taken as u64, 0);
        Ok(taken)
    }

    /// As [`Pool::give`], past the thread's cache.
    ///
    /// # Safety
    /// As for [`Pool::give`].
    pub unsafe fn give_shared(&self, class: SizeClass, blocks: &[usize]) -> usize {
        self.0.counters.count(class, 0, blocks.len() as u64);
        self.0.settle(class, blocks, 0)
    }

    /// A block with a mapping of its own; for sizes above [`LARGEST`](crate::LARGEST).
    ///
    /// # Errors
    /// As [`Pool::allocate`].
    pub fn take_huge(&self, size: usize) -> Result<Huge, Error> {
        let inner = &*self.0;
        inner.with_room(|| inner.huge.allocate(&inner.backing, size))
    }

    /// Takes back a block with a mapping of its own.
    ///
    /// # Errors
    /// [`Error::BadFree`] if `address` is not the start of one that is live; it is left alone and counted.
    ///
    /// # Safety
    /// Nobody uses the block any more.
    pub unsafe fn give_huge(&self, address: usize) -> Result<(), Error> {
        let inner = &*self.0;
        let freed = inner.huge.free(&inner.backing, address).inspect_err(|_| inner.counters.count_bad_free());
        if inner.is_closed() {
            inner.purge_all();
        }
        freed.map(|_| ())
    }

    /// Takes back a block by nothing but its address, as `free` does.
    ///
    /// # Errors
    /// [`Error::BadFree`] if `address` is not the start of a live block of this pool, as far as that can be told at
    /// once: a double release may be found only when the batch it is in leaves the thread's cache.
    ///
    /// # Safety
    /// Nobody uses the block any more.
    pub unsafe fn free(&self, address: usize) -> Result<(), Error> {
        let inner = &*self.0;
        let Some(chunk) = inner.backing.map.find(address) else {
            // SAFETY: the caller's promise is the same.
            return unsafe { self.give_huge(address) };
        };
        match chunk.locate(address) {
            Ok(at) if chunk.is_out(at.page, at.block) => {
                // SAFETY: the caller's promise is the same.
                unsafe { self.release(at.class, address) };
                Ok(())
            }
            found => {
                inner.counters.count_bad_free();
                Err(Error::BadFree { address, reason: found.err().unwrap_or(BadFree::Double) })
            }
        }
    }

    /// Bytes of the live block at `address`, whose size class may be larger than what was asked for.
    pub fn usable_size(&self, address: usize) -> Option<usize> {
        match self.0.backing.map.find(address) {
            Some(chunk) => chunk.locate(address).ok().map(|at| at.class.size()),
            None => self.0.huge.capacity_at(address),
        }
    }

    /// Does what time asks for: empties the caches of threads that were idle for the decay time, and gives a share of
    /// the memory that was free for long enough back to the operating system.
    ///
    /// `now` is monotonic time since any fixed origin. Ticks may come late or not at all; a second one at the same
    /// time does nothing.
    pub fn tick(&self, now: Duration) {
        let inner = &*self.0;
        let Some(mut ticker) = inner.ticker.try_lock() else {
            return;
        };
        let since = now.saturating_sub(*ticker.origin.get_or_insert(now));
        ticker.latest = ticker.latest.max(since);
        let clock = &inner.backing.clock;
        clock.set(ticker.latest);
        let idle: Vec<_> = inner.live_caches().into_iter().filter(|cache| cache.is_idle(clock)).collect();
        inner.empty(&idle, false);
        if clock.age(ticker.depot_decayed_at) >= clock.decay() / DEPOT_ROUNDS {
            ticker.depot_decayed_at = clock.now();
            inner.depot.decay(false, |blocks| inner.release_to_arenas(blocks));
        }
        inner.purge(false);
    }

    /// Gives all free memory back to the operating system now, whoever's cache it is in. Returns the bytes.
    pub fn trim(&self) -> usize {
        self.0.reclaim()
    }

    /// Refuses new blocks from now on and gives all free memory back. Live blocks stay valid, and go back as they are
    /// released. Returns the bytes of the blocks that are still out. May be called again.
    pub fn close(&self) -> usize {
        let inner = &*self.0;
        inner.closed.store(true, Ordering::SeqCst);
        inner.empty(&inner.live_caches(), true);
        inner.reclaim();
        self.stats().used as usize
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// What the pool holds. Taken without stopping anybody: each figure is true, but they are of slightly different
    /// moments; they add up exactly when the pool is quiet.
    pub fn stats(&self) -> Stats {
        Stats::of(&self.0)
    }

    /// Walks the whole pool and says what is wrong with it, for tests. It is to be quiet meanwhile: what another
    /// thread has half done looks wrong.
    ///
    /// # Errors
    /// The first contradiction found, in words.
    pub fn check_invariants(&self) -> Result<(), String> {
        crate::check::check(&self.0)
    }
}

impl Inner {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(crate) fn live_caches(&self) -> Vec<Arc<ThreadCache>> {
        self.caches.lock().live.clone()
    }

    #[cold]
    fn allocate_slowly(self: &Arc<Self>, class: SizeClass) -> Result<usize, Error> {
        let mut block = [0];
        self.take_slowly(class, &mut block).map(|_| block[0])
    }

    /// Fills `out`; what else the depot or the arena gives goes into the thread's cache.
    #[cold]
    fn take_slowly(self: &Arc<Self>, class: SizeClass, out: &mut [usize]) -> Result<usize, Error> {
        if local::make_current(self)
            && let Some(taken) = local::with_current(self, |cache| self.take_through(cache, class, out))
        {
            return taken;
        }
        let taken = self.fetch(class, out, None)?;
        self.counters.count(class, taken as u64, 0);
        Ok(taken)
    }

    fn take_through(&self, cache: &ThreadCache, class: SizeClass, out: &mut [usize]) -> Result<usize, Error> {
        let passed = cache.gate.pass();
        // The cache may have blocks after all: another one was this thread's current one, or the gate was shut.
        let taken = if self.is_closed() { 0 } else { cache.pop_many(class, out) };
        if taken > 0 {
            return Ok(taken);
        }
        let evicted = cache.grow(class);
        let room = cache.room(class);
        drop(passed);
        self.settle_evicted(evicted, cache.number);
        let mut batch = [0; BATCH_MAX];
        let wanted = class.batch().min(out.len() + room);
        let fetched = self.fetch(class, &mut batch[..wanted], Some(cache))?;
        let (mine, rest) = batch[..fetched].split_at(out.len().min(fetched));
        out[..mine.len()].copy_from_slice(mine);
        let passed = cache.gate.pass();
        cache.count(class, mine.len() as u64, 0);
        let stocked = cache.stock(class, rest);
        drop(passed);
        self.settle(class, &rest[stocked..], cache.number);
        Ok(mine.len())
    }

    #[cold]
    fn release_slowly(self: &Arc<Self>, class: SizeClass, address: usize) {
        self.give_slowly(class, &[address]);
    }

    /// Gives what the thread's cache has no room for to the depot, with as much of the cache as makes a batch.
    #[cold]
    fn give_slowly(self: &Arc<Self>, class: SizeClass, blocks: &[usize]) -> usize {
        if local::make_current(self)
            && let Some(refused) = local::with_current(self, |cache| self.give_through(cache, class, blocks))
        {
            return refused;
        }
        self.counters.count(class, 0, blocks.len() as u64);
        self.settle(class, blocks, 0)
    }

    fn give_through(&self, cache: &ThreadCache, class: SizeClass, blocks: &[usize]) -> usize {
        let passed = cache.gate.pass();
        if self.is_closed() {
            cache.count(class, 0, blocks.len() as u64);
            drop(passed);
            return self.settle(class, blocks, cache.number);
        }
        let evicted = cache.grow(class);
        let put = cache.push_many(class, blocks);
        let rest = &blocks[put..];
        cache.count(class, 0, rest.len() as u64);
        // One block too many is taken for a sign of more to come: a whole batch leaves with it.
        let surplus = if rest.is_empty() { 0 } else { class.batch().saturating_sub(rest.len()) };
        let mut batch = cache.unstock(class, surplus);
        drop(passed);
        self.settle_evicted(evicted, cache.number);
        if batch.len() + rest.len() <= class.batch() {
            batch.extend(rest);
            return self.settle(class, batch.blocks(), cache.number);
        }
        self.settle(class, batch.blocks(), cache.number) + self.settle(class, rest, cache.number)
    }

    fn settle_evicted(&self, evicted: Option<(SizeClass, Batch)>, number: usize) {
        if let Some((class, batch)) = evicted {
            self.settle(class, batch.blocks(), number);
        }
    }

    /// Takes up to `out.len()` blocks from the depot, else from an arena, making room if the limit is reached.
    fn fetch(&self, class: SizeClass, out: &mut [usize], cache: Option<&ThreadCache>) -> Result<usize, Error> {
        let (number, home) = cache.map_or((0, 0), |cache| (cache.number, cache.arena));
        self.with_room(|| {
            let taken = self.depot.take(class, number, out);
            if taken > 0 {
                self.check_out(&out[..taken]);
                return Ok(taken);
            }
            let mut result = self.arenas[home].allocate(&self.backing, class, out);
            // Another arena may have free pages where this one would need new ones.
            for turn in 1..self.arenas.len() {
                if result.is_ok() {
                    break;
                }
                let other = &self.arenas[(home + turn) % self.arenas.len()];
                result = other.allocate(&self.backing, class, out);
            }
            result
        })
    }

    fn check_out(&self, blocks: &[usize]) {
        for &block in blocks {
            let chunk = self.backing.map.find(block).expect("the depot has blocks of this pool only");
            let at = chunk.locate(block).expect("the depot has checked blocks only");
            chunk.check_out(at.page, at.block);
        }
    }

    /// Runs `allocate`; if that finds the limit reached or the system unwilling, frees what is free and tries once
    /// more.
    fn with_room<T>(&self, mut allocate: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        if self.is_closed() {
            return Err(Error::Closed { pool: self.options.name.clone() });
        }
        allocate().or_else(|_| {
            self.reclaim();
            allocate().inspect_err(|_| self.counters.count_failure())
        })
    }

    /// Checks blocks that leave a cache, and passes them to the depot or, if that is full, to their arenas. Returns how
    /// many were refused.
    pub(crate) fn settle(&self, class: SizeClass, blocks: &[usize], number: usize) -> usize {
        let mut refused = 0;
        for blocks in blocks.chunks(BATCH_MAX) {
            let mut batch = Batch::new();
            for &block in blocks {
                match self.check_in(class, block) {
                    Ok(()) => batch.push(block),
                    Err(_) => refused += 1,
                }
            }
            if batch.blocks().is_empty() {
                continue;
            }
            if self.is_closed() || !self.depot.give(class, number, batch.blocks()) {
                self.release_to_arenas(batch.blocks());
            }
        }
        self.counters.count_refused(class, refused as u64);
        if self.is_closed() && !blocks.is_empty() {
            self.purge_all();
        }
        refused
    }

    fn check_in(&self, class: SizeClass, block: usize) -> Result<(), BadFree> {
        self.backing.map.find(block).ok_or(BadFree::Foreign)?.check_in(class, block)
    }

    fn release_to_arenas(&self, mut blocks: &[usize]) {
        while let Some(&first) = blocks.first() {
            let arena = self.backing.map.find(first).expect("a checked block lies in a chunk").arena();
            let freed = self.arenas[arena].free(&self.backing, blocks);
            blocks = &blocks[freed..];
        }
    }

    /// Empties caches, whoever owns them, into the arenas. With `forever`, their owners go the slow way from now on.
    /// Without `membarrier`, other threads' caches stay as they are.
    fn empty(&self, caches: &[Arc<ThreadCache>], forever: bool) {
        if caches.is_empty() {
            return;
        }
        let mut gates: Vec<_> = caches.iter().map(|cache| cache.gate.shut()).collect();
        if forever {
            gates.iter_mut().for_each(|gate| gate.stay());
        }
        if !self.backing.os.membarrier() {
            return;
        }
        for (cache, gate) in caches.iter().zip(&gates) {
            gate.wait();
            self.drain(cache);
        }
    }

    /// Empties a cache whose gate is shut, or whose owner is doing it.
    fn drain(&self, cache: &ThreadCache) {
        for class in SizeClass::all() {
            while cache.len(class) > 0 {
                let batch = cache.unstock(class, class.batch());
                let mut good = Batch::new();
                for &block in batch.blocks() {
                    match self.check_in(class, block) {
                        Ok(()) => good.push(block),
                        Err(_) => self.counters.count_refused(class, 1),
                    }
                }
                self.release_to_arenas(good.blocks());
            }
        }
        cache.reset_capacity();
    }

    /// Empties every cache and the depot, and gives all free memory back. Returns the bytes.
    fn reclaim(&self) -> usize {
        self.empty(&self.live_caches(), false);
        self.purge_all()
    }

    fn purge_all(&self) -> usize {
        self.depot.decay(true, |blocks| self.release_to_arenas(blocks));
        self.purge(true)
    }

    fn purge(&self, all: bool) -> usize {
        let arenas: usize = self.arenas.iter().map(|arena| arena.purge(&self.backing, all)).sum();
        let bytes = arenas + self.huge.purge(&self.backing, all, self.options.keep_addresses);
        self.counters.count_purge(bytes as u64);
        bytes
    }

    /// A cache for a thread that has none yet; `None` if there is no memory for one.
    pub(crate) fn enlist(&self) -> Option<Arc<ThreadCache>> {
        let mut caches = self.caches.lock();
        let cache = match caches.spare.pop() {
            Some(cache) => cache,
            None => {
                let number = caches.live.len();
                let arena = (0..self.arenas.len()).min_by_key(|&a| self.arenas[a].threads.load(Ordering::Relaxed))?;
                let budget = self.options.thread_cache_bytes;
                let cache = ThreadCache::new(self.backing.os, &self.backing.label, budget, number, arena).ok()?;
                self.backing.metadata.fetch_add(ThreadCache::METADATA, Ordering::Relaxed);
                Arc::new(cache)
            }
        };
        self.arenas[cache.arena].threads.fetch_add(1, Ordering::Relaxed);
        caches.live.push(cache.clone());
        Some(cache)
    }

    /// Takes back the cache of a thread that ends.
    pub(crate) fn retire(&self, cache: &Arc<ThreadCache>) {
        let gate = cache.gate.shut();
        self.drain(cache);
        drop(gate);
        self.arenas[cache.arena].threads.fetch_sub(1, Ordering::Relaxed);
        let mut caches = self.caches.lock();
        for class in SizeClass::all() {
            let counts = cache.take_counts(class);
            self.counters.count(class, counts.allocations, counts.frees);
        }
        caches.live.retain(|live| !Arc::ptr_eq(live, cache));
        if !self.is_closed() {
            caches.spare.push(cache.clone());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for arena in &mut self.arenas {
            // SAFETY: blocks borrow the pool; who took them by address promised to give them back or forget them.
            unsafe { arena.unmap(&self.backing) };
        }
        // SAFETY: as above.
        unsafe { self.huge.unmap(&self.backing) };
        self.backing.budget.release(self.backing.budget.committed());
    }
}
