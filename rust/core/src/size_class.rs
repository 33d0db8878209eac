//! Sizes to classes and back.
//!
//! A class is a block size. There are eight a doubling, all multiples of the 64-byte granule: 64, 128, … 512, then
//! 576, 640, … 1024, 1152, … 2 MiB. A request is served by the smallest class that holds it, so at most 1/9 of a block
//! above 512 bytes is wasted, and 1/18 on the mean. The scheme is jemalloc's, twice as dense: with four classes a
//! doubling, 1 GiB of log-normal sizes needed 9 % more than was asked for before anything else was counted.
//!
//! A class that is a multiple of the page and at least [`RUN_MIN`] is a *run* of pages; the others are cut from *slabs*
//! (runs that hold equal blocks).

use std::fmt;

/// Every block is a multiple of this many bytes, and aligned to it.
pub const GRANULE: usize = 64;
/// The unit of page runs, in bytes.
pub const PAGE: usize = 8 * 1024;
/// The unit in which address space is reserved, in bytes; chunks are aligned to their size.
pub const CHUNK: usize = 4 * 1024 * 1024;
/// Pages in a chunk.
pub const PAGES: usize = CHUNK / PAGE;
/// The largest class; what is larger is huge and has a mapping of its own.
pub const LARGEST: usize = CHUNK / 2;

/// Classes from this size on are page runs where they are multiples of the page.
const RUN_MIN: usize = 32 * 1024;
const STEP_BITS: u32 = 3;
const STEPS: usize = 1 << STEP_BITS;
/// Up to here, classes are one granule apart.
const LINEAR_MAX: usize = GRANULE * STEPS;
const LINEAR_BITS: u32 = LINEAR_MAX.trailing_zeros();
/// Exponent and first mantissa bits of the float `LINEAR_MAX`.
const LINEAR_MAX_AS_FLOAT: u32 = (LINEAR_MAX as f32).to_bits() >> (f32::MANTISSA_DIGITS - 1 - STEP_BITS);
const COUNT: usize = STEPS + (LARGEST.trailing_zeros() - LINEAR_BITS) as usize * STEPS;

/// Blocks that change hands at once between a cache and the depot, at most.
pub(crate) const BATCH_MAX: usize = 32;
const BATCH_BYTES: usize = 512 * 1024;
/// More blocks than this do not fit a slab's bitmap.
pub(crate) const SLAB_BLOCKS_MAX: usize = 128;
const SLAB_PAGES_MAX: usize = 32;

/// A block size, by its index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SizeClass(u8);

/// What is known of a class beforehand. Its size makes the address of one a shift.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Shape {
    size: u32,
    /// Bytes of all blocks of a slab.
    end: u32,
    batch: u8,
    /// Pages of a slab, or of the run where the class is one.
    pages: u16,
    /// Blocks in a slab; 1 where the class is a run.
    blocks: u16,
    /// `ceil(2^64 / size)`: of `offset * reciprocal`, 128 bits, the upper half is `offset / size` for every offset within a
    /// slab or run, as offset times size stays below 2^64.
    reciprocal: u64,
}

static SHAPES: [Shape; COUNT] = shapes();

/// Sizes up to here find their class in a table: half the instructions, and no branch that random sizes mispredict.
const TABLED: usize = 32 * 1024;

/// The class of each number of granules, less one.
static TABLE: [u8; TABLED / GRANULE] = {
    let mut table = [0; TABLED / GRANULE];
    let mut index = 0;
    while index < table.len() {
        let below = index * GRANULE;
        table[index] = if below < LINEAR_MAX { index as u8 } else { by_logarithm(below) };
        index += 1;
    }
    table
};

/// The class of the sizes above `below`, from `LINEAR_MAX` on.
///
/// As a float, `below` shows its logarithm (the exponent) and its step within the doubling (the first bits of the
/// mantissa) side by side; together they are the class. Exact, as `below` has fewer bits than a mantissa. Counting
/// leading zeros instead is microcoded on AMD where the baseline instruction set has no `lzcnt`: 3 ns a pair.
#[inline]
const fn by_logarithm(below: usize) -> u8 {
    // In 32 bits: an unsigned integer of 64 is turned into a float by way of a branch.
    let bits = (below as u32 as f32).to_bits() >> (f32::MANTISSA_DIGITS - 1 - STEP_BITS);
    (bits - LINEAR_MAX_AS_FLOAT + STEPS as u32) as u8
}

