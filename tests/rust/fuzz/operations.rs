//! Sequences of operations on a pool, beside the model. The input is two bytes of setup and four for each operation; see
//! `Setup::decode` and `Operation::decode`. The test `the_seeds_of_the_fuzzer_agree`
//! runs those in `seeds/operations` without a fuzzer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millpond_tests::model::Model;

fuzz_target!(|input: &[u8]| Model::replay(input));
