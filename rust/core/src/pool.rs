//! The pool: the public face, and the fast path.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::address_map::AddressMap;
use crate::arena::Arena;
use crate::arena::run::CommitUnit;
use crate::backing::{Backing, Refusals};
use crate::block::Block;
use crate::cache::depot::Depot;
use crate::cache::local;
use crate::cache::thread::{Allowance, MARK, ThreadCache};
use crate::checked::{Checked, CheckedBlock, REDZONE};
use crate::decay::Clock;
use crate::error::Error;
use crate::fork::Generation;
use crate::huge::{Huge, HugeBlocks};
use crate::limit::Budget;
use crate::line::Place;
use crate::options::Options;
use crate::os::{self, Errno, Os};
use crate::report::{Report, Reports};
use crate::room::Want;
use crate::size_class::SizeClass;
use crate::stats::{Counters, Stats};
use crate::sync::raw::AtomicU64;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, Once, Ordering};

/// A pool of memory blocks.
///
/// A `Pool` is a handle: cloning it is cheap, and the last one dropped unmaps everything.
///
/// The pool has neither a thread nor a clock. Whoever owns it calls [`Pool::tick`] about ten times per decay time;
/// without ticks nothing goes back to the operating system but by [`Pool::trim`] and [`Pool::close`].
///
/// Threading: every method may be called from any thread at any time.
///
/// In a forked child a pool of the parent gives no blocks out ([`Error::Forked`]), ignores those that are given back, and
/// says nothing of itself (zeroes, no reports). Blocks that are out can be used, each process its own copy; and the child
/// may make pools of its own.
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
    pub(crate) allowance: Arc<Allowance>,
    pub(crate) counters: Counters,
    pub(crate) reports: Reports,
    /// Only in checked mode.
    pub(crate) checked: Option<Checked>,
    /// Pools that have this one for a parent.
    pub(crate) children: Mutex<Vec<Weak<Inner>>>,
    /// Held by whoever empties other threads' caches.
    pub(crate) maintenance: Mutex<Ticker>,
    /// Done when the first block was freed by its address.
    pub(crate) freed_by_address: Once,
    /// Whether what a cache fetches stays marked as free until it is handed out.
    pub(crate) marks_fetched: AtomicBool,
    /// Number of the last reclaim that began.
    pub(crate) reclaimed_at: AtomicU64,
    pub(crate) closed: AtomicBool,
    /// Whether the system has `membarrier`; if not, the gates of all caches are shut for good.
    pub(crate) has_barrier: bool,
    /// The process that made it.
    pub(crate) generation: Generation,
}

impl Drop for Pool {
    fn drop(&mut self) {
        // In a forked child, nothing that was being changed at that moment may be taken apart: the last handle stays.
        if self.0.is_forked() {
            std::mem::forget(self.0.clone());
        }
    }
}

/// All thread caches of a pool.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    pub(crate) live: Vec<Arc<ThreadCache>>,
    /// A few empty ones of threads that ended, for the next threads.
    pub(crate) spare: Vec<Arc<ThreadCache>>,
}

