//! Links the library so that the JVM cannot unload it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A class loader that is collected closes its libraries. Threads may still have our thread-local destructors to run
    // by then, and would jump into unmapped code.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
