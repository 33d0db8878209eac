//! The JNI shell around the [`millpond`] allocator.
//!
//! It converts, calls and throws; every decision is made on one of its two sides.
//!
//! | module | holds |
//! |---|---|
//! | `registration` | which Rust function stands behind which method of `io.millpond.Native` |
//! | `raw` | what is called often: primitives in, primitives or an error code out |
//! | `safe` | everything else, through the safe API of the `jni` crate |
//! | `handle` | the `long` by which Java names a pool |
//! | `failure` | from errors and panics to Java exceptions |
//!
//! No native entry unwinds into the JVM: each catches panics, which become an error code or an exception.
#![deny(unsafe_op_in_unsafe_fn)]

mod failure;
mod handle;
mod raw;
mod registration;
mod safe;

use std::ffi::c_void;

use jni::EnvUnowned;
use jni::sys::{JNI_ERR, JNI_VERSION_10, JavaVM, jint};

/// Called by the JVM when it loads the library.
///
/// # Safety
/// `vm` is the running JVM, and the calling thread is attached to it.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn JNI_OnLoad(vm: *mut JavaVM, _reserved: *mut c_void) -> jint {
    let mut env = std::ptr::null_mut();
    // SAFETY: the JVM passes itself; `GetEnv` has been there since 1.2.
    let found = unsafe { ((**vm).v1_2.GetEnv)(vm, &mut env, JNI_VERSION_10) };
    if found != 0 || env.is_null() {
        return JNI_ERR;
    }
    // SAFETY: `GetEnv` gave the environment of this thread, which lives as long as this call.
    let mut env = unsafe { EnvUnowned::from_raw(env.cast()) };
    env.with_env(registration::register).resolve::<failure::Throw>();
    JNI_VERSION_10
}
