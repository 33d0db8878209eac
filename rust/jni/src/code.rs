//! What a native method returns instead of a result.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jni::sys::{jint, jlong};
use millpond::Error;

/// A negative number whose meaning `io.millpond.NativePool` knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code(jint);

impl Code {
    /// The pool's limit, or that of an ancestor, is reached.
    const LIMIT: Code = Code(-1);
    /// The pool is closed.
    const CLOSED: Code = Code(-2);
    /// The allocator panicked; the message went to the standard error stream.
    const PANIC: Code = Code(-3);
    /// A class, count, option or address that makes no sense.
    pub(crate) const BAD_ARGUMENT: Code = Code(-4);
    /// A call of JNI left an exception. Java sees that instead.
    pub(crate) const PENDING: Code = Code(-5);
    /// The operating system refused; its error number is subtracted from this.
    const SYSTEM: jint = -1000;
}

impl From<Error> for Code {
    fn from(error: Error) -> Code {
        match error {
            Error::LimitReached { .. } => Code::LIMIT,
            Error::Closed { .. } => Code::CLOSED,
            Error::OutOfMemory { errno, .. } => Code(Code::SYSTEM - errno),
            _ => Code::BAD_ARGUMENT,
        }
    }
}

/// A size or a time that Java passes, which should not be negative.
pub(crate) fn unsigned(number: jlong) -> Result<usize, Code> {
    usize::try_from(number).map_err(|_| Code::BAD_ARGUMENT)
}

/// Runs the body of a native method.
pub(crate) fn guarded<T: From<jint>>(body: impl FnOnce() -> Result<T, Code>) -> T {
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // A payload whose destructor panics would unwind into the JVM.
        std::mem::forget(payload);
        Err(Code::PANIC)
    });
    result.unwrap_or_else(|code| T::from(code.0))
}
