//! What the library says of itself, and asks of the thread that calls.

use std::cell::Cell;
use std::ffi::CString;
use std::ptr;

use jni::sys::{jboolean, jclass, jint, jlong, jstring};
use millpond::{SizeClass, VERSION, os};

use crate::code::guarded;
use crate::env::{Env, Ints};

/// Changes whenever a method of `io.millpond.Native` or the order of its figures does.
const ABI: jint = 7;

pub(crate) extern "system" fn version(env: Env, _: jclass) -> jstring {
    CString::new(VERSION).map_or(ptr::null_mut(), |version| env.new_string(&version))
}

pub(crate) extern "system" fn abi(_: Env, _: jclass) -> jint {
    ABI
}

pub(crate) extern "system" fn size_classes(env: Env, _: jclass, sizes: Ints, batches: Ints) -> jint {
    guarded(|| {
        let (size, batch): (Vec<jint>, Vec<jint>) =
            SizeClass::all().map(|class| (class.size() as jint, class.batch() as jint)).unzip();
        env.write_ints(sizes, &size)?;
        env.write_ints(batches, &batch)?;
        Ok(SizeClass::COUNT as jint)
    })
}

pub(crate) extern "system" fn membarrier(_: Env, _: jclass) -> jboolean {
    guarded(|| Ok(jint::from(os::membarrier()))) > 0
}

/// Bytes of stack that the calling thread has left, about, until the JVM finds that it has none.
pub(crate) extern "system" fn stack_left(_: Env, _: jclass) -> jlong {
    thread_local! {
        static END: Cell<usize> = const { Cell::new(0) };
    }
    guarded(|| {
        if END.get() == 0 {
            END.set(os::stack_end() + unusable());
        }
        let here = 0u8;
        let top = ptr::from_ref(std::hint::black_box(&here)).addr();
        Ok(jlong::try_from(top.saturating_sub(END.get())).unwrap_or(jlong::MAX))
    })
}

/// Bytes at the end of a stack into which HotSpot lets no Java method go: its red, yellow and reserved zones, and the
/// shadow that it keeps free for native methods. Each is a number of 4 KiB pages, made up to whole pages of the kernel's.
fn unusable() -> usize {
    const ZONES: [usize; 4] = [1, 2, 1, 20];
    let page = os::host().page_size();
    ZONES.iter().map(|pages| (pages * 4096).next_multiple_of(page)).sum()
}
