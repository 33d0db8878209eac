//! The pool beside a map of live intervals: after every operation both must agree.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use millpond::os::FakeOs;
use millpond::{Error, GRANULE, LARGEST, Options, Pool, SizeClass};

/// One step. Positions are taken modulo what there is, so that any sequence is a valid one.
#[derive(Debug, Clone, Copy)]
pub enum Operation {
    /// Allocate this many bytes.
    Allocate(u32),
    /// Free the live block at this position.
    Free(u16),
    /// Free it on another thread.
    FreeElsewhere(u16),
    /// Free an address inside the block at this position, this far from its start.
    FreeInside(u16, u16),
    /// Free the block that was freed last once more.
    FreeTwice,
    /// Take a batch of the class and give it back.
    Batch(u8),
    /// Let this many milliseconds pass.
    Tick(u16),
    /// Give everything back that is free.
    Trim,
    /// Allocate and free on a thread that ends.
    ShortThread(u16),
}

/// A pool, and what should be in it.
pub struct Model {
    pool: Pool,
    os: &'static FakeOs,
    limit: usize,
    now: Duration,
    /// Start of each live block, with the bytes asked for and a pattern.
    live: BTreeMap<usize, (usize, u8)>,
    freed_last: Option<usize>,
    next_pattern: u8,
}

impl Model {
    /// A new pool with this limit in bytes.
    pub fn new(limit: usize) -> Self {
        let os = FakeOs::leaked();
        let options = Options::new().name("model").max_bytes(limit).decay(Duration::from_millis(100)).arenas(2);
        let options = options.thread_cache_bytes(256 * 1024).depot_bytes(1 << 20);
        let pool = Pool::new_on(options, os).expect("a pool");
        Model { pool, os, limit, now: Duration::ZERO, live: BTreeMap::new(), freed_last: None, next_pattern: 1 }
    }

