//! A model of a pool, driven by sequences of operations: what `proptest` and the fuzzer run.

pub mod model;
