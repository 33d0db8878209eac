//! Every system call fails, one after the other: each time there is an error, nothing leaks, and the pool goes on.

use millpond_tests::model::{Model, Operation};

/// A run that maps chunks, huge blocks and bookkeeping, purges, and reuses.
fn recorded_run(model: &mut Model) {
    for size in [64, 3000, 5000, 40_000, 300_000, 2_000_000, 2_000_000, 3_000_000, 100] {
        model.step(Operation::Allocate(size));
    }
    for _ in 0..6 {
        model.step(Operation::Free(1));
    }
    for step in [Operation::Tick(90), Operation::Tick(90), Operation::Tick(90), Operation::Trim] {
        model.step(step);
    }
    for size in [3_000_000, 2_000_000, 700, 64] {
        model.step(Operation::Allocate(size));
    }
}

#[test]
fn every_call_may_fail_once_and_for_a_while() {
    for length in [1, 4, usize::MAX] {
        let mut position = 1;
        loop {
            let mut model = Model::new(64 << 20);
            model.os().fail(position, length);
            recorded_run(&mut model);
            let calls = model.os().calls();
            model.os().heal();
            recorded_run(&mut model);
            model.finish();
            if position >= calls {
                break;
            }
            position += 1;
        }
        assert!(position > 10, "only {position} calls were made: the run is too short to prove anything");
    }
}
