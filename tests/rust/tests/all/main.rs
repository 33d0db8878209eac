//! Tests of the allocator from outside, as one binary.

mod against_model;
mod caches;
mod calls;
mod closing;
mod failing_system;
mod fork;
mod giving_back;
mod limit;
mod misuse;
mod placement;
mod pool;
mod stress;
mod through_c;
