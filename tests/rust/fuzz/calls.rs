//! Calls through the C interface, right ones and wrong ones, four bytes each; see `millpond_tests::calls`. The test
//! `the_seeds_of_hostile_calls_are_refused` makes those in `seeds/calls` without a fuzzer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millpond_tests::calls;

fuzz_target!(|input: &[u8]| calls::replay(input));
