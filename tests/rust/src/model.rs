//! The pool beside a map of live intervals: after every operation both must agree.
//!
//! What is compared after each step: the pool's own invariants; blocks that are out, in all and by class; how many were
//! ever taken, given back, refused; that mapped bytes are those the pool accounts for; that all parts of what is
//! committed add up; and that what was reported is what the model did wrong. Blocks are filled to their last usable byte,
//! and verified when they are freed.

use std::collections::{BTreeMap, HashMap};
use std::thread;
use std::time::Duration;

use millpond::{Error, GRANULE, LARGEST, Options, PAGE, Pool, SizeClass, Stats};

use crate::elsewhere::Elsewhere;
use crate::operation::Operation;
use crate::system::{ENOMEM, System};

const DECAY: Duration = Duration::from_millis(100);
/// Bytes that a slab takes at most: what may be missing when a small block is refused.
const LARGEST_SLAB: usize = 256 * 1024;
/// Blocks that one operation takes at most.
const TAKE_MAX: usize = 40;

/// What kind of pool.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Limit in bytes.
    pub limit: usize,
    /// Arenas.
    pub arenas: usize,
    /// Bytes that a thread may cache.
    pub thread_cache: usize,
    /// Bytes in the depot.
    pub depot: usize,
    /// Whether addresses of huge blocks stay mapped.
    pub keep_addresses: bool,
    /// Bytes of a page of the system.
    pub page_size: usize,
    /// Whether there is a parent, with the same limit.
    pub has_parent: bool,
    /// Whether the kernel has `membarrier`.
    pub has_barrier: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            limit: 64 << 20,
            arenas: 2,
            thread_cache: 256 << 10,
            depot: 1 << 20,
            keep_addresses: false,
            page_size: 4096,
            has_parent: false,
            has_barrier: true,
        }
    }
}

impl Setup {
    /// Reads a setup from two bytes: any are valid, and zeroes are the default with a limit of 16 MiB.
    pub fn decode(limit: u8, bits: u8) -> Setup {
        let default = Setup::default();
        let bit = |n: u8| bits >> n & 1 == 1;
        Setup {
            limit: (16 + usize::from(limit % 48)) << 20,
            arenas: if bit(0) { 1 } else { default.arenas },
            thread_cache: if bit(1) { 0 } else { default.thread_cache << (if bit(2) { 3 } else { 0 }) },
            depot: if bit(3) { 0 } else { default.depot },
            keep_addresses: bit(4),
            page_size: match (bit(5), limit % 2) {
                (false, _) => default.page_size,
                (true, 0) => 16 << 10,
                (true, _) => 64 << 10,
            },
            has_parent: bit(6),
            has_barrier: !bit(7),
        }
    }

    fn options(&self) -> Options {
        Options::new()
            .name("model")
            .max_bytes(self.limit)
            .decay(DECAY)
            .arenas(self.arenas)
            .thread_cache_bytes(self.thread_cache)
            .depot_bytes(self.depot)
            .keep_addresses(self.keep_addresses)
    }
}

/// A live block.
#[derive(Debug, Clone, Copy)]
struct Live {
    /// Bytes asked for.
    size: usize,
    /// Bytes that may be used.
    usable: usize,
    /// What all of them hold.
    pattern: u8,
    class: Option<SizeClass>,
}

/// What the model knows to have happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    allocations: u64,
    frees: u64,
    failures: u64,
    bad_frees: u64,
}

/// A pool, and what should be in it.
pub struct Model {
    /// First, so that it ends before the pool's last handle is dropped.
    elsewhere: Option<Elsewhere>,
    pool: Pool,
    parent: Option<Pool>,
    os: &'static System,
    setup: Setup,
    now: Duration,
    live: BTreeMap<usize, Live>,
    counts: Counts,
    freed_last: Option<usize>,
    /// Whether it was freed by nothing but its address.
    freed_by_address: bool,
    next_pattern: u8,
    closed: bool,
}

impl Model {
    /// A new pool.
    pub fn new(setup: Setup) -> Self {
        Model::on(setup, System::take()).expect("a sound system gives a pool")
    }

