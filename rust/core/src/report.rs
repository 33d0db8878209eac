//! What was noticed to be wrong, for whoever looks for it.

use std::collections::VecDeque;
use std::fmt;

use crate::error::BadFree;
use crate::sync::Mutex;

/// Something that an application did wrong, or that the operating system did not do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// An address was given back that is not the start of a live block. It was left alone.
    BadFree {
        /// The address.
        address: usize,
        /// Bytes of the blocks of the class it was given back as, if it was given back as one.
        class: Option<usize>,
        /// Start of the chunk it lies in, if it lies in one.
        chunk: Option<usize>,
        /// What it is.
        reason: BadFree,
    },
    /// Somebody wrote behind the end of a block. Found in checked mode, when the block is released.
    Overrun {
        /// Start of the block.
        address: usize,
        /// Bytes that were asked for.
        size: usize,
        /// Distance from the start to the first byte that was overwritten.
        offset: usize,
    },
    /// Somebody wrote to a block after it was released. Found in checked mode, when the block leaves the quarantine.
    WriteAfterFree {
        /// Start of the block.
        address: usize,
        /// Bytes that were asked for.
        size: usize,
        /// Distance from the start to the first byte that was overwritten.
        offset: usize,
    },
    /// The operating system did not take memory back. It counts as committed, and is tried again. Reported the first time;
    /// [`Stats::purge_failures`](crate::Stats::purge_failures) counts them all.
    PurgeRefused {
        /// The system's error number.
        errno: i32,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::BadFree { address, class, chunk, reason } => {
                write!(f, "{address:#x} was released")?;
                class.map_or(Ok(()), |size| write!(f, " as a block of {size} bytes"))?;
                chunk.map_or(Ok(()), |chunk| write!(f, " (in the chunk at {chunk:#x})"))?;
                write!(f, ", but {reason}")
            }
            Report::Overrun { address, size, offset } => {
                write!(f, "the block of {size} bytes at {address:#x} was written to behind its end, at offset {offset}")
            }
            Report::WriteAfterFree { address, size, offset } => {
                write!(
                    f,
                    "the block of {size} bytes at {address:#x} was written to after its release, at offset {offset}"
                )
            }
            Report::PurgeRefused { errno } => {
                let why = std::io::Error::from_raw_os_error(*errno);
                write!(
                    f,
                    "the operating system did not take memory back: {why}; it stays committed and is tried again (said \
                     once a pool, see the count of purge failures)"
                )
            }
        }
    }
}

/// The latest reports.
#[derive(Debug, Default)]
pub(crate) struct Reports(Mutex<VecDeque<Report>>);

/// Reports kept until somebody takes them; more push the oldest out.
const KEPT: usize = 64;

impl Reports {
    pub(crate) fn add(&self, report: Report) {
        let mut reports = self.0.lock();
        if reports.len() == KEPT {
            reports.pop_front();
        }
        reports.push_back(report);
    }

    pub(crate) fn are_there(&self) -> bool {
        !self.0.lock().is_empty()
    }

    /// Takes them out, oldest first.
    pub(crate) fn take(&self) -> Vec<Report> {
        self.0.lock().drain(..).collect()
    }
}
