//! Random sequences of operations against the model, with all that it compares after each; and the sequences that were
//! worth keeping.

use millpond_tests::model::{Model, Setup};
use millpond_tests::operation::Operation;
use millpond_tests::seeds;
use proptest::collection::vec;
use proptest::prelude::*;

fn size() -> impl Strategy<Value = u32> {
    prop_oneof![
        6 => 0..2000u32,
        4 => 0..70_000u32,
        2 => 0..2_200_000u32,
        1 => 0..9_000_000u32,
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let position = any::<u16>;
    prop_oneof![
        16 => size().prop_map(Operation::Allocate),
        4 => size().prop_map(Operation::AllocateElsewhere),
        10 => position().prop_map(Operation::Free),
        2 => position().prop_map(Operation::FreeSized),
        4 => position().prop_map(Operation::FreeElsewhere),
        2 => position().prop_map(Operation::GiveShared),
        1 => any::<(u16, u16)>().prop_map(|(position, offset)| Operation::FreeInside(position, offset)),
        1 => Just(Operation::FreeTwice),
        1 => position().prop_map(Operation::GiveMixed),
        1 => position().prop_map(Operation::FreeStray),
        2 => any::<u8>().prop_map(Operation::Batch),
        2 => any::<(u8, u8)>().prop_map(|(class, count)| Operation::Take(class, count)),
        1 => any::<(u8, u8)>().prop_map(|(class, count)| Operation::TakeShared(class, count)),
        4 => (0..80u16).prop_map(Operation::Tick),
        1 => Just(Operation::Rest),
        1 => Just(Operation::Trim),
        1 => position().prop_map(Operation::ShortThread),
        1 => Just(Operation::EndElsewhere),
        1 => Just(Operation::Verify),
        1 => (0..64u8).prop_map(Operation::Limit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(
        operations in vec(operation(), 1..150),
        (limit, bits) in any::<(u8, u8)>(),
        closes_before in 0..300usize,
    ) {
        let mut model = Model::new(Setup::decode(limit, bits));
        for (step, operation) in operations.into_iter().enumerate() {
            if step == closes_before {
                model.step(Operation::Close);
            }
            model.step(operation);
        }
        model.finish();
    }

    /// What the fuzzer does, for those who have none.
    #[test]
    fn any_bytes_are_a_sequence_of_operations(bytes in vec(any::<u8>(), 2..400)) {
        Model::replay(&bytes);
    }
}

/// Inputs that the fuzzer found worth keeping, some that it would need long to find, and those that once found a bug.
#[test]
fn the_seeds_of_the_fuzzer_agree() {
    seeds::replay_all("operations", Model::replay);
}
