//! What is called often: primitives in, primitives or an error code out, no exceptions, no allocation.
//!
//! The safe call wrapper of the `jni` crate costs more than all the rest of such a call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jni::sys::{JNIEnv, jboolean, jclass, jint, jlong, jlongArray};
use millpond::{Error, SizeClass};

use crate::handle;

/// The pool's limit, or that of an ancestor, is reached.
const LIMIT: jint = -1;
/// The pool is closed.
const CLOSED: jint = -2;
/// The operating system gave no memory.
const OUT_OF_MEMORY: jint = -3;
/// The allocator panicked; the message went to the standard error stream.
const PANIC: jint = -4;
/// A class, count or address that makes no sense.
const BAD_ARGUMENT: jint = -5;

/// Addresses that one call can move, at most. Java moves batches, which are largest for the smallest class.
const MOVE_MAX: usize = 64;
const _: () = assert!(SizeClass::of(1).expect("the smallest class").batch() <= MOVE_MAX);

fn code(error: &Error) -> jint {
    match error {
        Error::LimitReached { .. } => LIMIT,
        Error::Closed { .. } => CLOSED,
        Error::OutOfMemory { .. } => OUT_OF_MEMORY,
        _ => BAD_ARGUMENT,
    }
}

fn guarded<T: From<i32>>(act: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|payload| {
        // A payload whose destructor panics would unwind into the JVM.
        std::mem::forget(payload);
        T::from(PANIC)
    })
}

fn class_and_count(class: jint, count: jint) -> Option<(SizeClass, usize)> {
    let class = SizeClass::from_index(usize::try_from(class).ok()?)?;
    let count = usize::try_from(count).ok()?;
    (count <= MOVE_MAX).then_some((class, count))
}

/// Takes up to `count` blocks and writes their addresses to the start of a Java array.
///
/// # Safety
/// `env` is the calling thread's, `array` has room for `count` elements.
unsafe fn move_out(
    env: *mut JNIEnv,
    array: jlongArray,
    (class, count): (jint, jint),
    take: impl FnOnce(SizeClass, &mut [usize]) -> Result<usize, Error>,
) -> jint {
    let Some((class, count)) = class_and_count(class, count) else { return BAD_ARGUMENT };
    let mut blocks = [0usize; MOVE_MAX];
    match take(class, &mut blocks[..count]) {
        Ok(taken) => {
            // SAFETY: `jlong` and `usize` have the same size here (see the assertion below); `taken <= count`, for
            // which the caller has room.
            unsafe { ((**env).v1_1.SetLongArrayRegion)(env, array, 0, taken as jint, blocks.as_ptr().cast()) };
            taken as jint
        }
        Err(error) => code(&error),
    }
}

/// Reads `count` addresses from the start of a Java array and gives them back. Returns how many were refused.
///
/// # Safety
/// `env` is the calling thread's, `array` has `count` elements.
unsafe fn move_in(
    env: *mut JNIEnv,
    array: jlongArray,
    (class, count): (jint, jint),
    give: impl FnOnce(SizeClass, &[usize]) -> usize,
) -> jint {
    let Some((class, count)) = class_and_count(class, count) else { return BAD_ARGUMENT };
    let mut blocks = [0usize; MOVE_MAX];
    // SAFETY: as in `move_out`; `count <= MOVE_MAX`.
    unsafe { ((**env).v1_1.GetLongArrayRegion)(env, array, 0, count as jint, blocks.as_mut_ptr().cast()) };
    give(class, &blocks[..count]) as jint
}

const _: () = assert!(size_of::<usize>() == size_of::<jlong>(), "addresses travel in Java longs");

pub(crate) extern "system" fn take(
    env: *mut JNIEnv,
    _: jclass,
    pool: jlong,
    class: jint,
    blocks: jlongArray,
    count: jint,
) -> jint {
    // SAFETY: Java passes a live handle, and an array of at least `count` elements.
    guarded(|| unsafe { move_out(env, blocks, (class, count), |class, out| handle::pool(pool).take(class, out)) })
}

