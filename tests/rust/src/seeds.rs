//! Inputs of the fuzzer that are kept: those that reach much, and those that once broke something.

use std::fs;
use std::path::Path;

/// Does what the fuzz target of that name does with each of its seeds.
///
/// # Panics
/// If there are none, or one of them fails.
pub fn replay_all(target: &str, replay: impl Fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let entries = fs::read_dir(&seeds).unwrap_or_else(|error| panic!("{}: {error}", seeds.display()));
    let mut inputs: Vec<_> = entries.map(|entry| entry.expect("a readable directory").path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", seeds.display());
    for input in inputs {
        println!("{}", input.display());
        replay(&fs::read(&input).expect("a readable file"));
    }
}
