//! Chunks by how full they are: Netty's six lists, with Netty's hysteresis and order of search.
//!
//! Fuller chunks are asked first, so that sparse ones drain and can be given back. A chunk moves up when its usage
//! reaches the upper bound of its list and down when it falls below the lower one; because the ranges overlap, a chunk
//! that swings around one bound does not move each time. Unlike Netty's, the first list keeps nothing alive: its chunks
//! decay like all others.

use crate::size_class::PAGES;

/// Lists there are.
pub(crate) const LISTS: usize = 6;
/// Their names, emptiest first.
pub const LIST_NAMES: [&str; LISTS] = ["q_init", "q000", "q025", "q050", "q075", "q100"];
/// `[lower, upper)` of each in per cent of pages in use; 101 where a list has no upper bound.
const RANGES: [(u32, u32); LISTS] = [(0, 25), (1, 50), (25, 75), (50, 100), (75, 100), (100, 101)];
/// The order in which they are searched. `q100` has nothing to give.
const SEARCH: [usize; 5] = [3, 2, 1, 0, 4];
const NONE: u32 = u32::MAX;

/// Per cent of a chunk's pages in use: 0 and 100 only where it is wholly free or wholly used.
pub(crate) fn usage(free_pages: usize) -> u32 {
    match free_pages {
        0 => 100,
        PAGES => 0,
        free => (100 - (free * 100 / PAGES) as u32).clamp(1, 99),
    }
}

/// Where a chunk stands.
#[derive(Debug, Clone, Copy)]
struct Link {
    prev: u32,
    next: u32,
    list: u8,
    /// No free run in the chunk is longer than this. Kept here, so that a search need not touch the chunks.
    longest_run: u16,
}

/// The six lists of an arena. Chunks are known by their index in the arena.
#[derive(Debug)]
pub(crate) struct ChunkLists {
    links: Vec<Link>,
    heads: [u32; LISTS],
    tails: [u32; LISTS],
    counts: [u32; LISTS],
}

impl ChunkLists {
    pub(crate) fn new() -> Self {
        ChunkLists { links: Vec::new(), heads: [NONE; LISTS], tails: [NONE; LISTS], counts: [0; LISTS] }
    }

    /// Adds the next chunk, wholly free.
    pub(crate) fn push_new(&mut self) -> usize {
        let chunk = self.links.len();
        self.links.push(Link { prev: NONE, next: NONE, list: 0, longest_run: PAGES as u16 });
        self.link_front(chunk, 0);
        chunk
    }

    /// Chunks in each list.
    pub(crate) fn counts(&self) -> [u32; LISTS] {
        self.counts
    }

    pub(crate) fn list_of(&self, chunk: usize) -> usize {
        self.links[chunk].list as usize
    }

    /// Whether `list` is right for a chunk of this usage, given that hysteresis leaves some choice.
    pub(crate) fn allows(list: usize, usage: u32) -> bool {
        let (lower, upper) = RANGES[list];
        usage >= lower && usage < upper
    }

    /// The chunk to ask first for a run of `pages` pages, among those that may have one.
    pub(crate) fn candidate(&self, pages: usize) -> Option<usize> {
        self.candidates(pages).next()
    }

