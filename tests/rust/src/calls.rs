//! Calls of `include/millpond.h`, as a program makes them that gets everything wrong that can be got wrong: frees twice, with
//! wrong sizes, into the wrong pool, addresses that are no blocks, null pointers, closed pools.
//!
//! Beside it there is a list of the blocks that are out. A call that is wrong must be refused as the header says and change
//! nothing; what is out keeps its contents, overlaps nothing, and is what the statistics count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

use millpond::c_api::*;
use millpond::{GRANULE, LARGEST, PAGE, Pool, SizeClass, Stats};

/// Bytes that one call is read from.
const RECORD: usize = 4;
/// Pools that there can be at a time.
const POOLS: usize = 3;
/// Blocks that can be out at a time.
const BLOCKS: usize = 200;
/// Limit of a pool, so that a run needs little memory.
const LIMIT: usize = 48 << 20;
/// Addresses that were freed, to be freed again.
const FREED: usize = 16;
/// Bytes at both ends of a block that are written and looked at.
const EDGE: usize = 16;

/// A block that is out.
#[derive(Debug, Clone, Copy)]
struct Held {
    place: usize,
    size: usize,
    usable: usize,
    mark: u8,
}

/// A pool, and what should be in its statistics.
struct Place {
    pool: *mut Pool,
    checked: bool,
    closed: bool,
    allocations: u64,
    frees: u64,
    bad_frees: u64,
    /// Freed by `millpond_free`, which notices when that happens again.
    freed: VecDeque<usize>,
    /// Freed by `millpond_free_sized`, which leaves it to the cache to notice: not to be freed again on purpose.
    trusted: BTreeSet<usize>,
}

/// A program that runs.
struct Program {
    places: [Option<Place>; POOLS],
    held: BTreeMap<usize, Held>,
    next_mark: u8,
}

/// Reads calls from bytes, `RECORD` each, and makes them all. Any bytes are a program.
///
/// # Panics
/// If a call does not do what the header says.
pub fn replay(bytes: &[u8]) {
    let mut program = Program { places: [const { None }; POOLS], held: BTreeMap::new(), next_mark: 0 };
    program.create(0, 0);
    for record in bytes.chunks_exact(RECORD) {
        program.call(record[0], record[1], u16::from_le_bytes([record[2], record[3]]));
    }
    program.end();
}

impl Program {
    fn call(&mut self, call: u8, a: u8, b: u16) {
        let place = usize::from(call >> 4) % POOLS;
        // Up to 16 MiB, half of them below 4 KiB.
        let size = usize::from(b >> 4) << (a % 13);
        match call % 16 {
            0..=3 => self.allocate(place, size, None),
            4 => self.allocate(place, size, Some(u64::from(a))),
            5 | 6 => self.free(b),
            7 => self.free_sized(b),
            8 | 9 => self.free_wrongly(place, a, b),
            10 => self.free_with_a_wrong_size(a, b),
            11 => self.look(place, b),
            12 => self.pass_time(place, a, b),
            13 => self.pass_nothing(place, b),
            14 if a < 32 => self.close(place),
            14 if a < 48 => self.destroy(place),
            14 => self.limit(place, b),
            _ => self.create(place, a),
        }
        self.compare(place);
    }

    fn place(&mut self, place: usize) -> Option<&mut Place> {
        self.places[place].as_mut()
    }

    /// The pool, or null where there is none: a call with that is refused and does nothing.
    fn pool(&self, place: usize) -> *const Pool {
        self.places[place].as_ref().map_or(null(), |place| place.pool)
    }

    fn create(&mut self, at: usize, how: u8) {
        if self.places[at].is_some() {
            return;
        }
        let names: [&[u8]; 4] = [b"calls\0", b"\xff\0", b"\0", &[b'n'; 100]];
        let mut long = [0u8; 101];
        long[..100].copy_from_slice(names[3]);
        let name = match how % 16 {
            0..=11 => names[0].as_ptr(),
            12 => names[1].as_ptr(),
            13 => names[2].as_ptr(),
            14 => long.as_ptr(),
            _ => null(),
        };
        let flags = match how / 16 % 4 {
            0 => MILLPOND_CHECKED,
            // One that is no flag.
            1 if how % 16 == 15 => 1 << 9,
            _ => 0,
        };
        let parent = if how >= 128 { self.pool((at + 1) % POOLS) } else { null() };
        let options = MillpondOptions {
            name: name.cast::<c_char>(),
            max_bytes: LIMIT,
            decay_millis: 100,
            thread_cache_bytes: if how.is_multiple_of(2) { 64 << 10 } else { 0 },
            all_caches_bytes: 0,
            depot_bytes: 1 << 20,
            arenas: usize::from(how % 3),
            quarantine_bytes: 1 << 16,
            parent,
            flags,
        };
        let mut pool = null_mut();
        // SAFETY: the name ends with a zero byte, the parent is null or lives, the pool may be written to.
        let status = unsafe { millpond_create(&options, &mut pool) };
        if (12..=14).contains(&(how % 16)) || flags > MILLPOND_CHECKED {
            assert_eq!((status, pool.is_null()), (MILLPOND_EINVAL, true), "{options:?}");
            return;
        }
        assert_eq!((status, pool.is_null()), (MILLPOND_OK, false), "{options:?}");
        self.places[at] = Some(Place {
            pool,
            checked: flags == MILLPOND_CHECKED,
            closed: false,
            allocations: 0,
            frees: 0,
            bad_frees: 0,
            freed: VecDeque::new(),
            trusted: BTreeSet::new(),
        });
    }

