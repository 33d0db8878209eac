//! From errors and panics to Java exceptions.

use std::any::Any;

use jni::errors::ErrorPolicy;
use jni::strings::JNIString;
use jni::{Env, jni_str};
use millpond::Error;

/// Why a native method of the safe kind did not return.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The pool refused.
    Pool(Error),
    /// JNI refused.
    Jni(jni::errors::Error),
    /// Java passed something that the method does not take.
    Argument(String),
}

impl From<jni::errors::Error> for Failure {
    fn from(error: jni::errors::Error) -> Self {
        Failure::Jni(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Pool(error)
    }
}

/// Throws what went wrong, and returns the type's default to a JVM that will not look at it.
#[derive(Debug)]
pub(crate) struct Throw;

impl<T: Default> ErrorPolicy<T, Failure> for Throw {
    type Captures<'unowned: 'method, 'method> = ();

    fn on_error<'unowned: 'method, 'method>(
        env: &mut Env<'unowned>,
        _: &mut (),
        failure: Failure,
    ) -> jni::errors::Result<T> {
        if !env.exception_check() {
            let (class, message) = describe(failure);
            // "An exception was thrown" is the error that this returns when it did what it should.
            let _ = env.throw_new(class, JNIString::from(message));
        }
        Ok(T::default())
    }

    fn on_panic<'unowned: 'method, 'method>(
        env: &mut Env<'unowned>,
        _: &mut (),
        payload: Box<dyn Any + Send>,
    ) -> jni::errors::Result<T> {
        if !env.exception_check() {
            let message = format!("panic in the native library: {}; please report it", panic_text(&*payload));
            let _ = env.throw_new(jni_str!("java/lang/InternalError"), JNIString::from(message));
        }
        // A payload whose destructor panics would unwind into the JVM.
        std::mem::forget(payload);
        Ok(T::default())
    }
}

fn describe(failure: Failure) -> (&'static jni::strings::JNIStr, String) {
    match failure {
        Failure::Pool(error) => {
            let class = match &error {
                Error::InvalidOption { .. } => jni_str!("java/lang/IllegalArgumentException"),
                Error::OutOfMemory { .. } => jni_str!("java/lang/OutOfMemoryError"),
                Error::Unsupported { .. } => jni_str!("java/lang/UnsupportedOperationException"),
                _ => jni_str!("java/lang/IllegalStateException"),
            };
            (class, error.to_string())
        }
        Failure::Jni(jni::errors::Error::JniCall(jni::errors::JniError::NoMemory)) => {
            (jni_str!("java/lang/OutOfMemoryError"), "no room on the Java heap for a buffer object".to_owned())
        }
        Failure::Jni(error) => (jni_str!("java/lang/InternalError"), format!("JNI call failed: {error}")),
        Failure::Argument(message) => (jni_str!("java/lang/IllegalArgumentException"), message),
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "no message",
    }
}
