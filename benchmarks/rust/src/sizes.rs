//! Which sizes a server asks for.
//!
//! The mixes are coarse histograms of our own, by doubling, modelled on distributions that Google publishes with
//! Fleetbench (<https://github.com/google/fleetbench>, commit 703e5e5): bytes a call over the fleet. Within a doubling,
//! sizes are evenly distributed.

use std::fmt;

use crate::random::Random;

/// Half of the log-normal sizes are smaller.
const MEDIAN: f64 = 4096.0;
/// Deviation of the logarithm. The mean is three times the median, one block in a hundred is above 130 KiB.
const SIGMA: f64 = 1.5;
const SMALLEST: f64 = 64.0;
const LARGEST: f64 = 1024.0 * 1024.0;

/// A distribution of sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// Log-normal, median 4 KiB, deviation of the logarithm 1.5, from 64 B to 1 MiB.
    LogNormal,
    /// What is compressed (`compression/distributions/Snappy_COMPRESS_Fleet.json`).
    Documents,
    /// What is checksummed (`hashing/distributions/Extendcrc32cinternal_Fleet.csv`).
    Messages,
    /// What is cleared (`libc/distributions/Memset_Fleet.csv`).
    Objects,
}

/// Percent of the sizes up to a bound and above the bound before it.
type Histogram = [(usize, u64)];

const DOCUMENTS: &Histogram = &[
    (256, 9),
    (512, 12),
    (1 << 10, 14),
    (2 << 10, 14),
    (4 << 10, 14),
    (8 << 10, 11),
    (16 << 10, 9),
    (32 << 10, 9),
    (64 << 10, 4),
    (128 << 10, 2),
    (256 << 10, 1),
    (1 << 20, 1),
];

const MESSAGES: &Histogram =
    &[(128, 28), (256, 24), (512, 8), (1 << 10, 7), (2 << 10, 3), (4 << 10, 11), (8 << 10, 19)];

const OBJECTS: &Histogram = &[(8, 59), (16, 9), (32, 12), (64, 12), (128, 2), (512, 3), (4 << 10, 2), (16 << 10, 1)];

impl Sizes {
    /// One of them, at least 1.
    pub fn draw(self, random: &mut Random) -> usize {
        match self {
            Sizes::LogNormal => (MEDIAN * (SIGMA * random.normal()).exp()).clamp(SMALLEST, LARGEST) as usize,
            Sizes::Documents => draw(DOCUMENTS, random),
            Sizes::Messages => draw(MESSAGES, random),
            Sizes::Objects => draw(OBJECTS, random),
        }
    }
}

fn draw(histogram: &Histogram, random: &mut Random) -> usize {
    let total: u64 = histogram.iter().map(|(_, weight)| weight).sum();
    let mut left = random.below(total as usize) as u64;
    let mut below = 0;
    for &(bound, weight) in histogram {
        if left < weight {
            return below + 1 + random.below(bound - below);
        }
        left -= weight;
        below = bound;
    }
    below
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sizes::LogNormal => "log-normal",
            Sizes::Documents => "documents",
            Sizes::Messages => "messages",
            Sizes::Objects => "objects",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_their_distribution() {
        let mut random = Random::new(1);
        let mut median = |sizes: Sizes| {
            let mut drawn: Vec<_> = (0..10_001).map(|_| sizes.draw(&mut random)).collect();
            drawn.sort_unstable();
            assert!(drawn[0] >= 1 && drawn[10_000] <= 1 << 20);
            drawn[5_000]
        };
        assert!((3800..4400).contains(&median(Sizes::LogNormal)));
        assert!((1500..2500).contains(&median(Sizes::Documents)));
        assert!((200..256).contains(&median(Sizes::Messages)));
        assert!(median(Sizes::Objects) <= 8);
    }
}
