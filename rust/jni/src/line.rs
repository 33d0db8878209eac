//! Waiting at a limit: who sleeps is a thread of Java, who is next is the library's to say.

use jni::sys::{jclass, jint, jlong};

use crate::code::{guarded, unsigned};
use crate::env::{Env, Longs};
use crate::handle;

/// Returns a place.
pub(crate) extern "system" fn join(_: Env, _: jclass, pool: jlong, size: jlong) -> jlong {
    // SAFETY: Java passes a live handle.
    guarded(|| Ok(unsafe { handle::pool(pool) }.join_line(unsigned(size)?)? as jlong))
}

/// Returns 0.
pub(crate) extern "system" fn leave(_: Env, _: jclass, pool: jlong, place: jlong) -> jint {
    guarded(|| {
        // SAFETY: as in `join`.
        unsafe { handle::pool(pool) }.leave_line(place as u64);
        Ok(0)
    })
}

/// Returns 1 if the one at that place was called.
pub(crate) extern "system" fn is_called(_: Env, _: jclass, pool: jlong, place: jlong) -> jint {
    // SAFETY: as in `join`.
    guarded(|| Ok(unsafe { handle::pool(pool) }.is_called(place as u64).into()))
}

/// Writes the address of a block to the start of a Java array. Returns 1.
pub(crate) extern "system" fn take(env: Env, _: jclass, pool: jlong, size: jlong, place: jlong, into: Longs) -> jint {
    guarded(|| {
        // SAFETY: as in `join`.
        let address = unsafe { handle::pool(pool) }.allocate_in_line(unsigned(size)?, place as u64)?;
        env.write_longs(into, &[address as jlong])?;
        Ok(1)
    })
}
