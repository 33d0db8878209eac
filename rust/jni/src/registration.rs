//! Which Rust function stands behind which method of `io.millpond.Native`.

use std::ffi::c_void;

use jni::strings::JNIStr;
use jni::{Env, NativeMethod, jni_str};

use crate::failure::Failure;
use crate::{raw, safe};

const CLASS: &JNIStr = jni_str!("io/millpond/Native");

/// Registers the methods.
///
/// The two by which Java finds out what it loaded come first and must succeed. If a later one does not fit, the Java
/// classes are of another version; they will see that from these two, and say so better than a `NoSuchMethodError`.
pub(crate) fn register(env: &mut Env<'_>) -> Result<(), Failure> {
    let identity = [
        native(jni_str!("version"), jni_str!("()Ljava/lang/String;"), safe::version as *mut c_void),
        native(jni_str!("abi"), jni_str!("()I"), safe::abi as *mut c_void),
    ];
    // SAFETY: each function is written for the static method whose signature stands beside it.
    unsafe { env.register_native_methods(CLASS, &identity)? };
    // SAFETY: as above.
    if unsafe { env.register_native_methods(CLASS, &methods()) }.is_err() {
        env.exception_clear();
    }
    Ok(())
}

fn methods() -> [NativeMethod<'static>; 18] {
    let batch = jni_str!("(JI[JI)I");
    [
        native(jni_str!("take"), batch, raw::take as *mut c_void),
        native(jni_str!("give"), batch, raw::give as *mut c_void),
        native(jni_str!("takeShared"), batch, raw::take_shared as *mut c_void),
        native(jni_str!("giveShared"), batch, raw::give_shared as *mut c_void),
        native(jni_str!("takeHuge"), jni_str!("(JJ)J"), raw::take_huge as *mut c_void),
        native(jni_str!("giveHuge"), jni_str!("(JJ)I"), raw::give_huge as *mut c_void),
        native(jni_str!("takeChecked"), jni_str!("(JJ)J"), raw::take_checked as *mut c_void),
        native(jni_str!("giveChecked"), jni_str!("(JJ)I"), raw::give_checked as *mut c_void),
        native(jni_str!("tick"), jni_str!("(JJ)V"), raw::tick as *mut c_void),
        native(jni_str!("membarrier"), jni_str!("()Z"), raw::membarrier as *mut c_void),
        native(jni_str!("sizeClasses"), jni_str!("([I[I)I"), safe::size_classes as *mut c_void),
        native(jni_str!("createPool"), jni_str!("(Ljava/lang/String;JJJJZ)J"), safe::create_pool as *mut c_void),
        native(jni_str!("destroyPool"), jni_str!("(J)V"), safe::destroy_pool as *mut c_void),
        native(jni_str!("closePool"), jni_str!("(J)J"), safe::close_pool as *mut c_void),
        native(jni_str!("trim"), jni_str!("(J)J"), safe::trim as *mut c_void),
        native(jni_str!("stats"), jni_str!("(J[J)I"), safe::stats as *mut c_void),
        native(jni_str!("reports"), jni_str!("(J[J)[Ljava/lang/String;"), safe::reports as *mut c_void),
        native(jni_str!("newBuffers"), jni_str!("([JIIJ[Ljava/nio/ByteBuffer;)V"), safe::new_buffers as *mut c_void),
    ]
}

fn native(name: &'static JNIStr, signature: &'static JNIStr, function: *mut c_void) -> NativeMethod<'static> {
    // SAFETY: the callers above pair each function with the signature it was written for.
    unsafe { NativeMethod::from_raw_parts(name, signature, function) }
}
