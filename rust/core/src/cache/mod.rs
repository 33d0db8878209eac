//! Free blocks on their way: a cache for each thread, and the depot between the caches and the arenas.

pub(crate) mod batch;
pub(crate) mod depot;
pub(crate) mod gate;
pub(crate) mod local;
pub(crate) mod thread;
