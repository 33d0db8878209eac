//! Tests of the allocator from outside, as one binary.

mod against_model;
mod caches;
mod failing_system;
mod fork;
mod limit;
mod pool;
mod stress;
mod through_c;