    fn allocate(&mut self, at: usize, size: usize, timeout: Option<u64>) {
        if self.held.len() == BLOCKS {
            return;
        }
        let pool = self.pool(at);
        let mut block = null_mut();
        // SAFETY: the pool is null or lives, and the block may be written to.
        let status = unsafe {
            match timeout {
                None => millpond_allocate(pool, size, &mut block),
                Some(nanos) => millpond_allocate_within(pool, size, nanos, &mut block),
            }
        };
        let Some(place) = self.place(at) else { return assert_eq!(status, MILLPOND_EINVAL) };
        match status {
            MILLPOND_OK => assert!(!place.closed, "a closed pool gave a block"),
            MILLPOND_ECLOSED => return assert!(place.closed),
            // Where there is a parent others may have what is missing.
            MILLPOND_ELIMIT => return assert!(!place.closed),
            status => panic!("{status} for {size} bytes"),
        }
        place.allocations += 1;
        let address = block.expose_provenance();
        place.freed.retain(|&freed| freed != address);
        place.trusted.remove(&address);
        self.enter(at, address, size);
    }

    fn enter(&mut self, place: usize, address: usize, size: usize) {
        assert_eq!(address % GRANULE, 0);
        // SAFETY: the pool lives.
        let usable = unsafe { millpond_usable_size(self.pool(place), address as *const c_void) };
        assert!(usable >= size, "{usable} of {size} bytes may be used");
        if let Some((&before, held)) = self.held.range(..=address).next_back() {
            assert!(before + held.usable.max(1) <= address, "{address:#x} overlaps the block at {before:#x}");
        }
        if let Some((&after, _)) = self.held.range(address..).next() {
            assert!(address + usable <= after, "{address:#x} overlaps the block at {after:#x}");
        }
        self.next_mark = self.next_mark.wrapping_add(1);
        let held = Held { place, size, usable, mark: self.next_mark };
        for range in edges(&held) {
            // SAFETY: the block is ours, and this is within it.
            unsafe { std::ptr::write_bytes((address + range.0) as *mut u8, held.mark, range.1) };
        }
        self.held.insert(address, held);
    }

    fn pick(&self, position: u16) -> Option<usize> {
        self.held.keys().nth(usize::from(position) % self.held.len().max(1)).copied()
    }

    /// Takes a block off the list, to be freed.
    fn leave(&mut self, address: usize) -> Held {
        let held = self.held.remove(&address).expect("it is in the list");
        verify(address, &held);
        self.place(held.place).expect("its pool lives").frees += 1;
        held
    }

    fn free(&mut self, position: u16) {
        let Some(address) = self.pick(position) else { return };
        let held = self.leave(address);
        // SAFETY: the block is off the list.
        let status = unsafe { millpond_free(self.pool(held.place), address as *mut c_void) };
        assert_eq!(status, MILLPOND_OK, "{held:?}");
        let place = self.place(held.place).expect("its pool lives");
        place.freed.push_back(address);
        if place.freed.len() > FREED {
            place.freed.pop_front();
        }
    }

    fn free_sized(&mut self, position: u16) {
        let Some(address) = self.pick(position) else { return };
        let held = self.leave(address);
        // SAFETY: the block is off the list, and this is its size.
        let status = unsafe { millpond_free_sized(self.pool(held.place), address as *mut c_void, held.size) };
        assert_eq!(status, MILLPOND_OK, "{held:?}");
        let place = self.place(held.place).expect("its pool lives");
        if !place.checked {
            place.trusted.insert(address);
        }
    }

