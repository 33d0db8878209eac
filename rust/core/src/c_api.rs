//! The functions of `include/millpond.h`, for native code in the same process.
//!
//! They convert and call; what they promise is written in the header. None of them unwinds: a panic, which would be a
//! bug, ends as the error [`MILLPOND_EPANIC`].

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::time::Duration;

use crate::block::Block;
use crate::error::Error;
use crate::options::Options;
use crate::os::{self, Errno};
use crate::pool::Pool;
use crate::size_class::SizeClass;
use crate::stats::Stats;

/// Success.
pub const MILLPOND_OK: c_int = 0;
/// The pool's limit, or an ancestor's, is reached.
pub const MILLPOND_ELIMIT: c_int = -1;
/// The pool is closed.
pub const MILLPOND_ECLOSED: c_int = -2;
/// The operating system gave no memory; `errno` says why.
pub const MILLPOND_ENOMEM: c_int = -3;
/// A bug in this library.
pub const MILLPOND_EPANIC: c_int = -4;
/// An argument is null or out of its range.
pub const MILLPOND_EINVAL: c_int = -5;
/// The address is not the start of a live block.
pub const MILLPOND_EBADFREE: c_int = -6;

/// This process was forked from the one that made the pool.
pub const MILLPOND_EFORKED: c_int = -7;

/// What a pool is made with; zero takes the default.
#[repr(C)]
#[derive(Debug)]
pub struct MillpondOptions {
    /// Name, in UTF-8; null takes the default.
    pub name: *const c_char,
    /// Hard limit on committed bytes.
    pub max_bytes: usize,
    /// Decay time in milliseconds.
    pub decay_millis: u64,
    /// Bytes of free blocks a thread may keep.
    pub thread_cache_bytes: usize,
    /// Bytes of free blocks that all threads may keep together.
    pub all_caches_bytes: usize,
    /// Bytes of free blocks between threads.
    pub depot_bytes: usize,
    /// Number of arenas.
    pub arenas: usize,
    /// Bytes of released blocks that checked mode keeps.
    pub quarantine_bytes: usize,
    /// A pool whose limit counts as well; null for none.
    pub parent: *const Pool,
    /// Any of `MILLPOND_HUGE_PAGES`, `MILLPOND_CHECKED`.
    pub flags: u32,
}

/// Asks for transparent huge pages.
pub const MILLPOND_HUGE_PAGES: u32 = 1;
/// Checked mode.
pub const MILLPOND_CHECKED: u32 = 4;

/// The version, as a static string.
#[unsafe(no_mangle)]
pub extern "C" fn millpond_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Makes a pool and writes it to `*pool`.
///
/// # Safety
/// `options` is null or valid; `pool` is null or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_create(options: *const MillpondOptions, pool: *mut *mut Pool) -> c_int {
    guarded(|| {
        if pool.is_null() {
            return MILLPOND_EINVAL;
        }
        // SAFETY: the caller says that it is null or valid.
        let Some(options) = (unsafe { read_options(options.as_ref()) }) else {
            return MILLPOND_EINVAL;
        };
        match Pool::new(options) {
            Ok(made) => {
                // SAFETY: the caller says that it may be written to.
                unsafe { *pool = Box::into_raw(Box::new(made)) };
                MILLPOND_OK
            }
            Err(error) => code(&error),
        }
    })
}

/// Unmaps everything and frees the pool.
///
/// # Safety
/// `pool` is null or came from [`millpond_create`], and neither it nor a block of it is used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_destroy(pool: *mut Pool) {
    guarded(|| {
        if !pool.is_null() {
            // SAFETY: the caller says that `millpond_create` made it, with `Box::into_raw`.
            drop(unsafe { Box::from_raw(pool) });
        }
        MILLPOND_OK
    });
}

/// Writes a block of at least `size` bytes to `*block`.
///
/// # Safety
/// `pool` is null or a live pool; `block` is null or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_allocate(pool: *const Pool, size: usize, block: *mut *mut c_void) -> c_int {
    // SAFETY: the caller's promise is the same.
    unsafe { allocate_into(pool, block, |pool| pool.allocate(size)) }
}

/// As [`millpond_allocate`], waiting for room until the timeout is over.
///
/// # Safety
/// As for [`millpond_allocate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_allocate_within(
    pool: *const Pool,
    size: usize,
    timeout_nanos: u64,
    block: *mut *mut c_void,
) -> c_int {
    let timeout = Duration::from_nanos(timeout_nanos);
    // SAFETY: the caller's promise is the same.
    unsafe { allocate_into(pool, block, |pool| pool.allocate_within(size, timeout)) }
}

