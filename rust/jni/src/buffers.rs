//! Direct buffers over blocks.

use jni::sys::{jclass, jint, jlong};

use crate::code::{Code, guarded};
use crate::env::{Env, Longs, Objects};

/// Buffers that one call can make, at most.
const NEW_BUFFERS_MAX: usize = 64;

/// Makes a buffer for nobody. HotSpot gets ready for direct buffers when the first one is made, and should that fail, for
/// want of stack say, it makes none ever again; here there is stack and heap.
pub(crate) fn prepare(env: Env) -> Result<(), Code> {
    static BYTE: u8 = 0;
    // SAFETY: a static stays where it is, and nobody writes to a buffer that nobody has.
    unsafe { env.new_buffer(std::ptr::from_ref(&BYTE).addr(), 1) }.map(drop)
}

/// Makes a buffer over each of `count` addresses, into the same places of another array. Returns `count`; if it is a code
/// instead, with the exception that the JVM left, some places have theirs.
pub(crate) extern "system" fn new_buffers(
    env: Env,
    _: jclass,
    addresses: Longs,
    count: jint,
    capacity: jlong,
    into: Objects,
) -> jint {
    guarded(|| {
        let mut blocks = [0; NEW_BUFFERS_MAX];
        let wanted = usize::try_from(count).ok().and_then(|count| blocks.get_mut(..count)).ok_or(Code::BAD_ARGUMENT)?;
        env.read_longs(addresses, wanted)?;
        for (index, &address) in wanted.iter().enumerate() {
            // SAFETY: Java has taken the block, and unmaps its memory only when no buffer over it can be reached.
            let buffer = unsafe { env.new_buffer(address as usize, capacity)? };
            // SAFETY: it is a local reference to a `ByteBuffer`, which is what the array takes.
            unsafe { env.move_into(into, index, buffer)? };
        }
        Ok(count)
    })
}