    /// A new pool on a system that may refuse it.
    ///
    /// # Errors
    /// What the pool says.
    pub fn on(setup: Setup, os: &'static System) -> Result<Self, Error> {
        if !setup.has_barrier {
            os.lose_barrier();
        }
        os.set_page_size(setup.page_size);
        let parent = if setup.has_parent {
            let options = Options::new().name("parent").max_bytes(setup.limit);
            Some(Pool::new_on(options, os)?)
        } else {
            None
        };
        let options = parent.iter().fold(setup.options(), |options, parent| options.parent(parent));
        Ok(Model {
            elsewhere: None,
            pool: Pool::new_on(options, os)?,
            parent,
            os,
            setup,
            now: Duration::ZERO,
            live: BTreeMap::new(),
            counts: Counts::default(),
            freed_last: None,
            freed_by_address: false,
            next_pattern: 1,
            closed: false,
        })
    }

    /// The pool.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Reads a setup and operations from bytes and does them all.
    ///
    /// # Panics
    /// If the pool and the model disagree.
    pub fn replay(bytes: &[u8]) {
        let Some((&[limit, bits], operations)) = bytes.split_first_chunk() else { return };
        let mut model = Model::new(Setup::decode(limit, bits));
        Operation::decode(operations).for_each(|operation| model.step(operation));
        model.finish();
    }

    /// Does one step and compares.
    ///
    /// # Panics
    /// If the pool and the model disagree.
    pub fn step(&mut self, operation: Operation) {
        match operation {
            Operation::Allocate(size) => self.allocate(size as usize, false),
            Operation::AllocateElsewhere(size) => self.allocate(size as usize, true),
            Operation::Free(position) => {
                let any = !self.live.is_empty();
                self.free(position, |pool, address, _| free(pool, address));
                self.freed_by_address |= any;
            }
            Operation::FreeSized(position) => self.free(position, free_sized),
            Operation::FreeElsewhere(position) => self.free_elsewhere(position),
            Operation::GiveShared(position) => self.free(position, give_shared),
            Operation::FreeInside(position, offset) => self.free_inside(position, offset.into()),
            Operation::FreeTwice => self.free_twice(),
            Operation::GiveMixed(position) => self.give_mixed(position),
            Operation::FreeStray(place) => self.free_stray(place.into()),
            Operation::Batch(class) => self.batch(class),
            Operation::Take(class, count) => self.take(class, count, Pool::take),
            Operation::TakeShared(class, count) => self.take(class, count, Pool::take_shared),
            Operation::Tick(millis) => self.tick(Duration::from_millis(millis.into())),
            Operation::Rest => self.rest(),
            Operation::Trim => self.trim(),
            Operation::ShortThread(size) => self.short_thread(size.into()),
            Operation::EndElsewhere => self.elsewhere = None,
            Operation::Verify => self.live.iter().for_each(|(&address, live)| verify(address, live)),
            Operation::Limit(mebibytes) => self.limit(usize::from(mebibytes) << 20),
            Operation::Close => self.close(),
        }
        self.compare();
    }

    /// Frees everything; the pool must be empty then, and nothing be left of it when it is dropped.
    ///
    /// # Panics
    /// If that is not so.
    pub fn finish(mut self) {
        while !self.live.is_empty() {
            self.free(u16::MAX, |pool, address, _| free(pool, address));
        }
        self.elsewhere = None;
        self.trim();
        self.compare();
        let (stats, os) = (self.pool.stats(), self.os);
        if os.is_sound() {
            assert_eq!((stats.committed, stats.dirty), (0, 0));
        }
        drop(self);
        assert_eq!(os.mapped_bytes(), os.stuck_bytes(), "the pool left mappings behind");
        os.put_back();
    }

    fn allocate(&mut self, size: usize, elsewhere: bool) {
        let take = move |pool: &Pool| pool.allocate(size).map(|block| (block.usable_size(), block.into_address()));
        match if elsewhere { self.elsewhere().run(take) } else { take(&self.pool) } {
            Ok((usable, address)) => {
                self.counts.allocations += 1;
                self.enter(address, size, usable, SizeClass::of(size));
            }
            Err(error) => self.refused(size, &error),
        }
    }

    /// Another limit is taken unless the blocks that are out need more.
    fn limit(&mut self, bytes: usize) {
        // The parent's stays, and would be the one that refuses.
        if self.setup.has_parent {
            return;
        }
        match self.pool.set_max_bytes(bytes) {
            Ok(()) => self.setup.limit = bytes,
            Err(error) => {
                let committed = self.pool.stats().committed as usize;
                assert!(bytes < committed || bytes < PAGE, "{error}, at {committed}");
            }
        }
    }