/// # Safety
/// `pool` is null or a live pool; `block` is null or may be written to.
unsafe fn allocate_into(
    pool: *const Pool,
    block: *mut *mut c_void,
    allocate: impl FnOnce(&Pool) -> Result<Block<'_>, Error>,
) -> c_int {
    guarded(|| {
        // SAFETY: the caller says so.
        let (Some(pool), false) = (unsafe { pool.as_ref() }, block.is_null()) else { return MILLPOND_EINVAL };
        match allocate(pool) {
            Ok(taken) => {
                // SAFETY: the caller says that it may be written to.
                unsafe { *block = ptr::with_exposed_provenance_mut(taken.into_address()) };
                MILLPOND_OK
            }
            Err(error) => code(&error),
        }
    })
}

/// Takes back a block whose size is still known.
///
/// # Safety
/// `pool` is null or a live pool; the block was allocated from it with this size, and nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_free_sized(pool: *const Pool, block: *mut c_void, size: usize) -> c_int {
    // SAFETY: the caller says so.
    with_pool(unsafe { pool.as_ref() }, |pool| match block.is_null() {
        true => Ok(()),
        // SAFETY: the caller says that it has this size, and that nobody uses it.
        false => unsafe { pool.free_sized(block.expose_provenance(), size) },
    })
}

/// Sets another hard limit on committed bytes.
///
/// # Safety
/// `pool` is null or a live pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_set_max_bytes(pool: *const Pool, bytes: usize) -> c_int {
    // SAFETY: the caller says so.
    with_pool(unsafe { pool.as_ref() }, |pool| pool.set_max_bytes(bytes))
}

/// Calls `report` with each thing that the application did wrong since the last call, in words.
///
/// # Safety
/// `pool` is null or a live pool; `report` is null or may be called with `context` and a string, and does not unwind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_reports(
    pool: *const Pool,
    report: Option<unsafe extern "C" fn(*mut c_void, *const c_char)>,
    context: *mut c_void,
) -> c_int {
    let Some(report) = report else { return MILLPOND_EINVAL };
    // SAFETY: the caller says so.
    with_pool(unsafe { pool.as_ref() }, |pool| {
        for entry in pool.reports() {
            let words = CString::new(entry.to_string()).expect("reports are made of words and numbers");
            // SAFETY: the caller says that it may be called so; the string lives until it returns.
            unsafe { report(context, words.as_ptr()) };
        }
        Ok(())
    })
}

/// Bytes that a block for `size` bytes would have; 0 where such a block has a mapping of its own.
#[unsafe(no_mangle)]
pub extern "C" fn millpond_class_size(size: usize) -> usize {
    SizeClass::of(size).map_or(0, SizeClass::size)
}

/// Takes a block back.
///
/// # Safety
/// `pool` is null or a live pool; nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_free(pool: *const Pool, block: *mut c_void) -> c_int {
    // SAFETY: the caller says so.
    with_pool(unsafe { pool.as_ref() }, |pool| match block.is_null() {
        true => Ok(()),
        // SAFETY: the caller says that nobody uses it.
        false => unsafe { pool.free(block.expose_provenance()) },
    })
}

/// Bytes that may be used of a live block; 0 if it is none.
///
/// # Safety
/// `pool` is null or a live pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_usable_size(pool: *const Pool, block: *const c_void) -> usize {
    let mut bytes = 0;
    guarded(|| {
        // SAFETY: the caller says so.
        let pool = unsafe { pool.as_ref() };
        bytes = pool.and_then(|pool| pool.usable_size(block.expose_provenance())).unwrap_or(0);
        MILLPOND_OK
    });
    bytes
}

/// Does what time asks for; see [`Pool::tick`].
///
/// # Safety
/// `pool` is null or a live pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_tick(pool: *const Pool, now_nanos: u64) -> c_int {
    // SAFETY: the caller says so.
    with_pool(unsafe { pool.as_ref() }, |pool| {
        pool.tick(Duration::from_nanos(now_nanos));
        Ok(())
    })
}

