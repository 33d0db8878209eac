//! Blocks, in batches and one by one.
//!
//! They go past the caches of threads: Java has its own, and no thread of the JVM should have destructors of this library
//! to run when it ends, since the library may be unloaded before.

use jni::sys::{jclass, jint, jlong};
use millpond::SizeClass;

use crate::code::{Code, guarded, unsigned};
use crate::env::{Env, Longs};
use crate::handle;

/// Addresses that one call can move, at most. Java moves batches, which are largest for the smallest class.
const MOVE_MAX: usize = 64;
const _: () = assert!(SizeClass::of(1).expect("the smallest class").batch() <= MOVE_MAX);

fn class_and_count(class: jint, count: jint) -> Result<(SizeClass, usize), Code> {
    let class = usize::try_from(class).ok().and_then(SizeClass::from_index).ok_or(Code::BAD_ARGUMENT)?;
    let count = usize::try_from(count).ok().filter(|&count| count <= MOVE_MAX).ok_or(Code::BAD_ARGUMENT)?;
    Ok((class, count))
}

/// Takes up to `count` blocks and writes their addresses to the start of a Java array, which has room for them. Returns how
/// many.
pub(crate) extern "system" fn take(env: Env, _: jclass, pool: jlong, class: jint, into: Longs, count: jint) -> jint {
    guarded(|| {
        let (class, count) = class_and_count(class, count)?;
        let mut blocks = [0; MOVE_MAX];
        // SAFETY: Java passes a live handle.
        let taken = unsafe { handle::pool(pool) }.take_shared(class, &mut blocks[..count])?;
        env.write_longs(into, &blocks.map(|block| block as jlong)[..taken])?;
        Ok(taken as jint)
    })
}

/// Gives back the blocks whose addresses are at the start of a Java array. Returns how many were refused.
pub(crate) extern "system" fn give(env: Env, _: jclass, pool: jlong, class: jint, from: Longs, count: jint) -> jint {
    guarded(|| {
        let (class, count) = class_and_count(class, count)?;
        let mut blocks = [0; MOVE_MAX];
        env.read_longs(from, &mut blocks[..count])?;
        let blocks = blocks.map(|block| block as usize);
        // SAFETY: as in `take`; Java gives back each block once, when its handle was released or cannot be reached.
        Ok(unsafe { handle::pool(pool).give_shared(class, &blocks[..count]) } as jint)
    })
}

pub(crate) extern "system" fn give_one(_: Env, _: jclass, pool: jlong, class: jint, address: jlong) -> jint {
    guarded(|| {
        let (class, _) = class_and_count(class, 1)?;
        // SAFETY: as in `give`.
        Ok(unsafe { handle::pool(pool).give_shared(class, &[address as usize]) } as jint)
    })
}

/// Takes a block of at least `size` bytes into the first place of an array. Returns 0.
pub(crate) extern "system" fn take_huge(env: Env, _: jclass, pool: jlong, size: jlong, into: Longs) -> jint {
    guarded(|| {
        let size = unsigned(size)?;
        // SAFETY: Java passes a live handle.
        let huge = unsafe { handle::pool(pool) }.take_huge(size)?;
        env.write_longs(into, &[huge.address as jlong])?;
        Ok(0)
    })
}

/// Returns 0.
pub(crate) extern "system" fn give_huge(_: Env, _: jclass, pool: jlong, address: jlong) -> jint {
    guarded(|| {
        // SAFETY: Java passes a live handle, and gives back each block once, when nobody uses it any more.
        unsafe { handle::pool(pool).give_huge(address as usize)? };
        Ok(0)
    })
}

/// As `take_huge`, a block of `size` bytes, whatever its class. For checked pools.
pub(crate) extern "system" fn take_checked(env: Env, _: jclass, pool: jlong, size: jlong, into: Longs) -> jint {
    guarded(|| {
        let size = unsigned(size)?;
        // SAFETY: Java passes a live handle.
        let block = unsafe { handle::pool(pool) }.allocate(size)?;
        env.write_longs(into, &[block.into_address() as jlong])?;
        Ok(0)
    })
}

/// Takes back what `take_checked` gave. Returns 0.
pub(crate) extern "system" fn give_checked(_: Env, _: jclass, pool: jlong, address: jlong) -> jint {
    guarded(|| {
        // SAFETY: as in `give_huge`.
        unsafe { handle::pool(pool).free(address as usize)? };
        Ok(0)
    })
}