#[derive(Debug, Default)]
pub(crate) struct Ticker {
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
    /// cannot be mapped, [`Error::Unsupported`] on a system whose memory pages are larger than 64 KiB.
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
        os::check_page_size(os)?;
        options.parent.as_ref().map_or(Ok(()), |parent| parent.0.refuse_if_forked())?;
        let refused = |errno: Errno| Error::OutOfMemory { requested: 0, errno: errno.0 };
        let generation = Generation::watched().map_err(refused)?;
        let label = format!("millpond:{}", options.name);
        let map = AddressMap::new(os, &label).map_err(refused)?;
        let parent = options.parent.as_ref().map(|parent| parent.0.backing.budget.clone());
        let arenas = options.arena_count();
        let backing = Backing {
            os,
            os_page: os.page_size(),
            refusals: Refusals::default(),
            budget: Budget::new(options.name.clone(), options.max_bytes, parent),
            map,
            clock: Clock::new(options.decay),
            label,
            huge_pages: options.huge_pages,
            reserved: AtomicUsize::new(0),
            metadata: AtomicUsize::new(0),
        };
        let inner = Arc::new(Inner {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            backing,
            arenas: (0..arenas).map(|index| Arena::new(index, CommitUnit::of(os.page_size()))).collect(),
            depot: Depot::new(arenas, options.depot_bytes),
            huge: HugeBlocks::default(),
            caches: Mutex::default(),
            allowance: Arc::new(Allowance::new(options.all_caches_bytes)),
            counters: Counters::default(),
            reports: Reports::default(),
            checked: options.checked.then(|| Checked::new(options.quarantine_bytes)),
            children: Mutex::default(),
            maintenance: Mutex::default(),
            freed_by_address: Once::new(),
            marks_fetched: AtomicBool::new(false),
            reclaimed_at: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            has_barrier: os.membarrier(),
            generation,
            options,
        });
        if let Some(parent) = &inner.options.parent {
            let mut siblings = parent.0.children.lock();
            siblings.retain(|child| child.strong_count() > 0);
            siblings.push(Arc::downgrade(&inner));
        }
        Ok(Pool(inner))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.options.name
    }

    /// A block of at least `size` bytes, aligned to 64 bytes; its contents are whatever was there before.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::LimitReached`], [`Error::OutOfMemory`].
    #[inline(always)]
    pub fn allocate(&self, size: usize) -> Result<Block<'_>, Error> {
        self.allocate_or(size, |size| self.0.counted(self.allocate_rarely(size, None)))
    }

    #[inline(always)]
    fn allocate_or(
        &self,
        size: usize,
        rarely: impl FnOnce(usize) -> Result<(usize, Option<SizeClass>), Error>,
    ) -> Result<Block<'_>, Error> {
        // One place makes the block, out of two registers: a block that the slow path had put together would have to be
        // copied through memory on the fast one as well (5 ns).
        let fast = SizeClass::of(size).and_then(|class| {
            let entry = self.in_cache(|cache| cache.pop(class))?;
            Some((self.0.unmark(class, entry), Some(class)))
        });
        let (address, class) = match fast {
            Some(found) => found,
            None => rarely(size)?,
        };
        Ok(Block::new(self, address, size, class))
    }

    /// As [`Pool::allocate`]; where the limit is reached, waits for room until `timeout` is over.
    ///
    /// Those who wait at a limit, this pool's or an ancestor's, are served first come first. Others may be served before
    /// the one who has waited longest, waiting or not, if there is room for what they want and not for him: 64 times. Then
    /// they are refused, or wait, until he was served or gave up. What is above the limit is refused at once.
    ///
    /// # Errors
    /// As [`Pool::allocate`].
    pub fn allocate_within(&self, size: usize, timeout: Duration) -> Result<Block<'_>, Error> {
        self.0.within(Want::of(self.watched(size)), timeout, |place| {
            self.allocate_or(size, |size| self.allocate_rarely(size, place))
        })
    }

    /// Past the thread's cache: it is empty, or the block is huge, or the pool is in checked mode.
    #[cold]
    fn allocate_rarely(&self, size: usize, place: Option<Place>) -> Result<(usize, Option<SizeClass>), Error> {
        let watched = self.watched(size);
        let class = SizeClass::of(watched);
        let (address, usable) = match class {
            Some(class) => (self.0.allocate_slowly(class, place)?, class.size()),
            None => self.0.take_huge(watched, place).map(|huge| (huge.address, huge.capacity))?,
        };
        if let Some(checked) = &self.0.checked {
            checked.enter(CheckedBlock { address, size, usable });
        }
        Ok((address, class))
    }

    /// What is taken for a block of `size` bytes.
    fn watched(&self, size: usize) -> usize {
        if self.0.checked.is_some() { size.saturating_add(REDZONE) } else { size }
    }

    /// The fast path: runs `act` inside the gate of this thread's cache, if the gate is open and the cache the current one.
    #[inline(always)]
    fn in_cache<R>(&self, act: impl FnOnce(&ThreadCache) -> Option<R>) -> Option<R> {
        local::with_current(&self.0, |cache| {
            let _inside = cache.gate.enter()?;
            act(cache)
        })
        .flatten()
    }

    /// Takes back a block of `class`, given as an entry of the thread's cache.
    ///
    /// # Safety
    /// As for [`Pool::give`].
    #[inline]
    pub(crate) unsafe fn release(&self, class: SizeClass, entry: usize) {
        if self.in_cache(|cache| cache.push(class, entry).then_some(())).is_none() {
            self.0.give_slowly(class, &[entry]);
        }
    }

    /// Fills `out` with blocks of `class`, from the thread's cache as far as it reaches. Returns how many there were,
    /// at least one unless `out` is empty.
    ///
    /// # Errors
    /// As [`Pool::allocate`]; nothing is taken then.
    pub fn take(&self, class: SizeClass, out: &mut [usize]) -> Result<usize, Error> {
        self.0.counted(self.take_uncounted(class, out, None))
    }

    fn take_uncounted(&self, class: SizeClass, out: &mut [usize], place: Option<Place>) -> Result<usize, Error> {
        if out.is_empty() {
            return Ok(0);
        }
        match self.in_cache(|cache| Some(cache.pop_many(class, out))) {
            Some(popped) if popped.count > 0 => Ok(self.0.unmark_all(class, popped, out)),
            _ => self.0.take_slowly(class, out, place),
        }
    }

    /// As [`Pool::take`]; where the limit is reached, waits as [`Pool::allocate_within`] does.
    ///
    /// # Errors
    /// As [`Pool::allocate`].
    pub fn take_within(&self, class: SizeClass, out: &mut [usize], timeout: Duration) -> Result<usize, Error> {
        self.0.within(Want::of_class(class), timeout, |place| self.take_uncounted(class, out, place))
    }

    /// Takes blocks of `class` back, into the thread's cache as far as it has room. Returns how many were refused.
    ///
    /// What stays in the thread's cache is looked at only when it leaves it for the depot or an arena: an address that
    /// is no live block of that class is then left alone, counted and reported. Until then [`Pool::take`] and
    /// [`Pool::allocate`] may hand out again what is in the cache, whatever it is.
    ///
    /// # Safety
    /// The blocks were taken from this pool and class, and nobody uses them any more.
    pub unsafe fn give(&self, class: SizeClass, blocks: &[usize]) -> usize {
        let put = self.in_cache(|cache| Some(cache.push_given(class, blocks))).unwrap_or(0);
        if put == blocks.len() {
            return 0;
        }
        self.0.give_unmarked(class, &blocks[put..], |blocks| self.0.give_slowly(class, blocks))
    }

    /// As [`Pool::take`], past the thread's cache: for threads that should have none.
    ///
    /// # Errors
    /// As [`Pool::allocate`].
    pub fn take_shared(&self, class: SizeClass, out: &mut [usize]) -> Result<usize, Error> {
        let taken = self.0.counted(self.0.fetch(class, out, None, None))?;
        self.0.counters.count(class, taken as u64, 0);
        Ok(taken)
    }

    /// As [`Pool::give`], past the thread's cache.
    ///
    /// # Safety
    /// As for [`Pool::give`].
    pub unsafe fn give_shared(&self, class: SizeClass, blocks: &[usize]) -> usize {
        self.0.give_unmarked(class, blocks, |blocks| self.0.give_past(class, blocks))
    }

    /// Joins the line of those who wait for a block of `size` bytes, for who sleeps by other means than
    /// [`Pool::allocate_within`] does. Returns the place, which must be [left](Pool::leave_line).
    ///
    /// # Errors
    /// [`Error::LimitReached`] if no limit would ever allow it.
    pub fn join_line(&self, size: usize) -> Result<u64, Error> {
        self.0.join_line(Want::of(self.watched(size)))
    }

    /// Leaves the line.
    pub fn leave_line(&self, place: u64) {
        if !self.0.is_forked() {
            self.0.backing.budget.leave(place, &self.0);
        }
    }

    /// Whether the one at `place` was called since this was last asked, and should try.
    pub fn is_called(&self, place: u64) -> bool {
        !self.0.is_forked() && self.0.backing.budget.line().is_called(place)
    }

    /// The address of a block of at least `size` bytes for the one at `place`, past all caches. If there is no room, the
    /// next one may have been called.
    ///
    /// # Errors
    /// As [`Pool::allocate`].
    pub fn allocate_in_line(&self, size: usize, place: u64) -> Result<usize, Error> {
        let result = match SizeClass::of(size) {
            Some(class) if self.0.checked.is_none() => {
                let mut block = [0];
                self.0.fetch(class, &mut block, None, Some(place)).map(|taken| {
                    self.0.counters.count(class, taken as u64, 0);
                    block[0]
                })
            }
            _ => self.allocate_rarely(size, Some(place)).map(|(address, _)| address),
        };
        if let Err(Error::LimitReached { level, .. }) = result {
            self.0.backing.budget.refused(place, level, &self.0);
        }
        result
    }

    /// A block with a mapping of its own; for sizes above [`LARGEST`](crate::LARGEST).
    ///
    /// # Errors
    /// As [`Pool::allocate`].
    pub fn take_huge(&self, size: usize) -> Result<Huge, Error> {
        self.0.counted(self.0.take_huge(size, None))
    }

    /// As [`Pool::take_huge`]; where the limit is reached, waits as [`Pool::allocate_within`] does.
    ///
    /// # Errors
    /// As [`Pool::allocate`].
    pub fn take_huge_within(&self, size: usize, timeout: Duration) -> Result<Huge, Error> {
        self.0.within(Want::of_huge(size), timeout, |place| self.0.take_huge(size, place))
    }

    /// Takes back a block with a mapping of its own.
    ///
    /// # Errors
    /// [`Error::BadFree`] if `address` is not the start of one that is live, at once and always; it is left alone and
    /// reported.
    ///
    /// # Safety
    /// Nobody uses the block any more.
    pub unsafe fn give_huge(&self, address: usize) -> Result<(), Error> {
        self.0.release_huge(address)
    }

    /// Takes back a block by nothing but its address, as `free` does.
    ///
    /// A second `free` of a block is refused wherever the block is meanwhile, until it is handed out again; then it is
    /// the new owner's that is freed. Not noticed is a block that was given back before in another way, which trusts
    /// the caller ([`Pool::free_sized`], [`Pool::give`], dropping the [`Block`]), and still lies in a thread's cache.
    ///
    /// # Errors
    /// [`Error::BadFree`] if `address` is not the start of a live block of this pool; it is left alone and reported.
    ///
    /// # Safety
    /// Nobody uses the block any more.
    pub unsafe fn free(&self, address: usize) -> Result<(), Error> {
        let inner = &self.0;
        if inner.is_forked() {
            return Ok(());
        }
        let Some(chunk) = inner.backing.map.find(address) else {
            return inner.release_huge(address);
        };
        if let Some(checked) = &inner.checked {
            return inner.free_checked(checked, address);
        }
        inner.mark_fetched();
        match chunk.locate(address).and_then(|at| chunk.check_in(at).map(|()| at.class)) {
            Ok(class) => {
                // SAFETY: the caller's promise is the same, and the block is marked as free.
                unsafe { self.release(class, address | MARK) };
                Ok(())
            }
            Err(reason) => Err(inner.refuse(None, address, reason)),
        }
    }

    /// As [`Pool::free`], for who still knows the size that was asked for, and faster: whether the block is free already
    /// is not asked.
    ///
    /// An address that is not the start of a block for this size is refused at once, and so never handed out; only the
    /// block that this thread's cache handed out last from where this one goes is not looked at again. A second release
    /// is noticed when the block leaves the thread's cache for the depot or an arena; if it is handed out instead, it is
    /// handed out twice. A wrong size of the same [`SizeClass`], or of a huge block, is noticed in checked mode only,
    /// where a second release is refused at once as well.
    ///
    /// # Errors
    /// [`Error::BadFree`] for what is noticed at once; the block is left alone and reported.
    ///
    /// # Safety
    /// The block was allocated from this pool with this size, and nobody uses it any more.
    #[inline(always)]
    pub unsafe fn free_sized(&self, address: usize, size: usize) -> Result<(), Error> {
        if let Some(class) = SizeClass::of(size)
            && let Some(last) = self.in_cache(|cache| cache.push_over(class, address))
        {
            // What comes back to where it was taken from is believed. No other answer is waited for either: the
            // processor has long gone on when it is known.
            if (last == address && address != 0) || self.0.has_block(class, address) {
                return Ok(());
            }
            self.0.unpush(class, address);
        }
        self.0.free_sized_slowly(address, size)
    }

    /// Bytes of the live block at `address` that may be used: those of its size class, which may be more than what was
    /// asked for; in checked mode no more.
    pub fn usable_size(&self, address: usize) -> Option<usize> {
        let inner = &self.0;
        if inner.is_forked() {
            return None;
        }
        if let Some((size, is_live)) = inner.checked.as_ref().and_then(|checked| checked.find(address)) {
            return is_live.then_some(size);
        }
        match inner.backing.map.find(address) {
            Some(chunk) => {
                let at = chunk.locate(address).ok().filter(|at| chunk.is_out(at.page, at.block))?;
                Some(at.class.size())
            }
            None => inner.huge.capacity_at(address),
        }
    }

    /// Does what time asks for: takes from the threads' caches what they did not use for the decay time, and gives a share
    /// of the memory that was free for long enough back to the operating system.
    ///
    /// `now` is monotonic time since any fixed origin. Ticks may come late or not at all; a second one at the same
    /// time does nothing.
    pub fn tick(&self, now: Duration) {
        let inner = &*self.0;
        if inner.is_forked() {
            return;
        }
        let Some(mut ticker) = inner.maintenance.try_lock() else {
            return;
        };
        let since = now.saturating_sub(*ticker.origin.get_or_insert(now));
        ticker.latest = ticker.latest.max(since);
        let clock = &inner.backing.clock;
        clock.set(ticker.latest);
        inner.decay_caches();
        if clock.age(ticker.depot_decayed_at) >= clock.decay() / DEPOT_ROUNDS {
            ticker.depot_decayed_at = clock.now();
            inner.depot.decay(false, |blocks| inner.release_to_arenas(blocks));
        }
        inner.purge(false);
    }

    /// Gives all free memory back to the operating system now, whoever's cache it is in. Returns the bytes.
    pub fn trim(&self) -> usize {
        if self.0.is_forked() { 0 } else { self.0.reclaim() }
    }

    /// Sets another hard limit on committed bytes. A lower one counts from the first moment on, also for others who allocate
    /// while what is free is given back for it, and if it is refused in the end.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if more than that is committed and cannot be given back, or if it is less than a page;
    /// the limit stays as it was.
    pub fn set_max_bytes(&self, bytes: usize) -> Result<(), Error> {
        self.0.refuse_if_forked()?;
        self.0.options.clone().max_bytes(bytes).validate()?;
        let budget = &self.0.backing.budget;
        let before = budget.set_limit(bytes);
        if budget.committed() > bytes {
            self.0.reclaim();
        }
        if budget.committed() > bytes {
            self.0.reclaim_descendants();
        }
        let committed = budget.committed();
        if committed > bytes {
            budget.set_limit(before);
            let reason = format!("{bytes} is less than the {committed} bytes that blocks in use need");
            return Err(Error::InvalidOption { option: "max_bytes", reason });
        }
        Ok(())
    }

    /// Refuses new blocks from now on and gives all free memory back. Live blocks stay valid, and go back as they are
    /// released. Returns the bytes of the blocks that are still out. May be called again.
    pub fn close(&self) -> usize {
        let inner = &*self.0;
        if inner.is_forked() {
            return 0;
        }
        inner.closed.store(true, Ordering::SeqCst);
        {
            let _maintenance = inner.maintenance.lock();
            inner.empty(&inner.live_caches(), true);
        }
        inner.reclaim();
        inner.backing.budget.line().call_all();
        self.stats().used as usize
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// What the pool holds. Taken without stopping anybody: each figure is true, but they are of slightly different
    /// moments; they add up exactly when the pool is quiet.
    pub fn stats(&self) -> Stats {
        if self.0.is_forked() { Stats::none() } else { Stats::of(&self.0) }
    }

    /// Whether [`Pool::reports`] has something to say.
    pub fn has_reports(&self) -> bool {
        !self.0.is_forked() && self.0.reports.are_there()
    }

    /// What the application did wrong since the last call, or the operating system, the latest 64 at most, oldest first.
    pub fn reports(&self) -> Vec<Report> {
        if self.0.is_forked() { Vec::new() } else { self.0.reports.take() }
    }

    /// Walks the whole pool and says what is wrong with it, for tests. It is to be quiet meanwhile: what another
    /// thread has half done looks wrong.
    ///
    /// # Errors
    /// The first contradiction found, in words.
    pub fn check_invariants(&self) -> Result<(), String> {
        self.0.refuse_if_forked().map_err(|error| error.to_string())?;
        crate::check::check(&self.0)
    }
}
