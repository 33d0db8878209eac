//! The way of a block: from an arena or the depot to a thread's cache, and back.

use std::sync::Arc;

use crate::arena::Arena;
use crate::arena::chunk::starts_block;
use crate::cache::batch::Batch;
use crate::cache::gate::Gate;
use crate::cache::local;
use crate::cache::thread::{MARK, Popped, ThreadCache, is_any_marked};
use crate::checked::{Checked, Left};
use crate::error::{BadFree, Error};
use crate::huge::Huge;
use crate::line::Place;
use crate::os;
use crate::pool::Inner;
use crate::report::Report;
use crate::room::Want;
use crate::size_class::{BATCH_MAX, PAGE, SizeClass};
use crate::sync::Ordering;

/// So much free memory of an arena is worth a thread: the system takes 5 ms or more to take it back.
const OWN_THREAD_BYTES: usize = 64 << 20;

/// Caches that are kept for threads to come.
const SPARE_MAX: usize = 4;

impl Inner {
    /// Whether this is a forked child's copy of the pool, which must be left alone.
    #[inline]
    pub(crate) fn is_forked(&self) -> bool {
        self.generation.is_over()
    }

    pub(crate) fn refuse_if_forked(&self) -> Result<(), Error> {
        if self.is_forked() { Err(Error::Forked { pool: self.options.name.clone() }) } else { Ok(()) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(crate) fn live_caches(&self) -> Vec<Arc<ThreadCache>> {
        self.caches.lock().live.clone()
    }

    /// In checked mode nothing is cached: a block must not come round again before its quarantine is over.
    fn caches_blocks(&self) -> bool {
        self.checked.is_none()
    }

    #[cold]
    pub(crate) fn allocate_slowly(self: &Arc<Self>, class: SizeClass, place: Option<Place>) -> Result<usize, Error> {
        let mut block = [0];
        self.take_slowly(class, &mut block, place).map(|_| block[0])
    }

    /// Fills `out`; what else the depot or the arena gives goes into the thread's cache.
    #[cold]
    pub(crate) fn take_slowly(
        self: &Arc<Self>,
        class: SizeClass,
        out: &mut [usize],
        place: Option<Place>,
    ) -> Result<usize, Error> {
        self.refuse_if_forked()?;
        if self.caches_blocks()
            && local::make_current(self)
            && let Some(taken) = local::with_current(self, |cache| self.take_through(cache, class, out, place))
        {
            return taken;
        }
        let taken = self.fetch(class, out, None, place)?;
        self.counters.count(class, taken as u64, 0);
        Ok(taken)
    }

    /// The cache is empty, or its gate was shut, or it was not this thread's current one.
    fn take_through(
        self: &Arc<Self>,
        cache: &ThreadCache,
        class: SizeClass,
        out: &mut [usize],
        place: Option<Place>,
    ) -> Result<usize, Error> {
        if self.is_closed() {
            return Err(self.closed_error());
        }
        if cache.len(class) > 0 {
            let _passed = cache.gate.pass();
            let popped = cache.pop_many(class, out);
            if popped.count > 0 {
                return Ok(self.unmark_all(class, popped, out));
            }
        }
        let portion = cache.portion(class).min(BATCH_MAX);
        if portion <= out.len() || self.bypasses_caches() {
            let fetched = self.fetch(class, out, Some(cache), place)?;
            self.note_miss(cache, class, fetched);
            return Ok(fetched);
        }
        let mut batch = [0; BATCH_MAX];
        let fetched = self.draw(class, &mut batch[..portion], Some(cache), place)?;
        let (mine, rest) = batch[..fetched].split_at_mut(out.len().min(fetched));
        mine.iter().for_each(|&block| self.check_out(class, block));
        out[..mine.len()].copy_from_slice(mine);
        self.note_miss(cache, class, mine.len());
        let passed = cache.gate.pass();
        if self.marks_fetched.load(Ordering::Relaxed) {
            rest.iter_mut().for_each(|entry| *entry |= MARK);
        } else {
            rest.iter().for_each(|&block| self.check_out(class, block));
        }
        // A pool that was closed meanwhile has emptied this cache for the last time, and one that is waited for until
        // nobody waits any more.
        let stocked = if self.bypasses_caches() { 0 } else { cache.stock(class, rest) };
        drop(passed);
        self.settle(class, &rest[stocked..], cache.number);
        Ok(mine.len())
    }

    /// Counts blocks that went past the cache, and lets it grow.
    fn note_miss(&self, cache: &ThreadCache, class: SizeClass, allocations: usize) {
        let passed = cache.gate.pass();
        cache.count(class, allocations as u64, 0);
        let evicted = cache.miss(class);
        drop(passed);
        self.settle_evicted(evicted, cache.number);
    }

    /// Takes back a block in checked mode; an error if it is no live block of `class`.
    fn release_checked(&self, checked: &Checked, class: SizeClass, address: usize) -> Result<(), Error> {
        match checked.leave(class, address) {
            Left::Now(report) => {
                self.counters.count(class, 0, 1);
                self.verify(report);
                self.release_quarantine(false);
                self.backing.budget.came_back();
                Ok(())
            }
            Left::Before => Err(self.refuse(None, address, BadFree::Double)),
            Left::Other(size) => Err(self.refuse(None, address, BadFree::WrongClass { size })),
            Left::NeverEntered => {
                let good = self.check_in(class, address).map_err(|reason| self.refuse(None, address, reason))?;
                self.counters.count(class, 0, 1);
                self.release_to_arenas(&[good]);
                Ok(())
            }
        }
    }

    pub(crate) fn take_huge(self: &Arc<Self>, size: usize, place: Option<Place>) -> Result<Huge, Error> {
        self.with_room(Want::of_huge(size), place, || self.huge.allocate(&self.backing, size))
    }

    /// As [`Pool::free`](crate::Pool::free), in checked mode.
    pub(crate) fn free_checked(&self, checked: &Checked, address: usize) -> Result<(), Error> {
        if self.is_forked() {
            return Ok(());
        }
        let Some(chunk) = self.backing.map.find(address) else {
            return self.release_huge(address);
        };
        match chunk.locate(address) {
            Ok(at) => self.release_checked(checked, at.class, address),
            Err(reason) => Err(self.refuse(None, address, reason)),
        }
    }

    /// As [`Pool::free_sized`](crate::Pool::free_sized), where the block has no place in the thread's cache, or is none.
    #[cold]
    pub(crate) fn free_sized_slowly(self: &Arc<Self>, address: usize, size: usize) -> Result<(), Error> {
        if self.is_forked() {
            return Ok(());
        }
        if let Some(checked) = &self.checked {
            return match checked.find(address) {
                Some((asked, true)) if asked != size => {
                    Err(self.refuse(None, address, BadFree::WrongClass { size: asked }))
                }
                _ => self.free_checked(checked, address),
            };
        }
        let Some(class) = SizeClass::of(size) else {
            return self.release_huge(address);
        };
        let reason = match self.backing.map.find(address).map(|chunk| chunk.locate(address)) {
            Some(Ok(at)) if at.class == class => {
                self.give_slowly(class, &[address]);
                return Ok(());
            }
            Some(Ok(at)) => BadFree::WrongClass { size: at.class.size() },
            Some(Err(reason)) => reason,
            None => match self.huge.capacity_at(address) {
                Some(size) => BadFree::WrongClass { size },
                None => BadFree::Foreign,
            },
        };
        Err(self.refuse(None, address, reason))
    }

    pub(crate) fn release_huge(&self, address: usize) -> Result<(), Error> {
        if self.is_forked() {
            return Ok(());
        }
        if let Some(chunk) = self.backing.map.find(address) {
            let found = chunk.locate(address);
            let reason = found.map_or_else(|reason| reason, |at| BadFree::WrongClass { size: at.class.size() });
            return Err(self.refuse(None, address, reason));
        }
        if let Some(checked) = &self.checked {
            self.verify(checked.leave_huge(address));
        }
        let freed = self.huge.free(&self.backing, address);
        self.backing.budget.came_back();
        if self.is_closed() {
            self.purge_all();
        }
        match freed {
            Ok(_) => Ok(()),
            Err(reason) => Err(self.refuse(None, address, reason)),
        }
    }

    /// Notes that an address was given back that is no live block, and makes the error of it.
    pub(crate) fn refuse(&self, class: Option<SizeClass>, address: usize, reason: BadFree) -> Error {
        match class {
            Some(class) => self.counters.count_refused(class),
            None => self.counters.count_bad_free(),
        }
        let chunk = self.backing.map.find(address).map(|chunk| chunk.base());
        if !self.is_forked() {
            self.reports.add(Report::BadFree { address, class: class.map(SizeClass::size), chunk, reason });
        }
        Error::BadFree { address, reason }
    }

    /// Keeps what checked mode found.
    pub(crate) fn verify(&self, found: Option<Report>) {
        if let Some(report) = found {
            self.counters.count_violation();
            self.reports.add(report);
        }
    }

    /// Lets blocks go that were in quarantine for long enough; all of them where `all` is set.
    pub(crate) fn release_quarantine(&self, all: bool) {
        let Some(checked) = &self.checked else { return };
        while let Some((block, report)) = checked.pop(all) {
            self.verify(report);
            let class = SizeClass::of(block.usable).expect("huge blocks have no quarantine");
            self.settle(class, &[block.address], 0);
        }
    }

    /// Gives what the thread's cache has no room for to the depot, with as much of the cache as makes a batch.
    #[cold]
    pub(crate) fn give_slowly(self: &Arc<Self>, class: SizeClass, blocks: &[usize]) -> usize {
        if self.is_forked() {
            return 0;
        }
        if let Some(checked) = &self.checked {
            return blocks.iter().filter(|&&block| self.release_checked(checked, class, block).is_err()).count();
        }
        if local::make_current(self)
            && let Some(refused) = local::with_current(self, |cache| self.give_through(cache, class, blocks))
        {
            return refused;
        }
        self.give_past(class, blocks)
    }

    /// Gives blocks back past all caches.
    pub(crate) fn give_past(&self, class: SizeClass, blocks: &[usize]) -> usize {
        if self.is_forked() {
            return 0;
        }
        self.counters.count(class, 0, blocks.len() as u64);
        self.settle(class, blocks, local::number())
    }

    /// Gives back what a user gave, by `give`. Refuses what that would take for marked entries, which no user has.
    #[cold]
    pub(crate) fn give_unmarked(
        &self,
        class: SizeClass,
        blocks: &[usize],
        give: impl FnOnce(&[usize]) -> usize,
    ) -> usize {
        if !is_any_marked(blocks) {
            return give(blocks);
        }
        let (odd, even): (Vec<usize>, Vec<usize>) = blocks.iter().partition(|&block| block & MARK != 0);
        self.counters.count(class, 0, odd.len() as u64);
        for &block in &odd {
            let found = self.backing.map.find(block).ok_or(BadFree::Foreign).and_then(|chunk| chunk.locate(block));
            self.refuse(Some(class), block, found.expect_err("no block starts at an odd address"));
        }
        odd.len() + give(&even)
    }

    fn give_through(&self, cache: &ThreadCache, class: SizeClass, blocks: &[usize]) -> usize {
        let passed = cache.gate.pass();
        if self.bypasses_caches() {
            cache.count(class, 0, blocks.len() as u64);
            drop(passed);
            return self.settle(class, blocks, cache.number);
        }
        // It may have room: perhaps it was only not the current one, or its gate was shut.
        let rest = &blocks[cache.push_many(class, blocks)..];
        if rest.is_empty() {
            return 0;
        }
        let evicted = cache.grow(class);
        let rest = &rest[cache.push_many(class, rest)..];
        cache.count(class, 0, rest.len() as u64);
        let surplus = if rest.is_empty() { 0 } else { cache.overflow(class).saturating_sub(rest.len()) };
        if surplus == 0 {
            drop(passed);
            self.settle_evicted(evicted, cache.number);
            return self.settle(class, rest, cache.number);
        }
        let mut batch = cache.unstock(class, surplus);
        drop(passed);
        self.settle_evicted(evicted, cache.number);
        if batch.len() + rest.len() <= BATCH_MAX {
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

    /// Takes up to `out.len()` blocks from the depot, else from an arena, to be handed out. Makes room if the limit is
    /// reached.
    pub(crate) fn fetch(
        self: &Arc<Self>,
        class: SizeClass,
        out: &mut [usize],
        cache: Option<&ThreadCache>,
        place: Option<Place>,
    ) -> Result<usize, Error> {
        let taken = self.draw(class, out, cache, place)?;
        out[..taken].iter().for_each(|&block| self.check_out(class, block));
        Ok(taken)
    }

    /// As [`Inner::fetch`], but the blocks are still free.
    fn draw(
        self: &Arc<Self>,
        class: SizeClass,
        out: &mut [usize],
        cache: Option<&ThreadCache>,
        place: Option<Place>,
    ) -> Result<usize, Error> {
        let (number, home) = cache.map_or_else(
            || (local::number(), local::number() % self.arenas.len()),
            |cache| (cache.number, cache.arena()),
        );
        self.with_room(Want::of_class(class), place, || {
            let taken = self.depot.take(class, number, out);
            if taken > 0 {
                return Ok(taken);
            }
            let mut result = self.arenas[home].allocate(&self.backing, class, out);
            // Another arena may have free pages where this one would need new ones.
            for turn in 1..self.arenas.len() {
                if result.is_ok() {
                    break;
                }
                let other = &self.arenas[(home + turn) % self.arenas.len()];
                result = match (result, other.allocate(&self.backing, class, out)) {
                    // That the system refused must not look like a limit.
                    (refused @ Err(Error::OutOfMemory { .. }), Err(_)) => refused,
                    (_, next) => next,
                };
            }
            result
        })
    }

    /// From the first release by address on, nothing is marked as out that lies in a cache and that nobody had yet: it
    /// could be freed. Who never releases that way does not pay for it, since marks are cheaper to write in a batch.
    #[inline]
    pub(crate) fn mark_fetched(&self) {
        self.freed_by_address.call_once(|| {
            let _maintenance = self.maintenance.lock();
            // Whoever stocks a cache looks at this inside its gate.
            self.marks_fetched.store(true, Ordering::Relaxed);
            self.empty(&self.live_caches(), false);
        });
    }

    /// Says of a free block that it is handed out.
    #[inline]
    fn check_out(&self, class: SizeClass, block: usize) {
        let chunk = self.backing.map.find(block).expect("a block of an arena lies in a chunk");
        chunk.check_out(class, block);
    }

    pub(crate) fn closed_error(&self) -> Error {
        Error::Closed { pool: self.options.name.clone() }
    }

    /// Checks blocks that leave a cache, and passes them to the depot or, if that is full, to their arenas. Returns how
    /// many were refused.
    pub(crate) fn settle(&self, class: SizeClass, blocks: &[usize], number: usize) -> usize {
        let mut refused = 0;
        for blocks in blocks.chunks(BATCH_MAX) {
            let good = self.check_in_all(class, blocks);
            refused += blocks.len() - good.len();
            if !self.caches_blocks() || self.bypasses_caches() || !self.depot.give(class, number, good.blocks()) {
                self.release_to_arenas(good.blocks());
            }
        }
        // Looked at again: a batch may have reached the depot after `close`, or one who waits, had emptied it.
        if self.is_closed() && !blocks.is_empty() {
            self.purge_all();
        }
        self.backing.budget.came_back();
        refused
    }

    /// Checks in the block of an entry of a cache.
    #[inline]
    fn check_in(&self, class: SizeClass, entry: usize) -> Result<usize, BadFree> {
        if entry & MARK != 0 {
            return Ok(entry & !MARK);
        }
        let chunk = self.backing.map.find(entry).ok_or(BadFree::Foreign)?;
        let at = chunk.locate(entry)?;
        if at.class != class {
            return Err(BadFree::WrongClass { size: at.class.size() });
        }
        chunk.check_in(at).map(|()| entry)
    }

    /// The blocks of up to [`BATCH_MAX`] entries, checked in; those that may not come back are refused and left alone.
    fn check_in_all(&self, class: SizeClass, entries: &[usize]) -> Batch {
        let mut good = Batch::new();
        for &entry in entries {
            match self.check_in(class, entry) {
                Ok(block) => good.push(block),
                Err(reason) => drop(self.refuse(Some(class), entry & !MARK, reason)),
            }
        }
        good
    }

    /// Takes back what this thread put into its cache and should not have; unless the cache was emptied meanwhile, where
    /// it was refused.
    #[cold]
    pub(crate) fn unpush(&self, class: SizeClass, address: usize) {
        local::with_current(self, |cache| {
            let _passed = cache.gate.pass();
            cache.unpush(class, address);
        });
    }

    /// Whether a block of `class` starts at this address.
    #[inline(always)]
    pub(crate) fn has_block(&self, class: SizeClass, address: usize) -> bool {
        starts_block(self.backing.map.owner(address), class, address)
    }

    /// The block of an entry of a cache, as it is handed out.
    #[inline(always)]
    pub(crate) fn unmark(&self, class: SizeClass, entry: usize) -> usize {
        if entry & MARK == 0 { entry } else { self.unmark_one(class, entry) }
    }

    #[inline(never)]
    fn unmark_one(&self, class: SizeClass, entry: usize) -> usize {
        let block = entry & !MARK;
        self.check_out(class, block);
        block
    }

    #[inline]
    pub(crate) fn unmark_all(&self, class: SizeClass, popped: Popped, entries: &mut [usize]) -> usize {
        if popped.any_marked {
            entries[..popped.count].iter_mut().for_each(|entry| *entry = self.unmark(class, *entry));
        }
        popped.count
    }

    pub(crate) fn release_to_arenas(&self, mut blocks: &[usize]) {
        while let Some(&first) = blocks.first() {
            let arena = self.backing.map.find(first).expect("a checked block lies in a chunk").arena();
            let freed = self.arenas[arena].free(&self.backing, blocks);
            blocks = &blocks[freed..];
        }
        self.backing.budget.came_back();
    }

    /// Empties caches, whoever owns them, into the arenas. With `forever`, their owners go the slow way from now on.
    pub(crate) fn empty(&self, caches: &[Arc<ThreadCache>], forever: bool) {
        let caches = caches.iter().filter(|cache| forever || cache.is_in_use()).cloned().collect();
        self.visit(caches, forever, |cache| self.drain(cache));
    }

    /// Takes from the caches what their owners did not use of late.
    pub(crate) fn decay_caches(&self) {
        let clock = &self.backing.clock;
        let due = self.live_caches().into_iter().filter(|cache| cache.is_due(clock)).collect();
        self.visit(due, false, |cache| {
            for class in SizeClass::all() {
                let mut surplus = cache.surplus(class, clock);
                while surplus > 0 {
                    let batch = cache.unstock_lowest(class, surplus);
                    surplus -= batch.len();
                    self.release_to_arenas(self.check_in_all(class, batch.blocks()).blocks());
                }
            }
            cache.end_decay(clock);
        });
    }

    /// Runs `act` in caches whose owners are kept out meanwhile, or `forever`. Should the system have lost its
    /// `membarrier`, other threads' caches are left out. The caller holds the maintenance lock: two at once could wait
    /// for each other's gates.
    fn visit(&self, caches: Vec<Arc<ThreadCache>>, forever: bool, act: impl Fn(&ThreadCache)) {
        if caches.is_empty() {
            return;
        }
        let mut gates: Vec<_> = caches.iter().map(|cache| cache.gate.shut()).collect();
        if forever {
            gates.iter_mut().for_each(|gate| gate.stay());
        }
        // Gates that were never open need none.
        let barrier = !self.has_barrier || self.backing.os.membarrier();
        for (cache, gate) in caches.iter().zip(gates) {
            if barrier || local::is_mine(cache) {
                let _alone = gate.wait();
                act(cache);
            }
        }
    }

    /// Empties a cache whose gate is shut, or whose owner is doing it.
    fn drain(&self, cache: &ThreadCache) {
        for class in SizeClass::all() {
            while cache.len(class) > 0 {
                let batch = cache.unstock(class, BATCH_MAX);
                self.release_to_arenas(self.check_in_all(class, batch.blocks()).blocks());
            }
        }
        cache.reset_capacity();
    }

    pub(crate) fn purge_all(&self) -> usize {
        self.depot.decay(true, |blocks| self.release_to_arenas(blocks));
        self.purge(true)
    }

    /// Gives back the memory of free pages that are due; of all of them where `all` is set. Returns the bytes.
    pub(crate) fn purge(&self, all: bool) -> usize {
        let arenas: usize = if all {
            self.purge_arenas_at_once()
        } else {
            self.arenas.iter().map(|arena| arena.purge(&self.backing, false)).sum()
        };
        let bytes = arenas + self.huge.purge(&self.backing, all, self.options.keep_addresses);
        self.counters.count_purge(bytes as u64);
        if let Some(errno) = self.backing.refusals.take_first() {
            self.reports.add(Report::PurgeRefused { errno });
        }
        bytes
    }

    /// Somebody waits for this, and the system frees page after page, but does so for several threads at once: each arena
    /// with much to give back has a thread of its own meanwhile, if there is one to be had.
    fn purge_arenas_at_once(&self) -> usize {
        let (large, small): (Vec<&Arena>, Vec<&Arena>) =
            self.arenas.iter().partition(|arena| arena.figures().dirty_pages * PAGE >= OWN_THREAD_BYTES);
        let bytes: usize = small.into_iter().map(|arena| arena.purge(&self.backing, true)).sum();
        bytes + self.purge_each_beside(&large)
    }

    fn purge_each_beside(&self, arenas: &[&Arena]) -> usize {
        let [first, others @ ..] = arenas else { return 0 };
        if others.is_empty() {
            return first.purge(&self.backing, true);
        }
        let (mut bytes, mut other_bytes) = (0, 0);
        os::run_both(|| bytes = first.purge(&self.backing, true), || other_bytes = self.purge_each_beside(others));
        bytes + other_bytes
    }

    /// A cache for a thread that has none yet; `None` if there is no memory for one.
    pub(crate) fn enlist(&self) -> Option<Arc<ThreadCache>> {
        let mut caches = self.caches.lock();
        let cache = match caches.spare.pop() {
            Some(cache) => cache,
            None => {
                let (number, gate) = (caches.live.len(), Gate::new(self.has_barrier));
                let budget = (self.options.thread_cache_bytes, self.allowance.clone());
                let cache = ThreadCache::new(self.backing.os, &self.backing.label, budget, number, gate).ok()?;
                self.backing.metadata.fetch_add(cache.metadata(), Ordering::Relaxed);
                Arc::new(cache)
            }
        };
        let threads = |arena: &usize| self.arenas[*arena].threads.load(Ordering::Relaxed);
        cache.bind((0..self.arenas.len()).min_by_key(threads)?);
        self.arenas[cache.arena()].threads.fetch_add(1, Ordering::Relaxed);
        let mut gate = cache.gate.shut();
        if self.bypasses_caches() {
            gate.stay();
            drop(gate);
        } else {
            gate.open();
        }
        caches.live.push(cache.clone());
        Some(cache)
    }

    /// Takes back the cache of a thread that ends.
    pub(crate) fn retire(&self, cache: &Arc<ThreadCache>) {
        let gate = cache.gate.shut();
        let alone = gate.wait();
        self.drain(cache);
        drop((alone, gate));
        self.arenas[cache.arena()].threads.fetch_sub(1, Ordering::Relaxed);
        let mut caches = self.caches.lock();
        for class in SizeClass::all() {
            let counts = cache.take_counts(class);
            self.counters.count(class, counts.allocations, counts.frees);
        }
        caches.live.retain(|live| !Arc::ptr_eq(live, cache));
        if self.is_closed() || caches.spare.len() == SPARE_MAX {
            self.backing.metadata.fetch_sub(cache.metadata(), Ordering::Relaxed);
        } else {
            caches.spare.push(cache.clone());
        }
    }

    /// Unmaps the caches that no thread has.
    pub(crate) fn drop_spares(&self) {
        let spares = std::mem::take(&mut self.caches.lock().spare);
        let bytes = spares.iter().map(|cache| cache.metadata()).sum();
        self.backing.metadata.fetch_sub(bytes, Ordering::Relaxed);
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
