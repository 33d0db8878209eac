//! What the allocator costs, beside its peers.
//!
//! | module | holds |
//! |---|---|
//! | `candidates` | Millpond and the other allocators behind one trait |
//! | `workloads`, `sizes` | what is done with them |
//! | `settings` | what the other allocators are told |
//! | `memory` | what a process holds |
//! | `rounds` | measures candidates in turns, so that a slower minute hits all of them |
//! | `results` | one JSON object a line |
//! | `processor`, `machine`, `random`, `ring`, `progress` | what the above need |
//!
//! `benches/single_thread.rs` runs the workloads of one thread under criterion; the binaries are for comparisons
//! (`compare`, and `against` for two builds), memory (`memory`), instruction counts (`instructions`) and the tables and plots (`report`).

pub mod candidates;
pub mod machine;
pub mod memory;
pub mod processor;
pub mod progress;
pub mod random;
pub mod results;
pub mod ring;
pub mod rounds;
pub mod settings;
pub mod sizes;
pub mod workloads;
