//! Tests of the allocator from outside, as one binary.

mod against_model;
mod caches;
mod calls;
mod failing_system;
mod fork;
mod limit;
mod placement;
mod pool;
mod stress;
mod through_c;
