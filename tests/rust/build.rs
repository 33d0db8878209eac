//! Compiles the C program of `tests/all/through_c.rs`.

fn main() {
    println!("cargo:rerun-if-changed=c/program.c");
    println!("cargo:rerun-if-changed=../../rust/core/include/millpond.h");
    cc::Build::new()
        .file("c/program.c")
        .include("../../rust/core/include")
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(true)
        .compile("millpond_c_program");
}
