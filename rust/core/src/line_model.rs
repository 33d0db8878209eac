//! A model of waiting: pools in a family, those who want blocks, wait, hold them for a while and give them back, one step
//! at a time in an order drawn at random. Budgets and line are the real ones; turns are counted, there is no time.
//!
//! What must hold: no limit is passed; nobody is passed by those who came later more often than [`PASSES`] times; who has
//! waited longest of all, once nobody may pass him, is served as soon as what others hold has come back.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::limit::{Budget, Family};
use crate::line::{PASSES, Place};
use crate::room::Want;
use crate::size_class::PAGE;
use crate::sync::Arc;

/// Blocks are held for so many turns at most.
const HOLD: u64 = 20;
const TURNS: u64 = 4000;
/// At one time; more do not come.
const WAITERS_MAX: usize = 12;
/// From a pool to the root there are so many limits at most. Each may refuse one who waits, and then be waited at anew.
const LEVELS: u64 = 3;

struct NoCaches;

impl Family for NoCaches {
    fn bypass_caches(&self, _: usize) {}

    fn use_caches(&self, _: usize) {}
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

struct Waiting {
    pool: usize,
    pages: usize,
    /// The pool whose limit he waits at.
    limit: usize,
    passed: u32,
    /// When he had waited longest of all, and could not be passed any more.
    next_since: Option<u64>,
}

struct Model {
    random: Random,
    turn: u64,
    /// The root first, then its children, then theirs.
    pools: Vec<Arc<Budget>>,
    parents: Vec<Option<usize>>,
    /// Pool, pages, and the turn in which they come back.
    held: Vec<(usize, usize, u64)>,
    waiting: BTreeMap<Place, Waiting>,
    served: u64,
    /// Of those, who could not be passed any more.
    kept_for: u64,
}

impl Model {
    fn new(seed: u64) -> Model {
        let mut model = Model {
            random: Random(seed | 1),
            turn: 0,
            pools: Vec::new(),
            parents: vec![None, Some(0), Some(0), Some(1)],
            held: Vec::new(),
            waiting: BTreeMap::new(),
            served: 0,
            kept_for: 0,
        };
        for (pages, parent) in [(40, None), (30, Some(0)), (40, Some(0)), (20, Some(1))] {
            let above = parent.map(|parent: usize| model.pools[parent].clone());
            model.pools.push(Budget::new("model".into(), pages * PAGE, above));
        }
        model
    }

    fn lineage(&self, pool: usize) -> Vec<usize> {
        std::iter::successors(Some(pool), |&pool| self.parents[pool]).collect()
    }

    fn attempt(&mut self, pool: usize, pages: usize, place: Option<Place>) -> Result<(), Error> {
        let budget = self.pools[pool].clone();
        budget.in_turn(place, 1, || budget.acquire(pages * PAGE, 1))?;
        self.held.push((pool, pages, self.turn + 1 + self.random.below(HOLD)));
        let limits = self.lineage(pool);
        let longest = self.waiting.iter_mut().find(|(_, waiting)| limits.contains(&waiting.limit));
        if let Some((&longest, waiting)) = longest
            && place.is_none_or(|place| longest < place)
        {
            waiting.passed += 1;
            assert!(waiting.passed <= PASSES, "passed once too often");
        }
        Ok(())
    }

    fn come(&mut self, waits: bool) {
        let pool = self.random.below(self.pools.len() as u64) as usize;
        let most = if self.random.below(4) == 0 { 18 } else { 4 };
        let pages = 1 + self.random.below(most) as usize;
        let Err(Error::LimitReached { level, .. }) = self.attempt(pool, pages, None) else { return };
        if waits && self.waiting.len() < WAITERS_MAX {
            let place = self.pools[pool].join(level, Want::of_huge(pages * PAGE), &NoCaches);
            let limit = self.lineage(pool)[level];
            let waiting = Waiting { pool, pages, limit, passed: 0, next_since: None };
            self.waiting.insert(place, waiting);
            self.try_again(place);
        }
    }

    fn try_again(&mut self, place: Place) {
        let Waiting { pool, pages, passed, .. } = self.waiting[&place];
        match self.attempt(pool, pages, Some(place)) {
            Ok(()) => {
                self.waiting.remove(&place);
                self.pools[pool].leave(place, &NoCaches);
                self.served += 1;
                self.kept_for += u64::from(passed == PASSES);
            }
            Err(Error::LimitReached { level, .. }) => {
                let limits = self.lineage(pool);
                let waiting = self.waiting.get_mut(&place).expect("he waits");
                let before = limits.iter().position(|&limit| limit == waiting.limit).expect("one of his limits");
                waiting.limit = limits[level.max(before)];
                self.pools[pool].refused(place, level, &NoCaches);
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Those who were called try, until nobody is called any more.
    fn answer_calls(&mut self) {
        let mut calls = 0;
        while let Some(place) = self.waiting.keys().copied().find(|&place| self.pools[0].line().is_called(place)) {
            self.try_again(place);
            calls += 1;
            assert!(calls < 10_000, "they call each other for ever");
        }
    }

    fn give_back(&mut self) {
        let turn = self.turn;
        let (back, held): (Vec<_>, Vec<_>) = self.held.drain(..).partition(|(_, _, until)| *until <= turn);
        self.held = held;
        for (pool, pages, _) in back {
            self.pools[pool].release(pages * PAGE);
            self.answer_calls();
        }
    }

    fn step(&mut self) {
        self.turn += 1;
        let turn = self.turn;
        self.give_back();
        for _ in 0..self.random.below(6) {
            self.come(false);
        }
        if self.random.below(3) == 0 {
            self.come(true);
        }
        self.answer_calls();
        for budget in &self.pools {
            assert!(budget.committed() <= budget.limit());
        }
        if let Some(first) = self.waiting.values_mut().next()
            && first.passed == PASSES
        {
            let waited = turn - *first.next_since.get_or_insert(turn);
            assert!(waited <= LEVELS * HOLD, "{} pages of pool {}, next for {waited} turns", first.pages, first.pool);
        }
    }
}

#[test]
fn nobody_starves() {
    for seed in 1..=8u64 {
        let mut model = Model::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        (0..TURNS).for_each(|_| model.step());
        assert!(model.served > 100 && model.kept_for > 0, "too easy: {} served", model.served);
        (0..=HOLD * WAITERS_MAX as u64).for_each(|_| {
            model.turn += 1;
            model.give_back();
        });
        assert_eq!(model.waiting.len(), 0, "all is free, and they were not called");
        assert!(model.pools.iter().all(|budget| !budget.is_waited_at()));
    }
}
