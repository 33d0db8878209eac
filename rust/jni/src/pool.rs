//! Pools: made, ticked, trimmed, looked at, closed, destroyed.

use std::time::Duration;

use jni::sys::{jboolean, jclass, jint, jlong};
use millpond::{Options, Pool, Report, Stats};

use crate::code::{guarded, unsigned};
use crate::env::{Bytes, Env, Longs};
use crate::handle;

/// Bytes of a pool's name, at most.
const NAME_MAX: usize = 64;
/// Bytes of a line of [`reports`], at most.
const LINE_MAX: usize = 256;

/// Returns the handle. Java has seen to it that the options are in their ranges; `name` is in UTF-8.
pub(crate) extern "system" fn create(
    env: Env,
    _: jclass,
    name: Bytes,
    max_bytes: jlong,
    decay_nanos: jlong,
    parent: jlong,
    checked: jboolean,
) -> jlong {
    guarded(|| {
        let mut read = [0; NAME_MAX];
        let name = env.read_bytes(name, &mut read)?;
        let mut options = Options::new()
            .name(String::from_utf8_lossy(name))
            .max_bytes(unsigned(max_bytes)?)
            .decay(Duration::from_nanos(unsigned(decay_nanos)? as u64))
            .checked(checked)
            // A ByteBuffer may outlive its release, and may be read then.
            .keep_addresses(true);
        if parent != 0 {
            // SAFETY: Java passes 0 or a live handle.
            options = options.parent(unsafe { handle::pool(parent) });
        }
        Ok(handle::to_java(Pool::new(options)?))
    })
}

/// Returns 0.
pub(crate) extern "system" fn destroy(_: Env, _: jclass, pool: jlong) -> jint {
    guarded(|| {
        // SAFETY: Java passes a live handle, once, when neither the pool nor a buffer over its memory can be reached.
        drop(unsafe { handle::from_java(pool) });
        Ok(0)
    })
}

/// Returns the bytes still out.
pub(crate) extern "system" fn close(_: Env, _: jclass, pool: jlong) -> jlong {
    // SAFETY: Java passes a live handle.
    guarded(|| Ok(unsafe { handle::pool(pool) }.close() as jlong))
}

/// Returns the bytes given back to the operating system.
pub(crate) extern "system" fn trim(_: Env, _: jclass, pool: jlong) -> jlong {
    // SAFETY: Java passes a live handle.
    guarded(|| Ok(unsafe { handle::pool(pool) }.trim() as jlong))
}

/// Returns 1 if [`reports`] has something to say, else 0.
pub(crate) extern "system" fn tick(_: Env, _: jclass, pool: jlong, now_nanos: jlong) -> jint {
    guarded(|| {
        let now = Duration::from_nanos(now_nanos.max(0) as u64);
        // SAFETY: Java passes a live handle.
        let pool = unsafe { handle::pool(pool) };
        pool.tick(now);
        Ok(pool.has_reports().into())
    })
}

/// Writes the figures into an array; returns how many there are.
pub(crate) extern "system" fn stats(env: Env, _: jclass, pool: jlong, into: Longs) -> jint {
    guarded(|| {
        // SAFETY: Java passes a live handle.
        let figures = flatten(&unsafe { handle::pool(pool) }.stats());
        env.write_longs(into, &figures)?;
        Ok(figures.len() as jint)
    })
}

/// The figures in the order of the constants of `NativePool`.
fn flatten(stats: &Stats) -> [jlong; 21] {
    [
        stats.used,
        stats.cached_threads,
        stats.cached_depot,
        stats.cached_huge,
        stats.dirty,
        stats.committed,
        stats.peak_committed,
        stats.limit,
        stats.reserved,
        stats.metadata,
        stats.live_blocks,
        stats.huge_live_bytes,
        stats.thread_caches,
        stats.chunks,
        stats.purges,
        stats.purged_bytes,
        stats.failures,
        stats.bad_frees,
        stats.violations,
        stats.quarantined,
        stats.purge_failures,
    ]
    .map(|figure| jlong::try_from(figure).unwrap_or(jlong::MAX))
}

/// Writes what was found since the last call (misuse; that the system took no memory back) into an array, a line each in
/// UTF-8: the block's address, a space, a sentence. Returns how many bytes these are.
pub(crate) extern "system" fn reports(env: Env, _: jclass, pool: jlong, into: Bytes) -> jint {
    guarded(|| {
        let mut length = 0;
        // SAFETY: Java passes a live handle.
        for report in unsafe { handle::pool(pool) }.reports() {
            let mut line = format!("{} {report}", address(&report));
            line.truncate(LINE_MAX - 1);
            line.push('\n');
            env.write_bytes(into, length, line.as_bytes())?;
            length += line.len();
        }
        Ok(length as jint)
    })
}

fn address(report: &Report) -> usize {
    match report {
        Report::BadFree { address, .. } | Report::Overrun { address, .. } | Report::WriteAfterFree { address, .. } => {
            *address
        }
        _ => 0,
    }
}