    /// What fits the limit with everything given back must not be refused.
    fn refused(&mut self, size: usize, error: &Error) {
        match error {
            Error::Closed { .. } => return assert!(self.closed),
            Error::LimitReached { requested, committed, limit, .. } => {
                assert!(*requested >= size && *requested <= block_size(size));
                assert_eq!(*limit, self.setup.limit);
                assert!(committed <= limit);
                let committed = self.pool.stats().committed as usize;
                let needed = block_size(size).max(LARGEST_SLAB) + self.beside_blocks(1);
                let fits = committed + needed <= self.setup.limit;
                assert!(!fits, "{size} refused at {committed} of {limit}");
            }
            Error::OutOfMemory { errno, .. } => assert!(*errno == ENOMEM && !self.os.is_sound(), "{error}"),
            _ => panic!("{error}"),
        }
        self.counts.failures += 1;
    }

    fn enter(&mut self, address: usize, size: usize, usable: usize, class: Option<SizeClass>) {
        assert!(!self.closed, "a closed pool gave a block");
        assert_eq!(address % if class.is_some() { GRANULE } else { self.setup.page_size }, 0);
        assert_eq!(usable, block_size(size));
        assert_eq!(self.pool.usable_size(address).map(|usable| usable >= size), Some(true));
        if let Some((&before, live)) = self.live.range(..=address).next_back() {
            assert!(before + live.usable <= address, "{address:#x} overlaps the block at {before:#x}");
        }
        if let Some((&after, _)) = self.live.range(address..).next() {
            assert!(address + usable <= after, "{address:#x} overlaps the block at {after:#x}");
        }
        self.next_pattern = self.next_pattern.wrapping_add(1);
        let pattern = self.next_pattern;
        // SAFETY: the pool gave so many bytes to nobody but us.
        unsafe { std::ptr::write_bytes(address as *mut u8, pattern, usable) };
        self.live.insert(address, Live { size, usable, pattern, class });
        if self.freed_last == Some(address) {
            self.freed_last = None;
        }
    }

    fn pick(&self, position: u16) -> Option<usize> {
        let index = usize::from(position) % self.live.len().max(1);
        self.live.keys().nth(index).copied()
    }

    fn leave(&mut self, position: u16) -> Option<(usize, Live)> {
        let address = self.pick(position)?;
        let live = self.live.remove(&address).expect("it was picked from there");
        verify(address, &live);
        self.counts.frees += 1;
        (self.freed_last, self.freed_by_address) = (Some(address), false);
        Some((address, live))
    }

    fn free(&mut self, position: u16, free: impl FnOnce(&Pool, usize, &Live)) {
        if let Some((address, live)) = self.leave(position) {
            free(&self.pool, address, &live);
        }
    }

    fn free_elsewhere(&mut self, position: u16) {
        if let Some((address, _)) = self.leave(position) {
            self.elsewhere().run(move |pool| free(pool, address));
        }
    }

    fn free_inside(&mut self, position: u16, offset: usize) {
        let Some(address) = self.pick(position) else { return };
        if offset == 0 || offset >= self.live[&address].usable {
            return;
        }
        self.refuse_free(address + offset);
        assert_eq!(self.pool.usable_size(address + offset), None);
    }

    fn free_stray(&mut self, place: usize) {
        let here = 0u64;
        // Null, the end of the address space, an address above it, our stack, and some address nobody has.
        let strays = [0, usize::MAX, 1 << 48, &raw const here as usize, place << 12];
        let address = strays[place % strays.len()];
        self.refuse_free(address);
        assert_eq!(self.pool.usable_size(address), None);
        // SAFETY: the pool refuses it.
        let refused = unsafe { self.pool.give_shared(class(place as u8), &[address]) };
        assert_eq!(refused, 1);
        self.counts.bad_frees += 1;
    }

    fn refuse_free(&mut self, address: usize) {
        // SAFETY: the pool refuses it.
        let freed = unsafe { self.pool.free(address) };
        assert!(matches!(freed, Err(Error::BadFree { .. })), "freed {address:#x}: {freed:?}");
        self.counts.bad_frees += 1;
    }

    /// Once by address, wherever the block is if it was freed by its address; and once by class and past that check.
    fn free_twice(&mut self) {
        let Some(address) = self.freed_last.filter(|address| !self.live.contains_key(address)) else {
            return;
        };
        if !self.freed_by_address {
            self.pool.trim();
            if self.pool.stats().cached_threads > 0 {
                // As long as the block is in a cache, to which it was given unseen, it looks like a live one.
                return;
            }
        }
        self.refuse_free(address);
        // SAFETY: the pool refuses it.
        let refused = unsafe { self.pool.give_shared(class(3), &[address]) };
        assert_eq!(refused, 1);
        self.counts.bad_frees += 1;
    }

