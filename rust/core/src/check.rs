//! Invariants of a whole pool.

use std::collections::HashSet;

use crate::arena::State;
use crate::arena::chunk_list::{ChunkLists, LISTS, usage};
use crate::arena::run::{PageSet, Run};
use crate::arena::slab::{FULLNESS, NO_SLAB, SlabId};
use crate::pool::Inner;
use crate::size_class::{PAGE, PAGES, SizeClass};

/// What an arena turned out to hold.
#[derive(Default)]
struct Held {
    /// Bytes of blocks that are not free in a slab: live, cached, or in the depot.
    blocks: usize,
    /// Bytes of blocks that are out: live, or in a thread's cache without a mark.
    out: usize,
    committed_pages: usize,
}

type Check<T = ()> = Result<T, String>;

/// Walks the pool. What it checks: pages are used, dirty or clean, and counted so; every run and slab owns its pages and
/// nobody else's, so that blocks cannot overlap; every block's state fits the place where it is; lists hold what they
/// should; and all bytes add up.
pub(crate) fn check(pool: &Inner) -> Check {
    let mut held = Held::default();
    for (index, arena) in pool.arenas.iter().enumerate() {
        arena.inspect(|state| check_arena(state, &mut held)).map_err(|what| format!("arena {index}: {what}"))?;
    }
    pool.huge.check().map_err(|what| format!("huge blocks: {what}"))?;
    check_depot(pool)?;
    check_sums(pool, &held)
}

fn check_arena(state: &State, held: &mut Held) -> Check {
    let (mut used, mut dirty) = (0, 0);
    for (index, entry) in state.chunks.iter().enumerate() {
        let found = check_chunk(state, index, held).map_err(|what| format!("chunk {index}: {what}"))?;
        used += found;
        dirty += entry.book.dirty().len();
        held.committed_pages += entry.book.committed.len();
    }
    equal("used pages", state.used_pages, used)?;
    equal("dirty pages", state.dirty_pages, dirty)?;
    check_lists(state)?;
    SizeClass::all().try_for_each(|class| check_partial(state, class))
}

/// Returns the pages in use.
fn check_chunk(state: &State, index: usize, held: &mut Held) -> Check<usize> {
    let entry = &state.chunks[index];
    let (chunk, book) = (&entry.chunk, &entry.book);
    let units = |set: &PageSet| set.runs().all(|run| state.unit.around(run) == run);
    ensure(units(&book.committed) && units(&book.purging), "a part of a commit unit has memory, or is being purged")?;
    ensure(book.purging.is_disjoint(&book.free), "a page is free while it is being purged")?;
    ensure(book.purging.is_empty(), "a purge is under way: the pool is not quiet")?;
    let mut free = PageSet::default();
    let mut page = 0;
    while page < PAGES {
        match chunk.owner(page) {
            None => {
                free.insert(Run { page, pages: 1 });
                page += 1;
            }
            Some((class, 0)) => {
                check_owned(state, index, page, class, held)
                    .map_err(|what| format!("page {page}, {class:?}: {what}"))?;
                page += class.pages();
            }
            Some((class, offset)) => {
                return Err(format!("page {page} is {offset} pages into a {class:?} run that is not there"));
            }
        }
    }
    ensure(free == book.free, "the free set is not the pages without owner")?;
    let with_memory = book.committed.len() - book.dirty().len();
    ensure(with_memory == PAGES - free.len(), "a page in use has no memory")?;
    let longest = book.free.runs().map(|run| run.pages).max().unwrap_or(0);
    ensure(longest <= state.lists.longest_run(index), "a free run is longer than the list knows")?;
    Ok(PAGES - free.len())
}

fn check_owned(state: &State, index: usize, page: usize, class: SizeClass, held: &mut Held) -> Check {
    let entry = &state.chunks[index];
    ensure(page + class.pages() <= PAGES, "it reaches beyond the chunk")?;
    for offset in 0..class.pages() {
        ensure(entry.chunk.owner(page + offset) == Some((class, offset)), "a page of it is somebody else's")?;
    }
    let slab = &entry.book.slabs[page];
    if !class.is_run() {
        ensure(slab.is_consistent(), "the slab's bits and its count differ")?;
        ensure(!slab.is_unused(), "an unused slab was kept")?;
    }
    for block in 0..class.blocks() {
        let out = entry.chunk.is_out(page, block);
        let in_slab = !class.is_run() && slab.is_free(block);
        ensure(!(out && in_slab), "a block is free in its slab, and out")?;
        held.out += if out { class.size() } else { 0 };
        held.blocks += if in_slab { 0 } else { class.size() };
        let address = entry.chunk.page_address(page) + block * class.size();
        let found = entry.chunk.locate(address).map_err(|why| format!("block {block}: {why}"))?;
        ensure((found.page, found.block) == (page, block), "a block is not found by its address")?;
    }
    Ok(())
}

fn check_lists(state: &State) -> Check {
    let mut seen = 0;
    for list in 0..LISTS {
        for chunk in state.lists.members(list) {
            let usage = usage(state.chunks[chunk].book.free.len());
            ensure(ChunkLists::allows(list, usage), &format!("chunk {chunk} at {usage} % stands in list {list}"))?;
            seen += 1;
        }
    }
    equal("chunks in lists", seen, state.chunks.len())
}

fn check_partial(state: &State, class: SizeClass) -> Check {
    for fullness in 0..FULLNESS {
        let (mut at, mut before) = (state.partial[class.index()][fullness], NO_SLAB);
        while at != NO_SLAB {
            let id = SlabId(at);
            let entry = &state.chunks[id.chunk()];
            let slab = &entry.book.slabs[id.page()];
            ensure(entry.chunk.owner(id.page()) == Some((class, 0)), "a list names a slab that is not there")?;
            ensure(slab.fullness() == Some(fullness), "a slab stands in the wrong list")?;
            ensure(slab.prev == before, "a list of slabs is broken")?;
            ensure(slab.free() > 0, "a full slab stands in a list")?;
            (before, at) = (at, slab.next);
        }
    }
    Ok(())
}

fn check_depot(pool: &Inner) -> Check {
    let mut seen = HashSet::new();
    let mut result = Ok(());
    pool.depot.for_each(|class, block| {
        let state = pool.backing.map.find(block).map(|chunk| chunk.locate(block).map(|at| (at, chunk)));
        let fine = match state {
            Some(Ok((at, chunk))) => at.class == class && !chunk.is_out(at.page, at.block),
            _ => false,
        };
        if !fine || !seen.insert(block) {
            result = Err(format!("the depot has {block:#x} as a free {class:?}, which it is not"));
        }
    });
    result
}

fn check_sums(pool: &Inner, held: &Held) -> Check {
    let stats = crate::stats::Stats::of(pool);
    let huge = pool.huge.figures();
    let blocks = (stats.used - stats.huge_live_bytes) as usize;
    let (live, cached) = (blocks + stats.quarantined as usize, stats.cached_threads as usize);
    ensure((live..=live + cached).contains(&held.out), "a live block is not out, or one that is out is nobody's")?;
    equal("bytes in blocks", live + cached + stats.cached_depot as usize, held.blocks)?;
    let own = held.committed_pages * PAGE + huge.committed;
    if pool.children.lock().is_empty() {
        equal("committed bytes", stats.committed as usize, own)?;
    }
    ensure(stats.committed <= stats.limit, "more is committed than the limit allows")
}

fn equal(what: &str, counted: usize, found: usize) -> Check {
    ensure(counted == found, &format!("{what}: {counted} counted, {found} found"))
}

fn ensure(holds: bool, what: &str) -> Check {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}
