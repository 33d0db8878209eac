//! Random sequences of operations against the model, with the invariant walk after each.

use millpond_tests::model::{Model, Operation};
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
    prop_oneof![
        10 => size().prop_map(Operation::Allocate),
        8 => any::<u16>().prop_map(Operation::Free),
        2 => any::<u16>().prop_map(Operation::FreeElsewhere),
        1 => any::<(u16, u16)>().prop_map(|(position, offset)| Operation::FreeInside(position, offset)),
        1 => Just(Operation::FreeTwice),
        2 => any::<u8>().prop_map(Operation::Batch),
        3 => (0..80u16).prop_map(Operation::Tick),
        1 => Just(Operation::Trim),
        1 => any::<u16>().prop_map(Operation::ShortThread),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(operations in vec(operation(), 1..150), limit in 16..64usize) {
        let mut model = Model::new(limit << 20);
        operations.into_iter().for_each(|operation| model.step(operation));
        model.finish();
    }
}
