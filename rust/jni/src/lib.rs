//! The JNI shell around the [`millpond`] allocator.
//!
//! It converts and calls; every decision is made on one of its two sides.
//!
//! | module | holds |
//! |---|---|
//! | `registration` | which Rust function stands behind which method of `io.millpond.Native` |
//! | `library` | what the library says of itself and asks of the thread |
//! | `pool` | pools: made, ticked, trimmed, looked at, closed, destroyed |
//! | `blocks` | blocks, in batches and one by one |
//! | `buffers` | direct buffers over blocks |
//! | `env` | the functions of JNI that are called, with their checks |
//! | `code` | what a native method returns instead of a result |
//! | `handle` | the `long` by which Java names a pool |
//!
//! The natives run on the threads of applications, where the stack may be at its end and the Java heap full. So after
//! [`JNI_OnLoad`] no class is looked up, nothing is made on the Java heap but the direct buffers themselves, every call
//! of JNI is followed by a look for a pending exception, and none is thrown: Java makes exceptions of codes. (The safe
//! wrappers of the `jni` crate look exception classes up when a call throws; that upcall can throw in turn, without end.)
//! HotSpot warrants 80 KiB of stack to a native method, which is ten times what the largest of these takes. No entry unwinds into
//! the JVM: each catches panics.
#![deny(unsafe_op_in_unsafe_fn)]

mod blocks;
mod buffers;
mod code;
mod env;
mod handle;
mod library;
mod line;
mod pool;
mod registration;

use std::ffi::c_void;

use jni::sys::{JNI_ERR, JNI_VERSION_10, JavaVM, jint};

use crate::env::Env;

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
    let env = unsafe { Env::of(env.cast()) };
    code::guarded(|| {
        registration::register(env)?;
        buffers::prepare(env)?;
        Ok(JNI_VERSION_10)
    })
}

/// Called by the JVM before it unloads the library, when the class loader of `io.millpond` was collected. Pools may be left
/// that died with it. No buffer over their memory is: the `Watch` of each holds the class loader for as long as it can be
/// reached.
#[unsafe(no_mangle)]
pub extern "system" fn JNI_OnUnload(_vm: *mut JavaVM, _reserved: *mut c_void) {
    code::guarded(|| {
        // SAFETY: handles and buffers were objects of classes that are gone, or held these back.
        unsafe { handle::destroy_all() };
        Ok(0)
    });
}