    /// A block that may be given back, among others that may not.
    fn give_mixed(&mut self, position: u16) {
        let Some(class) = self.pick(position).and_then(|address| self.live[&address].class) else { return };
        let (address, _) = self.leave(position).expect("it was picked just now");
        // SAFETY: the block is ours to give, once; the pool refuses the others.
        let refused = unsafe { self.pool.give_shared(class, &[0, address, address + GRANULE / 2, address]) };
        assert_eq!(refused, 3, "of four, one was a live block");
        self.counts.bad_frees += 3;
    }

    fn batch(&mut self, index: u8) {
        let class = class(index);
        self.take(index, u8::MAX, Pool::take);
        let of_class = self.live.iter().filter(|(_, live)| live.class == Some(class));
        let addresses: Vec<_> = of_class.map(|(&address, _)| address).collect();
        for address in &addresses {
            verify(*address, &self.live.remove(address).expect("it is in the list"));
        }
        self.counts.frees += addresses.len() as u64;
        if let Some(&last) = addresses.last() {
            (self.freed_last, self.freed_by_address) = (Some(last), false);
        }
        // SAFETY: they are live blocks of the class, and the model forgot them.
        assert_eq!(unsafe { self.pool.give(class, &addresses) }, 0);
    }

    fn take(&mut self, index: u8, count: u8, take: fn(&Pool, SizeClass, &mut [usize]) -> Result<usize, Error>) {
        let class = class(index);
        let mut blocks = [0; TAKE_MAX];
        let wanted = 1 + usize::from(count) % TAKE_MAX;
        match take(&self.pool, class, &mut blocks[..wanted]) {
            Ok(taken) => {
                assert!((1..=wanted).contains(&taken));
                self.counts.allocations += taken as u64;
                for &address in &blocks[..taken] {
                    self.enter(address, class.size(), class.size(), Some(class));
                }
            }
            Err(error) => self.refused(class.size(), &error),
        }
    }

    fn tick(&mut self, time: Duration) {
        self.now += time;
        self.pool.tick(self.now);
    }

    /// Four decay times: caches idle for one, the depot half of one, pages one; and one more, since ticks are coarse.
    fn rest(&mut self) {
        for _ in 0..40 {
            self.tick(DECAY / 10);
        }
        if self.os.is_sound() {
            self.nothing_is_kept("after a rest");
        }
    }

    fn trim(&mut self) {
        let before = self.pool.stats().committed;
        let given_back = self.pool.trim() as u64;
        assert_eq!(before - self.pool.stats().committed, given_back);
        if self.os.is_sound() {
            self.nothing_is_kept("after trim");
        }
    }

    fn close(&mut self) {
        self.closed = true;
        let left = self.pool.close();
        assert_eq!(left as u64, self.pool.stats().used);
        assert!(self.pool.is_closed());
        self.refuse_everything();
    }