    /// An address that is no block of this pool, or none that is out.
    fn wrong_address(&self, place: usize, kind: u8, b: u16) -> Option<usize> {
        let here = 0u64;
        let address = match kind % 8 {
            0 => &raw const here as usize,
            1 => [usize::MAX, 1 << 47, 1 << 48, 1, GRANULE][usize::from(b) % 5],
            2 => usize::from(b) << 12,
            // Inside a block, at one granule as well as off it.
            3 => {
                let address = self.pick(b)?;
                address + usize::from(kind >> 3) + usize::from(b) % self.held[&address].usable.max(1)
            }
            // Right behind a block, and right before it.
            4 => self.pick(b).map(|address| address + self.held[&address].usable.next_multiple_of(GRANULE))?,
            5 => self.pick(b)?.checked_sub(GRANULE)?,
            // A live block of another pool.
            6 => self.pick(b).filter(|address| self.held[address].place != place)?,
            _ => {
                let freed = &self.places[place].as_ref()?.freed;
                *freed.get(usize::from(b) % freed.len().max(1))?
            }
        };
        let is_block = self.held.get(&address).is_some_and(|held| held.place == place);
        let is_trusted = self.places[place].as_ref().is_some_and(|place| place.trusted.contains(&address));
        (address != 0 && !is_block && !is_trusted).then_some(address)
    }

    fn free_wrongly(&mut self, at: usize, kind: u8, b: u16) {
        let Some(address) = self.wrong_address(at, kind, b) else { return };
        let pool = self.pool(at);
        // SAFETY: the pool refuses it.
        let status = unsafe { millpond_free(pool, address as *mut c_void) };
        self.refused(at, status, address);
        // SAFETY: the pool lives, or is null.
        assert_eq!(unsafe { millpond_usable_size(pool, address as *const c_void) }, 0, "{address:#x}");
        if kind % 8 != 7 {
            // What was a block once may lie in a cache, where only `millpond_free` notices.
            let class_size = [1, 100, 4096, 40_000, LARGEST, LARGEST + 1][usize::from(b) % 6];
            if kind % 8 < 3 || kind % 8 == 6 {
                // SAFETY: the pool refuses it.
                let status = unsafe { millpond_free_sized(pool, address as *mut c_void, class_size) };
                self.refused(at, status, address);
            }
        }
    }

    /// A block that is out, with a size of another class.
    fn free_with_a_wrong_size(&mut self, a: u8, b: u16) {
        let Some(address) = self.pick(b) else { return };
        let held = self.held[&address];
        let size = usize::from(b) << (a % 13);
        if self.places[held.place].as_ref().is_some_and(|place| place.checked)
            || SizeClass::of(size) == SizeClass::of(held.size)
        {
            return;
        }
        // SAFETY: the pool refuses it.
        let status = unsafe { millpond_free_sized(self.pool(held.place), address as *mut c_void, size) };
        self.refused(held.place, status, address);
    }

    fn refused(&mut self, at: usize, status: c_int, address: usize) {
        let Some(place) = self.place(at) else { return assert_eq!(status, MILLPOND_EINVAL) };
        assert_eq!(status, MILLPOND_EBADFREE, "freed {address:#x}");
        place.bad_frees += 1;
    }

    fn look(&self, place: usize, b: u16) {
        let Some(address) = self.pick(b) else { return };
        let held = &self.held[&address];
        verify(address, held);
        let of_other = if held.place == place { held.usable } else { 0 };
        // SAFETY: the pool lives, or is null.
        assert_eq!(unsafe { millpond_usable_size(self.pool(place), address as *const c_void) }, of_other);
        let of_class = SizeClass::of(held.size).map_or(0, SizeClass::size);
        assert_eq!(millpond_class_size(held.size), of_class);
    }

    fn pass_time(&mut self, at: usize, a: u8, b: u16) {
        let pool = self.pool(at);
        let expected = if pool.is_null() { MILLPOND_EINVAL } else { MILLPOND_OK };
        if a < 200 {
            // Time that goes back is one that does not go on.
            // SAFETY: the pool lives, or is null.
            assert_eq!(unsafe { millpond_tick(pool, u64::from(b) << (a % 32)) }, expected);
            return;
        }
        let mut bytes = 0;
        // SAFETY: the pool lives, or is null; the bytes may be written to.
        assert_eq!(unsafe { millpond_trim(pool, if a.is_multiple_of(2) { &mut bytes } else { null_mut() }) }, expected);
        assert!(bytes.is_multiple_of(PAGE));
    }

