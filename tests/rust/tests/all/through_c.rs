//! A C program uses a pool through `include/millpond.h`.

use std::ffi::{c_char, c_int};
use std::mem::offset_of;

use millpond::{ClassStats, Stats};

unsafe extern "C" {
    /// Returns the line of the first check that failed, or 0. `layout` gets what C thinks of the structs.
    fn millpond_c_program(layout: *mut usize, version: *const c_char) -> c_int;
}

#[test]
fn a_c_program_gets_what_the_header_promises() {
    // Named, so that the linker keeps the functions that the C program calls.
    let create: unsafe extern "C" fn(_, _) -> c_int = millpond::c_api::millpond_create;
    assert_ne!(create as usize, 0);
    let mut layout = [0; 5];
    let version = concat!(env!("CARGO_PKG_VERSION"), "\0");
    // SAFETY: the program writes five numbers, reads a string, and uses nothing else of ours.
    let failed_line = unsafe { millpond_c_program(layout.as_mut_ptr(), version.as_ptr().cast()) };
    assert_eq!(failed_line, 0, "a check in c/program.c failed at that line");
    let expected = [
        size_of::<Stats>(),
        offset_of!(Stats, committed),
        offset_of!(Stats, bad_frees),
        offset_of!(Stats, classes),
        size_of::<ClassStats>(),
    ];
    assert_eq!(layout, expected, "the header's structs differ from the library's");
}
