//! The functions of JNI that are called, with their checks: of null, and of an exception that one of them left.

use std::ffi::{CStr, c_void};

use jni::sys::{JNIEnv, JNINativeMethod, jarray, jint, jlong, jobject};

use crate::code::Code;

/// The JVM as seen from the native method that it is calling.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct Env(*mut JNIEnv);

/// Declares what Java passes as an array. Only the JVM makes values of these, as arguments of native methods, so each is
/// null or a live reference to an array of that kind.
macro_rules! arrays {
    ($($(#[$doc:meta])* $name:ident),*) => {
        $($(#[$doc])* #[repr(transparent)] #[derive(Clone, Copy)] pub(crate) struct $name(jarray);)*
    };
}

arrays! {
    /// A `byte[]`.
    Bytes,
    /// An `int[]`.
    Ints,
    /// A `long[]`.
    Longs,
    /// An array of objects.
    Objects
}

/// An array's reference and the range of it that a slice stands for.
fn range(array: jarray, from: usize, length: usize) -> Result<(jarray, jint, jint), Code> {
    match (jint::try_from(from), jint::try_from(length)) {
        (Ok(from), Ok(length)) if !array.is_null() => Ok((array, from, length)),
        _ => Err(Code::BAD_ARGUMENT),
    }
}

/// Calls a function of the JVM's table.
macro_rules! call {
    ($env:ident, $version:ident.$function:ident($($argument:expr),*)) => {
        ((**$env.0).$version.$function)($env.0 $(, $argument)*)
    };
}

impl Env {
    /// # Safety
    /// `env` is the calling thread's, for as long as the native method runs.
    pub(crate) unsafe fn of(env: *mut JNIEnv) -> Env {
        Env(env)
    }

    /// Copies the start of an array.
    pub(crate) fn read_longs(self, from: Longs, into: &mut [jlong]) -> Result<(), Code> {
        let (array, start, length) = range(from.0, 0, into.len())?;
        // SAFETY: the array is live; the JVM checks the range, and `into` has room for all of it.
        unsafe { call!(self, v1_1.GetLongArrayRegion(array, start, length, into.as_mut_ptr())) };
        self.ok()
    }

    /// Copies all of an array that is at most as long as `into`; returns that part.
    pub(crate) fn read_bytes(self, from: Bytes, into: &mut [u8]) -> Result<&[u8], Code> {
        if from.0.is_null() {
            return Err(Code::BAD_ARGUMENT);
        }
        // SAFETY: the array is live.
        let length = unsafe { call!(self, v1_1.GetArrayLength(from.0)) };
        let part = into.get_mut(..length as usize).ok_or(Code::BAD_ARGUMENT)?;
        // SAFETY: as in `read_longs`.
        unsafe { call!(self, v1_1.GetByteArrayRegion(from.0, 0, length, part.as_mut_ptr().cast())) };
        self.ok()?;
        Ok(part)
    }

    /// Copies to the start of an array.
    pub(crate) fn write_longs(self, into: Longs, from: &[jlong]) -> Result<(), Code> {
        let (array, start, length) = range(into.0, 0, from.len())?;
        // SAFETY: as in `read_longs`.
        unsafe { call!(self, v1_1.SetLongArrayRegion(array, start, length, from.as_ptr())) };
        self.ok()
    }

    /// Copies to the start of an array.
    pub(crate) fn write_ints(self, into: Ints, from: &[jint]) -> Result<(), Code> {
        let (array, start, length) = range(into.0, 0, from.len())?;
        // SAFETY: as in `read_longs`.
        unsafe { call!(self, v1_1.SetIntArrayRegion(array, start, length, from.as_ptr())) };
        self.ok()
    }

    /// Copies into an array, from a place on.
    pub(crate) fn write_bytes(self, into: Bytes, start: usize, from: &[u8]) -> Result<(), Code> {
        let (array, start, length) = range(into.0, start, from.len())?;
        // SAFETY: as in `read_longs`.
        unsafe { call!(self, v1_1.SetByteArrayRegion(array, start, length, from.as_ptr().cast())) };
        self.ok()
    }

    /// Makes a direct buffer over memory.
    ///
    /// # Safety
    /// The memory stays mapped for as long as the buffer can be reached.
    pub(crate) unsafe fn new_buffer(self, address: usize, capacity: jlong) -> Result<jobject, Code> {
        // SAFETY: the caller's promise is the same.
        let buffer = unsafe { call!(self, v1_4.NewDirectByteBuffer(address as *mut c_void, capacity)) };
        self.ok()?;
        if buffer.is_null() { Err(Code::PENDING) } else { Ok(buffer) }
    }

    /// Moves a local reference into an array.
    ///
    /// # Safety
    /// `object` is a local reference of this call, of a type that the array takes. It is gone afterwards.
    pub(crate) unsafe fn move_into(self, array: Objects, index: usize, object: jobject) -> Result<(), Code> {
        let stored = range(array.0, index, 1).and_then(|(array, index, _)| {
            // SAFETY: the array is live, and the caller vouches for the object.
            unsafe { call!(self, v1_1.SetObjectArrayElement(array, index, object)) };
            self.ok()
        });
        // SAFETY: it is a local reference. This may be called with an exception pending.
        unsafe { call!(self, v1_1.DeleteLocalRef(object)) };
        stored
    }

    /// A Java string of text without a zero; null, with an exception pending, if there is no room for it.
    pub(crate) fn new_string(self, text: &CStr) -> jobject {
        // SAFETY: the text ends with a zero, and is in the JVM's kind of UTF-8 as far as it is ASCII.
        unsafe { call!(self, v1_1.NewStringUTF(text.as_ptr())) }
    }

    /// Says which functions stand behind the methods of a class.
    ///
    /// # Safety
    /// Each function is written for the static method whose name and signature stand beside it.
    pub(crate) unsafe fn register(self, class: &CStr, methods: &[JNINativeMethod]) -> Result<(), Code> {
        // SAFETY: the name ends with a zero.
        let class = unsafe { call!(self, v1_1.FindClass(class.as_ptr())) };
        self.ok()?;
        // SAFETY: `ok` means that the class was found; the JVM copies what it needs of the methods.
        unsafe { call!(self, v1_1.RegisterNatives(class, methods.as_ptr(), methods.len() as jint)) };
        self.ok()
    }

    /// Forgets an exception.
    pub(crate) fn clear(self) {
        // SAFETY: this may be called at any time.
        unsafe { call!(self, v1_1.ExceptionClear()) };
    }

    fn ok(self) -> Result<(), Code> {
        // SAFETY: this may be called at any time.
        if unsafe { call!(self, v1_2.ExceptionCheck()) } { Err(Code::PENDING) } else { Ok(()) }
    }
}
