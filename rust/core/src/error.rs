//! What can go wrong, with what the reader needs to act.

use std::fmt;

/// Why an operation failed. Nothing is lost when one does: the pool is as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The pool was closed; it takes blocks back but gives none out.
    Closed {
        /// Name of the pool.
        pool: String,
    },
    /// The block would have taken the committed bytes of a pool, or of one of its ancestors, over the limit.
    LimitReached {
        /// Name of the pool whose limit it is: the one asked, or an ancestor.
        pool: String,
        /// How far above the pool asked that one stands: 0 for itself, 1 for its parent, and so on.
        level: usize,
        /// Bytes of the block that was wanted.
        requested: usize,
        /// Bytes committed by that pool and its descendants.
        committed: usize,
        /// Its limit, in bytes.
        limit: usize,
        /// Allocations that wait at that limit, and come first.
        waiting: usize,
    },
    /// The operating system gave no memory; no limit of a pool had to do with it.
    OutOfMemory {
        /// Bytes asked for.
        requested: usize,
        /// The system's error number.
        errno: i32,
    },
    /// This process was forked from the one that made the pool. A child can use the blocks that it inherited, and pools
    /// of its own.
    Forked {
        /// Name of the pool.
        pool: String,
    },
    /// An option is out of its range.
    InvalidOption {
        /// Name of the option.
        option: &'static str,
        /// The value, and the range it should be in.
        reason: String,
    },
    /// An address was given back that is not the start of a live block of this pool. It was left alone.
    BadFree {
        /// The address.
        address: usize,
        /// What it is.
        reason: BadFree,
    },
    /// This platform is not supported.
    Unsupported {
        /// What is missing.
        reason: String,
    },
}

/// What is wrong with an address that was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadFree {
    /// It lies in no memory of this pool.
    Foreign,
    /// It lies in a part of this pool's memory that holds no block.
    NoBlock,
    /// It lies in a block, but not at its start.
    Interior {
        /// Start of the block.
        block: usize,
        /// Size of the block, in bytes.
        size: usize,
    },
    /// It is the start of a block of another class than was said.
    WrongClass {
        /// Size of the block, in bytes.
        size: usize,
    },
    /// The block is free already.
    Double,
}

impl fmt::Display for BadFree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadFree::Foreign => write!(f, "it lies in no memory of this pool"),
            BadFree::NoBlock => write!(f, "no block is there: it was released before, and its pages with it"),
            BadFree::Interior { block, size } => {
                write!(f, "it lies inside the block of {size} bytes at {block:#x}, not at its start")
            }
            BadFree::WrongClass { size } => write!(f, "the block there has {size} bytes, not the size that was given"),
            BadFree::Double => write!(f, "the block was released before"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Closed { pool } => write!(f, "pool '{pool}' is closed: it takes blocks back but gives none out"),
            Error::LimitReached { pool, level, requested, committed, limit, waiting } => {
                write!(f, "pool '{pool}'")?;
                match level {
                    0 => {}
                    1 => write!(f, ", the parent of the one asked,")?,
                    _ => write!(f, ", {level} levels above the one asked,")?,
                }
                write!(f, " cannot give {requested} bytes: {committed} of its {limit} bytes are committed")?;
                if requested > limit {
                    write!(f, "; that is more than the limit allows; ask for less or raise the limit")
                } else if *waiting > 0 {
                    write!(f, ", and {waiting} who wait come first; release blocks, raise the limit, or wait as well")
                } else {
                    write!(f, ", and nothing more can be freed; release blocks or raise the limit")
                }
            }
            Error::OutOfMemory { requested, errno } => write!(
                f,
                "the operating system gave no memory for {requested} bytes: {}; look at ulimit -v, vm.max_map_count, \
                 vm.overcommit_memory and the memory limit of the container",
                std::io::Error::from_raw_os_error(*errno)
            ),
            Error::Forked { pool } => write!(
                f,
                "pool '{pool}' belongs to the process that this one was forked from: its blocks can be used here, but it \
                 gives none out; make a pool after the fork"
            ),
            Error::InvalidOption { option, reason } => write!(f, "option '{option}': {reason}"),
            Error::BadFree { address, reason } => write!(f, "{address:#x} cannot be released: {reason}"),
            Error::Unsupported { reason } => write!(f, "this platform is not supported: {reason}"),
        }
    }
}

impl std::error::Error for Error {}