impl SizeClass {
    /// How many classes there are.
    pub const COUNT: usize = COUNT;

    /// The smallest class that holds `size` bytes; `None` above [`LARGEST`]. A request of 0 bytes gets the smallest.
    #[inline]
    pub const fn of(size: usize) -> Option<SizeClass> {
        let below = size.wrapping_sub(1);
        if below < TABLED {
            Some(SizeClass(TABLE[below / GRANULE]))
        } else if below < LARGEST {
            Some(SizeClass(by_logarithm(below)))
        } else if size == 0 {
            Some(SizeClass(0))
        } else {
            None
        }
    }

    /// The class with this index; `None` from [`SizeClass::COUNT`] on.
    pub const fn from_index(index: usize) -> Option<SizeClass> {
        if index < COUNT { Some(SizeClass(index as u8)) } else { None }
    }

    /// Its index, 0 for the smallest.
    #[inline]
    pub const fn index(self) -> usize {
        // SAFETY: `of` and `from_index`, which make all classes, stay below `COUNT`.
        unsafe { std::hint::assert_unchecked((self.0 as usize) < COUNT) };
        self.0 as usize
    }

    /// Bytes of a block.
    #[inline]
    pub const fn size(self) -> usize {
        SHAPES[self.index()].size as usize
    }

    /// How many blocks change hands at once: 32 up to 16 KiB, 8 at 64 KiB, 1 from 512 KiB on.
    #[inline]
    pub const fn batch(self) -> usize {
        SHAPES[self.index()].batch as usize
    }

    /// Whether its blocks are page runs of their own, rather than cut from slabs.
    pub const fn is_run(self) -> bool {
        SHAPES[self.index()].blocks == 1
    }

    /// The largest part of a block that a request can waste: everything above the next smaller class, less one byte.
    pub fn max_waste(self) -> f64 {
        let smallest_request = if self.0 == 0 { 1 } else { SizeClass(self.0 - 1).size() + 1 };
        (self.size() - smallest_request) as f64 / self.size() as f64
    }

    /// Pages of one of its slabs, or of its run.
    #[inline]
    pub(crate) const fn pages(self) -> usize {
        SHAPES[self.index()].pages as usize
    }

    /// Blocks in one of its slabs; 1 where the class is a run.
    #[inline]
    pub(crate) const fn blocks(self) -> usize {
        SHAPES[self.index()].blocks as usize
    }

    /// Which block of a slab `offset` (in bytes from the slab's start) falls into.
    #[inline]
    pub(crate) const fn block_at(self, offset: usize) -> usize {
        ((offset as u128 * SHAPES[self.index()].reciprocal as u128) >> 64) as usize
    }

    /// Whether one of its blocks starts `offset` bytes from the start of its slab or run.
    #[inline]
    pub(crate) const fn starts_at(self, offset: usize) -> bool {
        let shape = &SHAPES[self.index()];
        // The lower half is what remains: each byte of it adds the reciprocal, and each block before nearly nothing.
        // (Lemire, Kaser, Kurz, "Faster remainder by direct computation", 2019.)
        (offset as u64).wrapping_mul(shape.reciprocal) < shape.reciprocal && offset < shape.end as usize
    }

    /// All of them, smallest first.
    pub fn all() -> impl DoubleEndedIterator<Item = SizeClass> + ExactSizeIterator {
        (0..COUNT as u8).map(SizeClass)
    }
}

impl fmt::Debug for SizeClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SizeClass({} B)", self.size())
    }
}

const fn size_at(index: usize) -> usize {
    if index < STEPS {
        return (index + 1) * GRANULE;
    }
    let doubling = (index - STEPS) / STEPS;
    let step = (index - STEPS) % STEPS;
    (LINEAR_MAX << doubling) + (step + 1) * (GRANULE << doubling)
}