/// Gives all free memory back; writes the bytes to `*bytes` unless that is null.
///
/// # Safety
/// `pool` is null or a live pool; `bytes` is null or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_trim(pool: *const Pool, bytes: *mut usize) -> c_int {
    // SAFETY: the caller says so.
    with_pool(unsafe { pool.as_ref() }, |pool| {
        let purged = pool.trim();
        // SAFETY: the caller says that it is null or may be written to.
        if let Some(bytes) = unsafe { bytes.as_mut() } {
            *bytes = purged;
        }
        Ok(())
    })
}

/// Refuses new blocks and gives all free memory back; see [`Pool::close`].
///
/// # Safety
/// `pool` is null or a live pool; `used` is null or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_close(pool: *const Pool, used: *mut usize) -> c_int {
    // SAFETY: the caller says so.
    with_pool(unsafe { pool.as_ref() }, |pool| {
        let left = pool.close();
        // SAFETY: the caller says that it is null or may be written to.
        if let Some(used) = unsafe { used.as_mut() } {
            *used = left;
        }
        Ok(())
    })
}

/// Writes a snapshot to `*stats`, as much of it as fits `size` bytes.
///
/// # Safety
/// `pool` is null or a live pool; `stats` is null or `size` bytes may be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn millpond_stats(pool: *const Pool, stats: *mut c_void, size: usize) -> c_int {
    if stats.is_null() {
        return MILLPOND_EINVAL;
    }
    // SAFETY: the caller says so.
    with_pool(unsafe { pool.as_ref() }, |pool| {
        let snapshot = pool.stats();
        let bytes = size.min(size_of::<Stats>());
        // SAFETY: both are at least so long, and a fresh local does not overlap the caller's memory. `Stats` is made
        // of integers without padding.
        unsafe { ptr::copy_nonoverlapping((&raw const snapshot).cast::<u8>(), stats.cast::<u8>(), bytes) };
        Ok(())
    })
}

fn with_pool(pool: Option<&Pool>, act: impl FnOnce(&Pool) -> Result<(), Error>) -> c_int {
    guarded(|| match pool.map(act) {
        Some(Ok(())) => MILLPOND_OK,
        Some(Err(error)) => code(&error),
        None => MILLPOND_EINVAL,
    })
}

fn guarded(act: impl FnOnce() -> c_int) -> c_int {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or(MILLPOND_EPANIC)
}

/// # Safety
/// The name is null or a string that ends with a zero byte; the parent is null or a live pool.
unsafe fn read_options(given: Option<&MillpondOptions>) -> Option<Options> {
    let mut options = Options::new();
    let Some(given) = given else { return Some(options) };
    if !given.name.is_null() {
        // SAFETY: the caller says so.
        options = options.name(unsafe { CStr::from_ptr(given.name) }.to_str().ok()?);
    }
    if given.max_bytes != 0 {
        options = options.max_bytes(given.max_bytes);
    }
    if given.decay_millis != 0 {
        options = options.decay(Duration::from_millis(given.decay_millis));
    }
    if given.thread_cache_bytes != 0 {
        options = options.thread_cache_bytes(given.thread_cache_bytes);
    }
    if given.all_caches_bytes != 0 {
        options = options.all_caches_bytes(given.all_caches_bytes);
    }
    if given.depot_bytes != 0 {
        options = options.depot_bytes(given.depot_bytes);
    }
    if given.quarantine_bytes != 0 {
        options = options.quarantine_bytes(given.quarantine_bytes);
    }
    // SAFETY: the caller says so.
    if let Some(parent) = unsafe { given.parent.as_ref() } {
        options = options.parent(parent);
    }
    let options = options.arenas(given.arenas).huge_pages(given.flags & MILLPOND_HUGE_PAGES != 0);
    let known = MILLPOND_HUGE_PAGES | MILLPOND_CHECKED;
    (given.flags & !known == 0).then(|| options.checked(given.flags & MILLPOND_CHECKED != 0))
}

fn code(error: &Error) -> c_int {
    match error {
        Error::Closed { .. } => MILLPOND_ECLOSED,
        Error::LimitReached { .. } => MILLPOND_ELIMIT,
        Error::OutOfMemory { errno, .. } => {
            os::set_errno(Errno(*errno));
            MILLPOND_ENOMEM
        }
        Error::BadFree { .. } => MILLPOND_EBADFREE,
        Error::Forked { .. } => MILLPOND_EFORKED,
        Error::InvalidOption { .. } | Error::Unsupported { .. } => MILLPOND_EINVAL,
    }
}
