//! Which Rust function stands behind which method of `io.millpond.Native`.

use std::ffi::{CStr, c_void};

use jni::sys::JNINativeMethod;

use crate::code::Code;
use crate::env::Env;
use crate::{blocks, buffers, library, line, pool};

const CLASS: &CStr = c"io/millpond/Native";

/// Registers the methods.
///
/// The two by which Java finds out what it loaded come first and must succeed. If a later one does not fit, the Java
/// classes are of another version; they will see that from these two, and say so better than a `NoSuchMethodError`.
pub(crate) fn register(env: Env) -> Result<(), Code> {
    let identity = [
        native(c"version", c"()Ljava/lang/String;", library::version as *mut c_void),
        native(c"abi", c"()I", library::abi as *mut c_void),
    ];
    // SAFETY: each function is written for the static method whose signature stands beside it.
    unsafe { env.register(CLASS, &identity)? };
    // SAFETY: as above.
    if unsafe { env.register(CLASS, &methods()) }.is_err() {
        env.clear();
    }
    Ok(())
}

fn methods() -> [JNINativeMethod; 22] {
    let batch = c"(JI[JI)I";
    [
        native(c"take", batch, blocks::take as *mut c_void),
        native(c"give", batch, blocks::give as *mut c_void),
        native(c"giveOne", c"(JIJ)I", blocks::give_one as *mut c_void),
        native(c"takeHuge", c"(JJ[J)I", blocks::take_huge as *mut c_void),
        native(c"giveHuge", c"(JJ)I", blocks::give_huge as *mut c_void),
        native(c"takeChecked", c"(JJ[J)I", blocks::take_checked as *mut c_void),
        native(c"giveChecked", c"(JJ)I", blocks::give_checked as *mut c_void),
        native(c"newBuffers", c"([JIJ[Ljava/nio/ByteBuffer;)I", buffers::new_buffers as *mut c_void),
        native(c"joinLine", c"(JJ)J", line::join as *mut c_void),
        native(c"leaveLine", c"(JJ)I", line::leave as *mut c_void),
        native(c"isCalled", c"(JJ)I", line::is_called as *mut c_void),
        native(c"takeInLine", c"(JJJ[J)I", line::take as *mut c_void),
        native(c"createPool", c"([BJJJZ)J", pool::create as *mut c_void),
        native(c"destroyPool", c"(J)I", pool::destroy as *mut c_void),
        native(c"closePool", c"(J)J", pool::close as *mut c_void),
        native(c"trim", c"(J)J", pool::trim as *mut c_void),
        native(c"tick", c"(JJ)I", pool::tick as *mut c_void),
        native(c"stats", c"(J[J)I", pool::stats as *mut c_void),
        native(c"reports", c"(J[B)I", pool::reports as *mut c_void),
        native(c"sizeClasses", c"([I[I)I", library::size_classes as *mut c_void),
        native(c"membarrier", c"()Z", library::membarrier as *mut c_void),
        native(c"stackLeft", c"()J", library::stack_left as *mut c_void),
    ]
}

fn native(name: &'static CStr, signature: &'static CStr, function: *mut c_void) -> JNINativeMethod {
    // The JVM only reads what it is declared to take as mutable.
    JNINativeMethod { name: name.as_ptr().cast_mut(), signature: signature.as_ptr().cast_mut(), fnPtr: function }
}