    fn refuse_everything(&self) {
        let mut out = [0; 3];
        let refused = [
            self.pool.allocate(1).map(|_| 0),
            self.pool.allocate(LARGEST + 1).map(|_| 0),
            self.pool.take(class(0), &mut out),
            self.pool.take_shared(class(0), &mut out),
        ];
        assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Closed { .. }))), "{refused:?}");
    }

    fn nothing_is_kept(&self, when: &str) {
        let stats = self.pool.stats();
        let kept = (stats.cached_threads, stats.cached_depot, stats.cached_huge);
        assert_eq!(kept, (0, 0, 0), "cached by threads, depot and as huge blocks, {when}");
        let beside = self.beside_blocks(self.live.values().filter(|live| live.class.is_some()).count());
        assert!(stats.dirty as usize <= beside, "{} bytes are dirty {when}", stats.dirty);
    }

    /// What has memory because it lies on a page of the system with one of so many blocks, at most.
    fn beside_blocks(&self, blocks: usize) -> usize {
        blocks * 2 * self.setup.page_size.saturating_sub(PAGE)
    }

    fn short_thread(&mut self, size: usize) {
        let pool = self.pool.clone();
        let ended = thread::spawn(move || {
            let blocks: Vec<_> = (0..10).map(|_| pool.allocate(size)).collect();
            (blocks.iter().flatten().count(), blocks.into_iter().find_map(Result::err))
        });
        // When it was joined, its thread-locals are gone, and its cache with them.
        let (taken, refused) = ended.join().expect("no panic");
        self.counts.allocations += taken as u64;
        self.counts.frees += taken as u64;
        match refused {
            Some(Error::Closed { .. }) => assert!(self.closed),
            // Not all ten need have been refused.
            Some(_) => self.counts.failures = self.pool.stats().failures,
            None => assert_eq!(taken, 10),
        }
    }

    fn elsewhere(&mut self) -> &Elsewhere {
        self.elsewhere.get_or_insert_with(|| Elsewhere::start(&self.pool))
    }

    fn compare(&self) {
        let stats = self.pool.stats();
        self.pool.check_invariants().unwrap_or_else(|what| panic!("{what}\n{stats:?}"));
        self.compare_blocks(&stats);
        self.compare_bytes(&stats);
        let counted = Counts {
            allocations: stats.allocations,
            frees: stats.frees,
            failures: stats.failures,
            bad_frees: stats.bad_frees,
        };
        assert_eq!(counted, self.counts);
        // Not every `munmap` gives back what a pool has committed.
        let [purges, unmaps] = self.os.refused();
        assert!((purges..=purges + unmaps).contains(&(stats.purge_failures as usize)));
        if self.closed && self.os.is_sound() {
            self.nothing_is_kept("by a closed pool");
        }
    }

    fn compare_blocks(&self, stats: &Stats) {
        let used: usize = self.live.values().map(|live| live.usable).sum();
        assert_eq!((stats.used as usize, stats.live_blocks as usize), (used, self.live.len()));
        let mut by_class: HashMap<Option<SizeClass>, u64> = HashMap::new();
        for live in self.live.values() {
            *by_class.entry(live.class).or_default() += 1;
        }
        assert_eq!(stats.huge_live, by_class.get(&None).copied().unwrap_or(0));
        for class in SizeClass::all() {
            let live = by_class.get(&Some(class)).copied().unwrap_or(0);
            assert_eq!(stats.classes[class.index()].live, live, "{class:?}");
        }
    }

    fn compare_bytes(&self, stats: &Stats) {
        assert!(stats.committed <= self.setup.limit as u64 && stats.committed <= stats.peak_committed);
        assert!(stats.committed <= stats.reserved);
        let pages: u64 = stats.by_arena.iter().map(|arena| arena.used + arena.dirty).sum();
        let parts = pages + stats.huge_live_bytes + stats.cached_huge;
        // A huge block may have addresses for a quarter more, and has whole pages of the system.
        let slack =
            (stats.huge_live_bytes + stats.huge_live * self.setup.page_size as u64) / 4 * 5 - stats.huge_live_bytes;
        assert!(
            (parts..=parts + slack).contains(&stats.committed),
            "{} bytes are committed, the parts come to {parts}",
            stats.committed
        );
        let accounted = (stats.reserved + stats.metadata) as usize;
        match &self.parent {
            Some(parent) => assert_eq!(parent.stats().committed, stats.committed),
            None => {
                let mapped = self.os.mapped_bytes();
                let stuck = self.os.stuck_bytes();
                assert!(
                    (accounted..=accounted + stuck).contains(&mapped),
                    "{mapped} bytes are mapped, {accounted} accounted for"
                );
            }
        }
    }
}

fn free(pool: &Pool, address: usize) {
    // SAFETY: the model forgot the block.
    unsafe { pool.free(address) }.expect("a live block can be freed");
}

fn free_sized(pool: &Pool, address: usize, live: &Live) {
    // SAFETY: the model forgot the block, and this is the size it was asked for with.
    unsafe { pool.free_sized(address, live.size) }.expect("a live block can be freed");
}

fn give_shared(pool: &Pool, address: usize, live: &Live) {
    match live.class {
        // SAFETY: the model forgot the block.
        Some(class) => assert_eq!(unsafe { pool.give_shared(class, &[address]) }, 0),
        None => free(pool, address),
    }
}

/// Looks at every byte, by comparing the block with itself one byte on.
fn verify(address: usize, live: &Live) {
    // SAFETY: the block is live and nobody else looks at it.
    let bytes = unsafe { std::slice::from_raw_parts(address as *const u8, live.usable) };
    let untouched = bytes[0] == live.pattern && bytes[1..] == bytes[..bytes.len() - 1];
    assert!(untouched, "the block of {} bytes at {address:#x} was written to by somebody else", live.size);
}

fn class(index: u8) -> SizeClass {
    SizeClass::from_index(usize::from(index) % SizeClass::COUNT).expect("below the count")
}

fn block_size(size: usize) -> usize {
    SizeClass::of(size).map_or_else(|| size.next_multiple_of(PAGE), SizeClass::size)
}
