//! An off-heap buffer pool that gives memory back.
//!
//! ```
//! use millpond::{Options, Pool};
//!
//! let pool = Pool::new(Options::new().name("ingest").max_bytes(64 << 20))?;
//! let mut block = pool.allocate(16 * 1024)?;
//! block[..5].copy_from_slice(b"hello");
//! assert_eq!(block.len(), 16 * 1024);
//! drop(block);
//! assert_eq!(pool.stats().used, 0);
//! # Ok::<(), millpond::Error>(())
//! ```
//!
//! `examples/burst.rs` shows how the memory of a burst goes back.
//!
//! How a block travels, and where to read about it:
//!
//! | module | holds |
//! |---|---|
//! | `pool`, `block`, `options`, `error` | the public face, and the fast path |
//! | `flow` | the way of a block between arenas, depot and caches |
//! | `fork` | what becomes of a pool in a forked child |
//! | `room` | what happens at a limit |
//! | `size_class` | sizes to classes and back |
//! | `cache` | free blocks of one thread; the depot through which threads exchange them |
//! | `arena` | chunks, runs of pages, slabs; chunk lists by usage |
//! | `huge`, `vacant` | blocks above half a chunk; addresses kept for them |
//! | `decay`, `limit`, `line` | time; budgets; those who wait |
//! | `backing`, `address_map` | what the parts of a pool share; from an address to its chunk |
//! | `stats`, `check` | numbers, invariants |
//! | `checked`, `report` | checked mode; misuse that was noticed |
//! | `os`, `sync` | the only system calls; the only atomics and locks |
//! | `c_api` | the functions of `include/millpond.h` |

mod address_map;
mod arena;
mod backing;
mod block;
pub mod c_api;
mod cache;
mod check;
mod checked;
mod decay;
mod error;
mod flow;
mod fork;
mod huge;
mod limit;
mod line;
#[cfg(all(test, not(loom)))]
mod line_model;
mod options;
pub mod os;
mod pool;
#[cfg(all(test, loom))]
mod pool_models;
mod report;
mod room;
mod size_class;
mod stats;
mod sync;
mod vacant;

pub use arena::chunk_list::LIST_NAMES;
pub use block::Block;
pub use error::{BadFree, Error};
pub use huge::Huge;
pub use options::Options;
pub use pool::Pool;
pub use report::Report;
pub use size_class::{CHUNK, GRANULE, LARGEST, PAGE, SizeClass};
pub use stats::{ArenaStats, ClassStats, STATS_VERSION, Stats};

/// Version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
