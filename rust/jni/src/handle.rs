//! The `long` by which Java names a pool.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jni::sys::jlong;
use millpond::Pool;

/// Those in Java's hands.
static HANDLES: Mutex<BTreeSet<jlong>> = Mutex::new(BTreeSet::new());

fn handles() -> MutexGuard<'static, BTreeSet<jlong>> {
    HANDLES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the pool into Java's hands.
pub(crate) fn to_java(pool: Pool) -> jlong {
    let handle = Box::into_raw(Box::new(pool)) as jlong;
    handles().insert(handle);
    handle
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
    handles().remove(&handle);
    // SAFETY: `to_java` made it from a box, and it is taken back once.
    unsafe { Box::from_raw(handle as *mut Pool) }
}

/// Destroys what Java has not given back.
///
/// # Safety
/// No handle is used afterwards, and no block of any of these pools.
pub(crate) unsafe fn destroy_all() {
    let left = std::mem::take(&mut *handles());
    for handle in left {
        // SAFETY: what is in the set was not taken back; and by the above.
        drop(unsafe { from_java(handle) });
    }
}
