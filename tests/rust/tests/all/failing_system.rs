//! Every system call fails, one after the other: each time there is an error or the operation works all the same, what
//! the model compares still holds, nothing leaks, and the pool goes on.

use millpond::Error;
use millpond_tests::model::{Model, Setup};
use millpond_tests::operation::Operation::{self, *};
use millpond_tests::system::System;

/// Maps chunks, huge blocks, bookkeeping, and caches of three threads; purges, unmaps, drains, and uses all of it again.
const RUN: [Operation; 45] = [
    Allocate(64),
    Allocate(3000),
    AllocateElsewhere(5000),
    Allocate(40_000),
    ShortThread(300),
    AllocateElsewhere(300_000),
    Allocate(2_000_000),
    Allocate(2_000_000),
    Allocate(3_000_000),
    Allocate(100),
    Take(3, 30),
    FreeElsewhere(0),
    Free(1),
    FreeSized(1),
    GiveShared(1),
    FreeElsewhere(1),
    Free(5),
    Batch(3),
    Tick(90),
    Tick(90),
    Tick(90),
    Verify,
    EndElsewhere,
    AllocateElsewhere(700),
    Rest,
    Allocate(3_000_000),
    Allocate(5_000_000),
    Free(u16::MAX),
    Free(3),
    Trim,
    FreeTwice,
    Allocate(2_000_000),
    TakeShared(40, 8),
    GiveMixed(2),
    Allocate(700),
    // Above the limit, so that everything is given back first.
    Allocate(60_000_000),
    AllocateElsewhere(60_000_000),
    Free(2),
    FreeElsewhere(3),
    ShortThread(20_000),
    Allocate(64),
    EndElsewhere,
    Trim,
    Tick(90),
    Verify,
];

fn run(model: &mut Model) {
    RUN.into_iter().for_each(|operation| model.step(operation));
}

/// Runs with each call refused, and `length` calls at once; says how many calls there were.
fn refuse_each(setup: Setup, length: usize) -> usize {
    let mut position = 1;
    loop {
        let os = System::take();
        os.refuse(position, length);
        let model = Model::on(setup, os);
        match model {
            Ok(mut model) => {
                run(&mut model);
                let calls = os.calls();
                os.heal();
                run(&mut model);
                model.step(Close);
                model.finish();
                if position >= calls {
                    return position;
                }
            }
            Err(error) => {
                assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
                assert_eq!(os.mapped_bytes(), os.stuck_bytes(), "the pool that was not made left mappings behind");
            }
        }
        position += 1;
    }
}

fn refuse_each_way(setup: Setup, lengths: &[usize]) {
    for &length in lengths {
        let calls = refuse_each(setup, length);
        // Chunks, bookkeeping and huge blocks mapped, purged and unmapped, and barriers for caches that hold something.
        assert!(calls > 25, "only {calls} calls were made: the run is too short to prove anything");
    }
}

#[test]
fn every_call_may_fail_once_and_for_a_while() {
    refuse_each_way(Setup::default(), &[1, 4]);
}

#[test]
fn so_it_may_where_addresses_are_kept() {
    refuse_each_way(Setup { keep_addresses: true, page_size: 16 << 10, ..Setup::default() }, &[1]);
}

#[test]
fn all_may_fail_from_some_call_on_below_a_parent_and_without_caches() {
    refuse_each_way(
        Setup { has_parent: true, thread_cache: 0, depot: 0, page_size: 64 << 10, ..Setup::default() },
        &[usize::MAX],
    );
}