    /// The pool.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The system under it.
    pub fn os(&self) -> &'static FakeOs {
        self.os
    }

    /// Does one step and compares.
    ///
    /// # Panics
    /// If the pool and the model disagree.
    pub fn step(&mut self, operation: Operation) {
        match operation {
            Operation::Allocate(size) => self.allocate(size as usize),
            Operation::Free(position) => self.free(position, false),
            Operation::FreeElsewhere(position) => self.free(position, true),
            Operation::FreeInside(position, offset) => self.free_inside(position, offset.into()),
            Operation::FreeTwice => self.free_twice(),
            Operation::Batch(class) => self.batch(class.into()),
            Operation::Tick(millis) => {
                self.now += Duration::from_millis(millis.into());
                self.pool.tick(self.now);
            }
            Operation::Trim => {
                self.pool.trim();
            }
            Operation::ShortThread(size) => self.short_thread(size.into()),
        }
        self.compare();
    }

    /// Frees everything; the pool must be empty then.
    ///
    /// # Panics
    /// If it is not.
    pub fn finish(mut self) {
        while !self.live.is_empty() {
            self.free(0, false);
        }
        self.pool.trim();
        self.compare();
        let stats = self.pool.stats();
        assert_eq!((stats.used, stats.committed, stats.dirty, stats.live_blocks), (0, 0, 0, 0));
        let os = self.os;
        drop(self);
        assert_eq!(os.mapped_bytes(), 0, "the pool left mappings behind");
    }

    fn allocate(&mut self, size: usize) {
        self.next_pattern = self.next_pattern.wrapping_add(1);
        let allocated = self.pool.allocate(size).map(|mut block| {
            block.fill(self.next_pattern);
            (block.usable_size(), block.into_address())
        });
        match allocated {
            Ok((usable, address)) => self.enter(address, size, usable),
            // What fits the limit with everything given back must not be refused; a slab takes more than the block.
            Err(Error::LimitReached { .. }) => {
                let committed = self.pool.stats().committed as usize;
                let slack = 1 << 20;
                assert!(committed + size.max(slack) > self.limit, "{size} refused at {committed} of {}", self.limit);
            }
            Err(_) if self.os.calls() > 0 => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn enter(&mut self, address: usize, size: usize, usable: usize) {
        assert_eq!(address % GRANULE, 0);
        assert!(usable >= size);
        if let Some((&before, &(length, _))) = self.live.range(..=address).next_back() {
            assert!(before + length.max(1) <= address, "{address:#x} overlaps the block at {before:#x}");
        }
        if let Some((&after, _)) = self.live.range(address..).next() {
            assert!(address + usable <= after, "{address:#x} overlaps the block at {after:#x}");
        }
        self.live.insert(address, (size, self.next_pattern));
        if self.freed_last == Some(address) {
            self.freed_last = None;
        }
    }

    fn pick(&self, position: u16) -> Option<usize> {
        let index = usize::from(position) % self.live.len().max(1);
        self.live.keys().nth(index).copied()
    }

    fn free(&mut self, position: u16, elsewhere: bool) {
        let Some(address) = self.pick(position) else { return };
        let (size, pattern) = self.live.remove(&address).expect("it was picked from there");
        // SAFETY: the block is live and nobody else looks at it.
        let bytes = unsafe { std::slice::from_raw_parts(address as *const u8, size) };
        assert!(bytes.iter().all(|&byte| byte == pattern), "the block at {address:#x} was written to by somebody else");
        // SAFETY: the model forgot it.
        let free = |pool: &Pool| unsafe { pool.free(address) };
        let freed = if elsewhere { on_another_thread(&self.pool, free) } else { free(&self.pool) };
        freed.expect("a live block can be freed");
        self.freed_last = Some(address);
    }

    fn free_inside(&mut self, position: u16, offset: usize) {
        let Some(address) = self.pick(position) else { return };
        let size = self.live[&address].0;
        if offset == 0 || offset >= size {
            return;
        }
        let before = self.pool.stats().bad_frees;
        // SAFETY: the pool refuses it.
        let freed = unsafe { self.pool.free(address + offset) };
        assert!(matches!(freed, Err(Error::BadFree { .. })), "freed {offset} bytes into {address:#x}: {freed:?}");
        assert_eq!(self.pool.stats().bad_frees, before + 1);
    }

    /// By class and through the batch interface, past the check that `free` makes at once.
    fn free_twice(&mut self) {
        let Some(address) = self.freed_last.filter(|address| !self.live.contains_key(address)) else {
            return;
        };
        self.pool.trim();
        let before = self.pool.stats();
        // SAFETY: the pool refuses it.
        let refused = unsafe { self.pool.free(address) }.is_err();
        assert!(refused, "{address:#x} was freed twice");
        // SAFETY: as above.
        let refused = unsafe { self.pool.give_shared(SizeClass::from_index(3).expect("a class"), &[address]) };
        assert_eq!(refused, 1);
        let after = self.pool.stats();
        assert_eq!((after.used, after.bad_frees), (before.used, before.bad_frees + 2));
    }

    fn batch(&mut self, class: usize) {
        let class = SizeClass::from_index(class % SizeClass::COUNT).expect("below the count");
        let mut blocks = [0; 40];
        let Ok(taken) = self.pool.take(class, &mut blocks) else {
            return;
        };
        assert!((1..=40).contains(&taken));
        for &address in &blocks[..taken] {
            self.enter(address, 0, class.size());
        }
        for address in &blocks[..taken] {
            self.live.remove(address);
        }
        // SAFETY: nobody else has them.
        assert_eq!(unsafe { self.pool.give(class, &blocks[..taken]) }, 0);
    }

    fn short_thread(&mut self, size: usize) {
        on_another_thread(&self.pool, |pool| {
            let blocks: Vec<_> = (0..10).map_while(|_| pool.allocate(size).ok()).collect();
            drop(blocks);
        });
    }

    fn compare(&self) {
        self.pool.check_invariants().unwrap_or_else(|what| panic!("{what}\n{:?}", self.pool.stats()));
        let stats = self.pool.stats();
        let used: usize = self.live.values().map(|&(size, _)| block_size(size)).sum();
        assert_eq!((stats.used as usize, stats.live_blocks as usize), (used, self.live.len()));
        assert!(stats.committed as usize <= self.limit);
    }
}

/// Runs `act` on a thread of its own, and waits until that thread's cache is back.
fn on_another_thread<R: Send>(pool: &Pool, act: impl FnOnce(&Pool) -> R + Send) -> R {
    let caches = pool.stats().thread_caches;
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || send.send(act(pool)).expect("the receiver waits"));
    });
    let result = receive.recv().expect("the thread sent its result");
    // A scope ends when the closures have, which may be before the thread-local destructors.
    while pool.stats().thread_caches > caches {
        thread::yield_now();
    }
    result
}

fn block_size(size: usize) -> usize {
    match SizeClass::of(size) {
        Some(class) => class.size(),
        None => {
            assert!(size > LARGEST);
            size.next_multiple_of(millpond::PAGE)
        }
    }
}
