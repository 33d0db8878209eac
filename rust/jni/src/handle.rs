//! The `long` by which Java names a pool.

use jni::sys::jlong;
use millpond::Pool;

/// Gives the pool into Java's hands.
pub(crate) fn to_java(pool: Pool) -> jlong {
    Box::into_raw(Box::new(pool)) as jlong
}

/// The pool behind a handle.
///
/// # Safety
/// `handle` came from [`to_java`], and Java does not destroy it before the returned reference was last used.
/// `NativePool` sees to both: it is destroyed only when nobody can reach it any more.
pub(crate) unsafe fn pool<'a>(handle: jlong) -> &'a Pool {
    // SAFETY: by the above it points to a live box.
    unsafe { &*(handle as *const Pool) }
}

/// Takes the pool back from Java.
///
/// # Safety
/// As for [`pool`], and nobody uses the handle afterwards.
pub(crate) unsafe fn from_java(handle: jlong) -> Box<Pool> {
    // SAFETY: `to_java` made it from a box, and it is taken back once.
    unsafe { Box::from_raw(handle as *mut Pool) }
}