    fn candidates(&self, pages: usize) -> impl Iterator<Item = usize> + '_ {
        SEARCH
            .into_iter()
            .flat_map(|list| self.members(list))
            .filter(move |&chunk| usize::from(self.links[chunk].longest_run) >= pages)
    }

    /// The chunks of one list, in order.
    pub(crate) fn members(&self, list: usize) -> impl Iterator<Item = usize> + '_ {
        let mut at = self.heads[list];
        std::iter::from_fn(move || {
            let chunk = (at != NONE).then_some(at as usize)?;
            at = self.links[chunk].next;
            Some(chunk)
        })
    }

    /// Notes that no free run of the chunk is longer than `pages`.
    pub(crate) fn set_longest_run(&mut self, chunk: usize, pages: usize) {
        self.links[chunk].longest_run = pages as u16;
    }

    /// Notes that the chunk has a free run of `pages` pages.
    pub(crate) fn raise_longest_run(&mut self, chunk: usize, pages: usize) {
        let link = &mut self.links[chunk];
        link.longest_run = link.longest_run.max(pages as u16);
    }

    pub(crate) fn longest_run(&self, chunk: usize) -> usize {
        self.links[chunk].longest_run.into()
    }

    /// Moves a chunk to the list that its usage asks for.
    pub(crate) fn update(&mut self, chunk: usize, usage: u32) {
        let from = self.list_of(chunk);
        let mut list = from;
        while usage >= RANGES[list].1 {
            list += 1;
        }
        while usage < RANGES[list].0 {
            list -= 1;
        }
        if list != from {
            self.unlink(chunk);
            self.link_front(chunk, list);
        }
    }

    /// Puts a chunk behind the others of its list: it has been given back to the OS, and should be the last to be
    /// touched again.
    pub(crate) fn move_to_back(&mut self, chunk: usize) {
        let list = self.list_of(chunk);
        self.unlink(chunk);
        self.link_back(chunk, list);
    }

    fn unlink(&mut self, chunk: usize) {
        let Link { prev, next, list, .. } = self.links[chunk];
        let list = usize::from(list);
        match prev {
            NONE => self.heads[list] = next,
            prev => self.links[prev as usize].next = next,
        }
        match next {
            NONE => self.tails[list] = prev,
            next => self.links[next as usize].prev = prev,
        }
        self.counts[list] -= 1;
    }

    fn link_front(&mut self, chunk: usize, list: usize) {
        let next = self.heads[list];
        self.place(chunk, list, NONE, next);
    }

    fn link_back(&mut self, chunk: usize, list: usize) {
        let prev = self.tails[list];
        self.place(chunk, list, prev, NONE);
    }

    fn place(&mut self, chunk: usize, list: usize, prev: u32, next: u32) {
        let link = &mut self.links[chunk];
        (link.prev, link.next, link.list) = (prev, next, list as u8);
        match prev {
            NONE => self.heads[list] = chunk as u32,
            prev => self.links[prev as usize].next = chunk as u32,
        }
        match next {
            NONE => self.tails[list] = chunk as u32,
            next => self.links[next as usize].prev = chunk as u32,
        }
        self.counts[list] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_usage(lists: &mut ChunkLists, chunk: usize, usage: u32) -> &'static str {
        lists.update(chunk, usage);
        LIST_NAMES[lists.list_of(chunk)]
    }

    #[test]
    fn usage_is_zero_or_full_only_where_it_is_true() {
        assert_eq!([0, 1, 128, 511, 512].map(usage), [100, 99, 75, 1, 0]);
    }

    #[test]
    fn a_chunk_climbs_and_falls_with_hysteresis() {
        let mut lists = ChunkLists::new();
        let chunk = lists.push_new();
        let path = [(24, "q_init"), (25, "q000"), (49, "q000"), (50, "q025"), (30, "q025"), (75, "q050"), (99, "q050")];
        for (usage, list) in path {
            assert_eq!(at_usage(&mut lists, chunk, usage), list, "{usage} %");
        }
        // Wholly full, then down again: each list is left only below its lower bound.
        let path = [(100, "q100"), (99, "q075"), (75, "q075"), (74, "q050"), (50, "q050"), (24, "q000"), (0, "q_init")];
        for (usage, list) in path {
            assert_eq!(at_usage(&mut lists, chunk, usage), list, "{usage} %");
        }
        assert_eq!(lists.counts(), [1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn fuller_chunks_are_asked_first_and_given_back_ones_last() {
        let mut lists = ChunkLists::new();
        for _ in 0..6 {
            lists.push_new();
        }
        for (chunk, usages) in [(0, &[25][..]), (1, &[50]), (2, &[75]), (3, &[100, 80]), (4, &[100])] {
            usages.iter().for_each(|&usage| lists.update(chunk, usage));
        }
        let gone = lists.push_new();
        lists.move_to_back(gone);
        lists.set_longest_run(1, 3);
        assert_eq!(lists.candidates(1).collect::<Vec<_>>(), [2, 1, 0, 5, 6, 3]);
        assert_eq!(lists.candidates(4).collect::<Vec<_>>(), [2, 0, 5, 6, 3]);
        lists.raise_longest_run(1, 9);
        assert_eq!((lists.longest_run(1), lists.longest_run(0)), (9, PAGES));
    }
}