pub(crate) extern "system" fn take_shared(
    env: *mut JNIEnv,
    _: jclass,
    pool: jlong,
    class: jint,
    blocks: jlongArray,
    count: jint,
) -> jint {
    // SAFETY: as in `take`.
    guarded(|| unsafe {
        move_out(env, blocks, (class, count), |class, out| handle::pool(pool).take_shared(class, out))
    })
}

pub(crate) extern "system" fn give(
    env: *mut JNIEnv,
    _: jclass,
    pool: jlong,
    class: jint,
    blocks: jlongArray,
    count: jint,
) -> jint {
    // SAFETY: as in `take`; Java gives back each block once, when its handle was released or cannot be reached.
    guarded(|| unsafe { move_in(env, blocks, (class, count), |class, blocks| handle::pool(pool).give(class, blocks)) })
}

pub(crate) extern "system" fn give_shared(
    env: *mut JNIEnv,
    _: jclass,
    pool: jlong,
    class: jint,
    blocks: jlongArray,
    count: jint,
) -> jint {
    // SAFETY: as in `give`.
    guarded(|| unsafe {
        move_in(env, blocks, (class, count), |class, blocks| handle::pool(pool).give_shared(class, blocks))
    })
}

/// Returns the address of a block of at least `size` bytes, or an error code.
pub(crate) extern "system" fn take_huge(_: *mut JNIEnv, _: jclass, pool: jlong, size: jlong) -> jlong {
    guarded(|| {
        let Ok(size) = usize::try_from(size) else { return jlong::from(BAD_ARGUMENT) };
        // SAFETY: Java passes a live handle.
        match unsafe { handle::pool(pool) }.take_huge(size) {
            Ok(huge) => huge.address as jlong,
            Err(error) => jlong::from(code(&error)),
        }
    })
}

/// Returns 0, or an error code if `address` is no live huge block.
pub(crate) extern "system" fn give_huge(_: *mut JNIEnv, _: jclass, pool: jlong, address: jlong) -> jint {
    guarded(|| {
        // SAFETY: Java passes a live handle, and gives back each block once, when nobody uses it any more.
        let given = unsafe { handle::pool(pool).give_huge(address as usize) };
        given.map_or_else(|error| code(&error), |()| 0)
    })
}

/// Returns the address of a block of `size` bytes, whatever its class, or an error code. For checked pools.
pub(crate) extern "system" fn take_checked(_: *mut JNIEnv, _: jclass, pool: jlong, size: jlong) -> jlong {
    guarded(|| {
        let Ok(size) = usize::try_from(size) else { return jlong::from(BAD_ARGUMENT) };
        // SAFETY: Java passes a live handle.
        match unsafe { handle::pool(pool) }.allocate(size) {
            Ok(block) => block.into_address() as jlong,
            Err(error) => jlong::from(code(&error)),
        }
    })
}

/// Takes back what `take_checked` gave. Returns 0, or an error code if `address` is no live block.
pub(crate) extern "system" fn give_checked(_: *mut JNIEnv, _: jclass, pool: jlong, address: jlong) -> jint {
    guarded(|| {
        // SAFETY: as in `give_huge`.
        let given = unsafe { handle::pool(pool).free(address as usize) };
        given.map_or_else(|error| code(&error), |()| 0)
    })
}

pub(crate) extern "system" fn tick(_: *mut JNIEnv, _: jclass, pool: jlong, now_nanos: jlong) {
    guarded(|| {
        let now = Duration::from_nanos(now_nanos.max(0) as u64);
        // SAFETY: Java passes a live handle.
        unsafe { handle::pool(pool) }.tick(now);
        0
    });
}

pub(crate) extern "system" fn membarrier(_: *mut JNIEnv, _: jclass) -> jboolean {
    catch_unwind(millpond::os::membarrier).unwrap_or(false)
}
