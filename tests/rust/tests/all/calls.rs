//! Hostile calls through the C interface: random ones, and those that the fuzzer found worth keeping.

use millpond_tests::{calls, seeds};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_calls(bytes in vec(any::<u8>(), 0..800)) {
        calls::replay(&bytes);
    }
}

#[test]
fn the_seeds_of_hostile_calls_are_refused() {
    seeds::replay_all("calls", calls::replay);
}