    /// Null where a pointer is wanted, and buffers that are too small.
    fn pass_nothing(&self, place: usize, b: u16) {
        let pool = self.pool(place);
        let lives = if pool.is_null() { MILLPOND_EINVAL } else { MILLPOND_OK };
        let mut some = [0u8; 64];
        let size = usize::from(b) % (some.len() + 1);
        // SAFETY: the pool lives or is null; null is what each of these has an answer to, and the array is long enough.
        unsafe {
            assert_eq!(millpond_allocate(pool, 1, null_mut()), MILLPOND_EINVAL);
            assert_eq!(millpond_free(pool, null_mut()), lives);
            assert_eq!(millpond_free_sized(pool, null_mut(), size), lives);
            assert_eq!(millpond_usable_size(pool, null()), 0);
            assert_eq!(millpond_stats(pool, null_mut(), size), MILLPOND_EINVAL);
            assert_eq!(millpond_stats(pool, some.as_mut_ptr().cast(), size), lives);
            assert_eq!(millpond_reports(pool, None, null_mut()), MILLPOND_EINVAL);
            assert_eq!(millpond_reports(pool, Some(read_words), some.as_mut_ptr().cast()), lives);
            assert_eq!(millpond_create(null(), null_mut()), MILLPOND_EINVAL);
            millpond_destroy(null_mut());
        }
        assert!(some[size.max(1)..].iter().all(|&byte| byte == 0), "more than {size} bytes were written");
    }

    fn limit(&mut self, at: usize, b: u16) {
        let bytes = usize::from(b) << 10;
        // SAFETY: the pool lives, or is null.
        let status = unsafe { millpond_set_max_bytes(self.pool(at), bytes) };
        assert!(status == MILLPOND_OK || status == MILLPOND_EINVAL, "{status} for {bytes} bytes");
        if status == MILLPOND_OK {
            assert!(self.stats(at).is_some_and(|stats| stats.committed <= bytes as u64));
        }
    }

    fn close(&mut self, at: usize) {
        let pool = self.pool(at);
        let Some(place) = self.place(at) else { return };
        place.closed = true;
        let mut used = 0;
        // SAFETY: the pool lives, and the bytes may be written to.
        assert_eq!(unsafe { millpond_close(pool, &mut used) }, MILLPOND_OK);
        assert_eq!(self.stats(at).map(|stats| stats.used as usize), Some(used));
    }

    /// Its blocks go with it.
    fn destroy(&mut self, at: usize) {
        let Some(place) = self.places[at].take() else { return };
        self.held.retain(|_, held| held.place != at);
        // SAFETY: it is on no list any more, nor is a block of it.
        unsafe { millpond_destroy(place.pool) };
    }

    fn stats(&self, at: usize) -> Option<Stats> {
        let pool = self.pool(at);
        if pool.is_null() {
            return None;
        }
        let mut stats = std::mem::MaybeUninit::<Stats>::uninit();
        // SAFETY: the pool lives, and so many bytes may be written.
        let status = unsafe { millpond_stats(pool, stats.as_mut_ptr().cast(), size_of::<Stats>()) };
        assert_eq!(status, MILLPOND_OK);
        // SAFETY: all of it was written.
        Some(unsafe { stats.assume_init() })
    }

    fn compare(&self, at: usize) {
        let (Some(stats), Some(place)) = (self.stats(at), &self.places[at]) else { return };
        let held = self.held.values().filter(|held| held.place == at).count() as u64;
        let counted = (stats.live_blocks, stats.allocations, stats.frees, stats.bad_frees);
        assert_eq!(counted, (held, place.allocations, place.frees, place.bad_frees));
        assert!(stats.committed <= stats.limit && stats.violations == 0);
        // SAFETY: the pool lives.
        unsafe { &*place.pool }.check_invariants().unwrap_or_else(|what| panic!("{what}\n{stats:?}"));
    }

    fn end(mut self) {
        while let Some(address) = self.pick(0) {
            let held = self.leave(address);
            // SAFETY: the block is off the list.
            assert_eq!(unsafe { millpond_free(self.pool(held.place), address as *mut c_void) }, MILLPOND_OK);
        }
        for at in 0..POOLS {
            // SAFETY: the pool lives, or is null.
            unsafe { millpond_trim(self.pool(at), null_mut()) };
            self.compare(at);
            if let Some(stats) = self.stats(at) {
                assert_eq!((stats.used, stats.quarantined), (0, 0));
            }
        }
        (0..POOLS).for_each(|at| self.destroy(at));
    }
}

/// Offset and length of both ends of a block, as far as it was asked for.
fn edges(held: &Held) -> [(usize, usize); 2] {
    let length = held.size.min(EDGE);
    [(0, length), (held.size - length, length)]
}

fn verify(address: usize, held: &Held) {
    for (offset, length) in edges(held) {
        // SAFETY: the block is ours, and this is within it.
        let bytes = unsafe { std::slice::from_raw_parts((address + offset) as *const u8, length) };
        assert!(
            bytes.iter().all(|&byte| byte == held.mark),
            "{held:?} at {address:#x} was written to by somebody else"
        );
    }
}

/// The words of a report are a string.
unsafe extern "C" fn read_words(_context: *mut c_void, words: *const c_char) {
    // SAFETY: the library gives a string that ends with a zero byte.
    let words = unsafe { std::ffi::CStr::from_ptr(words) };
    assert!(words.to_str().is_ok_and(|words| words.len() > 20), "{words:?}");
}
