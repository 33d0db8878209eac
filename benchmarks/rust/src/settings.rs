//! What the peers are told, through the variables of the environment that they read when a process starts. snmalloc and
//! rpmalloc read none; Millpond is measured as it comes.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A variable and its value.
pub type Setting = (&'static str, &'static str);

/// For speed, whatever memory it takes: caches for as many blocks as the workloads have, and nothing given back.
pub const FAST: [Setting; 4] = [
    (
        // Thread caches hold 20 blocks of a large size and let some of them go each 64 KiB otherwise. None of them is larger
        // than 32 KiB: version 5.3.1 cuts a higher `tcache_max` down to that.
        "_RJEM_MALLOC_CONF",
        "dirty_decay_ms:-1,muzzy_decay_ms:-1,tcache_nslots_small_min:1024,\
         tcache_nslots_small_max:1024,tcache_nslots_large:1024,tcache_gc_incr_bytes:1073741824",
    ),
    ("MIMALLOC_PURGE_DELAY", "-1"),
    ("MIMALLOC_PAGE_FULL_RETAIN", "64"),
    (
        // 7 blocks of a size up to 1 KiB in a thread otherwise, and the top of the heap goes back to the kernel at each burst.
        "GLIBC_TUNABLES",
        "glibc.malloc.tcache_count=1024:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=4294967296:\
         glibc.malloc.top_pad=67108864",
    ),
];

/// To hold little; each for the candidate of that name.
pub const LEAN: [(&str, Setting); 3] = [
    ("jemalloc", ("_RJEM_MALLOC_CONF", "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0")),
    ("mimalloc", ("MIMALLOC_PURGE_DELAY", "0")),
    ("glibc", ("GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=131072")),
];

/// Starts this program anew with [`FAST`], unless it was.
///
/// # Errors
/// The system's, where it cannot be started.
pub fn be_fast() -> io::Result<()> {
    if FAST.iter().all(|(name, value)| std::env::var(name).is_ok_and(|present| present == *value)) {
        return Ok(());
    }
    Err(Command::new(std::env::current_exe()?).args(std::env::args_os().skip(1)).envs(FAST).exec())
}
