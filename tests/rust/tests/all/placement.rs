//! Where blocks and threads go, which nobody notices but by how much memory there is in the end.

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use millpond::{LARGEST, Options, Pool, SizeClass};

/// Fuller slabs are filled first, so that those with few blocks left get rid of them.
#[test]
fn sparse_slabs_come_free() {
    const SIZE: usize = 1024;
    let pool = Pool::new(Options::new().arenas(1).thread_cache_bytes(0).depot_bytes(0)).expect("a pool");
    let class = SizeClass::of(SIZE).expect("a class").index();
    let slabs = || pool.stats().classes[class].slabs;
    let mut sparse = Vec::new();
    while slabs() < 3 {
        sparse.push(pool.allocate(SIZE).expect("a block"));
    }
    drop(sparse.pop());
    // Two full slabs, one of which keeps a block, the other all but one.
    let mut full = sparse.split_off(sparse.len() / 2);
    sparse.truncate(1);
    full.pop();
    assert_eq!(slabs(), 2);
    full.push(pool.allocate(SIZE).expect("a block"));
    sparse.clear();
    assert_eq!(slabs(), 1, "the block went to the sparse slab");
}

#[test]
fn threads_are_spread_over_the_arenas() {
    const ARENAS: usize = 4;
    let pool = Pool::new(Options::new().arenas(ARENAS)).expect("a pool");
    let all = Barrier::new(ARENAS);
    thread::scope(|scope| {
        for _ in 0..ARENAS {
            scope.spawn(|| {
                let block = pool.allocate(100).expect("a block");
                all.wait();
                let threads: Vec<_> = pool.stats().by_arena[..ARENAS].iter().map(|arena| arena.threads).collect();
                all.wait();
                drop(block);
                assert_eq!(threads, [1; ARENAS]);
            });
        }
    });
}

/// Flags of the mapping that holds an address, as `/proc/self/smaps` names them.
fn flags_of(address: usize) -> String {
    let smaps = fs::read_to_string("/proc/self/smaps").expect("/proc is mounted");
    let mut holds = false;
    for line in smaps.lines() {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        if let Some((Ok(start), Ok(end))) =
            range.map(|(start, end)| (usize::from_str_radix(start, 16), usize::from_str_radix(end, 16)))
        {
            holds = (start..end).contains(&address);
        } else if holds && let Some(flags) = line.strip_prefix("VmFlags:") {
            return flags.to_owned();
        }
    }
    panic!("{address:#x} is in no mapping");
}

/// With them the kernel would make more resident than is committed.
#[test]
fn huge_pages_are_refused_unless_they_are_asked_for() {
    if !Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
        return;
    }
    for (on, flag) in [(false, " nh"), (true, " hg")] {
        let pool = Pool::new(Options::new().huge_pages(on)).expect("a pool");
        for size in [100, LARGEST + 1] {
            let block = pool.allocate(size).expect("a block");
            let flags = flags_of(block.as_ptr() as usize);
            assert!(flags.contains(flag), "a block of {size} bytes has {flags}, huge pages {on}");
        }
    }
}
