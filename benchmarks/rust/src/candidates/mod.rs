//! The allocators, behind one trait.

mod floor;
mod millpond;
#[cfg(feature = "peers")]
mod peers;

use std::alloc::{GlobalAlloc, Layout, System};

use ::millpond::Pool;

use self::floor::Floor;
use self::millpond::MillpondPool;

/// What malloc aligns to; Millpond aligns to 64 without being asked.
const ALIGNMENT: usize = 16;

/// An allocator to be measured. Each is told the size again when it frees, as Rust does; some make use of it.
pub trait Candidate: Sync {
    /// A block of at least `size` bytes, at least one. Never null: a benchmark that runs out of memory panics.
    fn allocate(&self, size: usize) -> *mut u8;

    /// Takes a block back.
    ///
    /// # Safety
    /// The block was allocated here with this size and is not used any more.
    unsafe fn free(&self, block: *mut u8, size: usize);

    /// Fills `out` with blocks of `size` bytes, at once where the allocator can.
    fn take(&self, size: usize, out: &mut [usize]) {
        out.iter_mut().for_each(|block| *block = self.allocate(size) as usize);
    }

    /// Takes blocks back, at once where the allocator can.
    ///
    /// # Safety
    /// As for [`Candidate::free`].
    unsafe fn give(&self, size: usize, blocks: &[usize]) {
        for &block in blocks {
            // SAFETY: the caller's promise is the same.
            unsafe { self.free(block as *mut u8, size) };
        }
    }

    /// As [`Candidate::take`], past the thread's cache where the allocator can.
    fn take_shared(&self, size: usize, out: &mut [usize]) {
        self.take(size, out);
    }

    /// As [`Candidate::give`], past the thread's cache where the allocator can.
    ///
    /// # Safety
    /// As for [`Candidate::free`].
    unsafe fn give_shared(&self, size: usize, blocks: &[usize]) {
        // SAFETY: the caller's promise is the same.
        unsafe { self.give(size, blocks) };
    }
}

/// Rust's way to an allocator.
struct Global<A>(A);

impl<A: GlobalAlloc + Sync> Candidate for Global<A> {
    #[inline(always)]
    fn allocate(&self, size: usize) -> *mut u8 {
        // SAFETY: the alignment is a power of two, and no workload asks for 0 bytes or half the address space.
        unsafe { self.0.alloc(Layout::from_size_align_unchecked(size, ALIGNMENT)) }
    }

    #[inline(always)]
    unsafe fn free(&self, block: *mut u8, size: usize) {
        // SAFETY: the layout is the one of `allocate`.
        unsafe { self.0.dealloc(block, Layout::from_size_align_unchecked(size, ALIGNMENT)) }
    }
}

/// Something to be done with any candidate. It is compiled for each of them, so that calls to the allocator are as direct
/// as in a program of its own.
pub trait Task {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<C: Candidate>(self, candidate: &C) -> Self::Output;
}

/// One of the candidates.
pub struct Contender {
    /// As it is called in tables.
    pub name: &'static str,
    kind: Kind,
}

enum Kind {
    Millpond(MillpondPool),
    #[cfg(feature = "peers")]
    Jemalloc(Global<tikv_jemallocator::Jemalloc>),
    #[cfg(feature = "peers")]
    Mimalloc(peers::Mimalloc),
    #[cfg(feature = "peers")]
    Snmalloc(Global<snmalloc_rs::SnMalloc>),
    #[cfg(feature = "peers")]
    Rpmalloc(Global<rpmalloc::RpMalloc>),
    Glibc(Global<System>),
    Floor(Floor),
}

impl Contender {
    /// Millpond, the peers that were compiled in, and glibc, the system's own.
    pub fn all() -> Vec<Contender> {
        Self::all_with(MillpondPool::new())
    }

    /// The same where Millpond has no ticks, for who counts instructions.
    pub fn all_without_ticks() -> Vec<Contender> {
        Self::all_with(MillpondPool::without_ticks())
    }

    fn all_with(millpond: MillpondPool) -> Vec<Contender> {
        vec![
            Contender { name: "millpond", kind: Kind::Millpond(millpond) },
            #[cfg(feature = "peers")]
            Contender { name: "jemalloc", kind: Kind::Jemalloc(Global(tikv_jemallocator::Jemalloc)) },
            #[cfg(feature = "peers")]
            Contender { name: "mimalloc", kind: Kind::Mimalloc(peers::Mimalloc) },
            #[cfg(feature = "peers")]
            Contender { name: "snmalloc", kind: Kind::Snmalloc(Global(snmalloc_rs::SnMalloc)) },
            #[cfg(feature = "peers")]
            Contender { name: "rpmalloc", kind: Kind::Rpmalloc(Global(rpmalloc::RpMalloc)) },
            Contender { name: "glibc", kind: Kind::Glibc(Global(System)) },
        ]
    }

    /// No allocator: what a workload itself costs.
    pub fn floor() -> Contender {
        Contender { name: "floor", kind: Kind::Floor(Floor::new()) }
    }

    /// Does something with it.
    pub fn run<T: Task>(&self, task: T) -> T::Output {
        match &self.kind {
            Kind::Millpond(candidate) => task.run(candidate),
            #[cfg(feature = "peers")]
            Kind::Jemalloc(candidate) => task.run(candidate),
            #[cfg(feature = "peers")]
            Kind::Mimalloc(candidate) => task.run(candidate),
            #[cfg(feature = "peers")]
            Kind::Snmalloc(candidate) => task.run(candidate),
            #[cfg(feature = "peers")]
            Kind::Rpmalloc(candidate) => task.run(candidate),
            Kind::Glibc(candidate) => task.run(candidate),
            Kind::Floor(candidate) => task.run(candidate),
        }
    }

    /// The pool, if it is Millpond.
    pub fn pool(&self) -> Option<&Pool> {
        match &self.kind {
            Kind::Millpond(candidate) => Some(candidate.pool()),
            _ => None,
        }
    }
}
