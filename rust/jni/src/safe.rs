//! What is called now and then, through the safe API of the `jni` crate.

use std::time::Duration;

use jni::objects::{JByteBuffer, JClass, JIntArray, JLongArray, JObjectArray, JString};
use jni::sys::{jboolean, jint, jlong};
use jni::{Env, EnvUnowned};
use millpond::{Options, Pool, Report, SizeClass, Stats, VERSION};

use crate::failure::{Failure, Throw};
use crate::handle;

/// Changes whenever a method of `io.millpond.Native` or the order of its figures does.
const ABI: jint = 2;

/// Buffers that one call can make, at most; each takes a local reference for a moment.
const NEW_BUFFERS_MAX: usize = 64;

fn call<'local, T: Default>(
    mut env: EnvUnowned<'local>,
    act: impl FnOnce(&mut Env<'local>) -> Result<T, Failure>,
) -> T {
    env.with_env(act).resolve::<Throw>()
}

fn size(name: &str, value: jlong) -> Result<usize, Failure> {
    usize::try_from(value).map_err(|_| Failure::Argument(format!("{name} is {value}, must not be negative")))
}

pub(crate) extern "system" fn version<'local>(env: EnvUnowned<'local>, _: JClass<'local>) -> JString<'local> {
    call(env, |env| Ok(JString::from_str(env, VERSION)?))
}

pub(crate) extern "system" fn abi<'local>(_: EnvUnowned<'local>, _: JClass<'local>) -> jint {
    ABI
}

pub(crate) extern "system" fn size_classes<'local>(
    env: EnvUnowned<'local>,
    _: JClass<'local>,
    sizes: JIntArray<'local>,
    batches: JIntArray<'local>,
) -> jint {
    call(env, |env| {
        let (size, batch): (Vec<jint>, Vec<jint>) =
            SizeClass::all().map(|class| (class.size() as jint, class.batch() as jint)).unzip();
        sizes.set_region(env, 0, &size)?;
        batches.set_region(env, 0, &batch)?;
        Ok(SizeClass::COUNT as jint)
    })
}

pub(crate) extern "system" fn create_pool<'local>(
    env: EnvUnowned<'local>,
    _: JClass<'local>,
    name: JString<'local>,
    max_bytes: jlong,
    decay_nanos: jlong,
    thread_cache_bytes: jlong,
    parent: jlong,
    checked: jboolean,
) -> jlong {
    call(env, |env| {
        let mut options = Options::new()
            .name(name.try_to_string(env)?)
            .max_bytes(size("maxMemory", max_bytes)?)
            .decay(Duration::from_nanos(size("decay", decay_nanos)? as u64))
            .thread_cache_bytes(size("threadCacheBytes", thread_cache_bytes)?)
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

pub(crate) extern "system" fn destroy_pool<'local>(env: EnvUnowned<'local>, _: JClass<'local>, pool: jlong) {
    call(env, |_| {
        // SAFETY: Java passes a live handle, once, when neither the pool nor a buffer over its memory can be reached.
        drop(unsafe { handle::from_java(pool) });
        Ok(())
    });
}

pub(crate) extern "system" fn close_pool<'local>(env: EnvUnowned<'local>, _: JClass<'local>, pool: jlong) -> jlong {
    // SAFETY: Java passes a live handle.
    call(env, |_| Ok(unsafe { handle::pool(pool) }.close() as jlong))
}

pub(crate) extern "system" fn trim<'local>(env: EnvUnowned<'local>, _: JClass<'local>, pool: jlong) -> jlong {
    // SAFETY: Java passes a live handle.
    call(env, |_| Ok(unsafe { handle::pool(pool) }.trim() as jlong))
}

pub(crate) extern "system" fn stats<'local>(
    env: EnvUnowned<'local>,
    _: JClass<'local>,
    pool: jlong,
    into: JLongArray<'local>,
) -> jint {
    call(env, |env| {
        // SAFETY: Java passes a live handle.
        let figures = flatten(&unsafe { handle::pool(pool) }.stats());
        into.set_region(env, 0, &figures)?;
        Ok(figures.len() as jint)
    })
}

/// The figures in the order of the constants in `NativePool.Figure`.
fn flatten(stats: &Stats) -> [jlong; 20] {
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
    ]
    .map(|figure| jlong::try_from(figure).unwrap_or(jlong::MAX))
}

pub(crate) extern "system" fn new_buffers<'local>(
    env: EnvUnowned<'local>,
    _: JClass<'local>,
    addresses: JLongArray<'local>,
    from: jint,
    count: jint,
    capacity: jlong,
    into: JObjectArray<'local, JByteBuffer<'local>>,
) {
    call(env, |env| {
        let (from, count, capacity) =
            (size("from", from.into())?, size("count", count.into())?, size("capacity", capacity)?);
        if count > NEW_BUFFERS_MAX {
            return Err(Failure::Argument(format!("count is {count}, must be at most {NEW_BUFFERS_MAX}")));
        }
        let mut blocks = [0; NEW_BUFFERS_MAX];
        addresses.get_region(env, from as jint, &mut blocks[..count])?;
        env.with_local_frame(count, |env| {
            for (index, &address) in blocks[..count].iter().enumerate() {
                // SAFETY: Java has taken the block, and gives the memory back for good only when no buffer over it can
                // be reached any more.
                let buffer = unsafe { env.new_direct_byte_buffer(address as *mut u8, capacity)? };
                into.set_element(env, from + index, &buffer)?;
            }
            Ok(())
        })
    });
}

/// What was found in checked mode since the last call, a sentence each; `addresses` gets the blocks' addresses.
pub(crate) extern "system" fn reports<'local>(
    env: EnvUnowned<'local>,
    _: JClass<'local>,
    pool: jlong,
    addresses: JLongArray<'local>,
) -> JObjectArray<'local, JString<'local>> {
    call(env, |env| {
        // SAFETY: Java passes a live handle.
        let mut reports = unsafe { handle::pool(pool) }.reports();
        reports.truncate(addresses.len(env)?);
        let starts: Vec<jlong> = reports.iter().map(|report| address(report) as jlong).collect();
        addresses.set_region(env, 0, &starts)?;
        let sentences = env.new_object_type_array::<JString<'_>>(reports.len(), JString::null())?;
        for (index, report) in reports.iter().enumerate() {
            let sentence = JString::from_str(env, report.to_string())?;
            sentences.set_element(env, index, &sentence)?;
        }
        Ok(sentences)
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