/// The fewest pages whose tail is at most 1/64 wasted and which hold a useful number of blocks; failing that, the ones
/// that waste least.
const fn slab_pages(size: usize) -> usize {
    let wanted = if size <= 4096 {
        8
    } else if size <= 16 * 1024 {
        4
    } else {
        2
    };
    let mut best = 0;
    let mut pages = 1;
    while pages <= SLAB_PAGES_MAX {
        let bytes = pages * PAGE;
        let blocks = bytes / size;
        if blocks >= wanted && blocks <= SLAB_BLOCKS_MAX {
            let waste = bytes % size;
            if waste * 64 <= bytes {
                return pages;
            }
            if best == 0 || waste * best < ((best * PAGE) % size) * pages {
                best = pages;
            }
        }
        pages += 1;
    }
    best
}

const fn shapes() -> [Shape; COUNT] {
    let mut shapes = [Shape { size: 0, end: 0, batch: 0, pages: 0, blocks: 0, reciprocal: 0 }; COUNT];
    let mut index = 0;
    while index < COUNT {
        let size = size_at(index);
        let is_run = size >= RUN_MIN && size.is_multiple_of(PAGE);
        let pages = if is_run { size / PAGE } else { slab_pages(size) };
        let batch = BATCH_BYTES / size;
        let blocks = if is_run { 1 } else { pages * PAGE / size };
        shapes[index] = Shape {
            size: size as u32,
            end: (blocks * size) as u32,
            batch: if batch > BATCH_MAX {
                BATCH_MAX as u8
            } else if batch == 0 {
                1
            } else {
                batch as u8
            },
            pages: pages as u16,
            blocks: blocks as u16,
            reciprocal: (1u128 << 64).div_ceil(size as u128) as u64,
        };
        index += 1;
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes from one size or address that is tried to the next. One by one, Miri's interpreter takes hours.
    const STRIDE: usize = if cfg!(miri) { 509 } else { 1 };

    #[test]
    fn classes_grow_and_serve_every_size() {
        assert_eq!(SizeClass::COUNT, 104);
        let mut smallest = 0;
        for class in SizeClass::all() {
            assert_eq!(class.size() % GRANULE, 0);
            for size in [smallest + 1, class.size() - 1, class.size()] {
                if size > smallest {
                    assert_eq!(SizeClass::of(size), Some(class), "{size}");
                }
            }
            assert!(class.index() < STEPS || class.max_waste() < 1.0 / 9.0 + 1e-3, "{class:?}");
            smallest = class.size();
        }
        assert_eq!(smallest, LARGEST);
        for size in (1..=LARGEST).step_by(STRIDE) {
            let class = SizeClass::of(size).expect("a class");
            assert!(class.size() >= size && (class.0 == 0 || SizeClass(class.0 - 1).size() < size), "{size}");
        }
        assert_eq!(SizeClass::of(0).map(SizeClass::size), Some(GRANULE));
        assert_eq!(SizeClass::of(LARGEST + 1), None);
        assert_eq!(SizeClass::of(usize::MAX), None);
        assert_eq!(SizeClass::from_index(COUNT), None);
    }

    #[test]
    fn slabs_waste_little_and_find_their_blocks() {
        for class in SizeClass::all() {
            let bytes = class.pages() * PAGE;
            assert!(class.blocks() <= SLAB_BLOCKS_MAX);
            assert!(class.blocks() * class.size() <= bytes);
            assert!((bytes - class.blocks() * class.size()) * 32 <= bytes, "{class:?} wastes its slab's tail");
            for block in 0..class.blocks() {
                assert_eq!(class.block_at(block * class.size()), block, "{class:?}");
                assert_eq!(class.block_at((block + 1) * class.size() - 1), block, "{class:?}");
            }
            let starts = (0..bytes).step_by(STRIDE).filter(|&offset| class.starts_at(offset));
            let blocks = (0..class.blocks()).map(|block| block * class.size());
            assert!(starts.eq(blocks.filter(|start| start.is_multiple_of(STRIDE))), "{class:?}");
        }
    }

    #[test]
    fn batches_shrink_with_size() {
        let batch = |size| SizeClass::of(size).expect("a class").batch();
        assert_eq!((batch(64), batch(4096), batch(16 * 1024), batch(64 * 1024), batch(LARGEST)), (32, 32, 32, 8, 1));
    }
}
