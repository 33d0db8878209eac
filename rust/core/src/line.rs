//! The line of those who wait for room: one for each family of pools, in the order in which they came.
//!
//! Somebody who waits stands at the highest limit that has refused him so far. While he does, a block that is handed out
//! under that limit *passes* him, unless it goes to somebody who has waited longer. Who has waited longest may be passed
//! [`PASSES`] times; from then on nothing is handed out under his limit to those who came later, until he was served or
//! gave up. So small requests need not wait behind a large one that cannot be served yet, and still nobody starves: who
//! has waited longest of all is passed a bounded number of times, then all that is given back is kept for him; and
//! everybody becomes the one who has waited longest.
//!
//! While somebody waits, caches are bypassed in the pools under his limit: so each block that is handed out is seen here,
//! and each that comes back. Then the one who has waited longest is called, and tries; if he finds no room, or has found
//! some, the next one is called.

use std::collections::VecDeque;
use std::time::Instant;

use crate::room::Want;
use crate::sync::{Arc, Condvar, Mutex};

/// How often one who waits may be passed. Large enough for a busy pool to go on beside a wait that will end soon or
/// never, small enough to be over in an instant.
pub(crate) const PASSES: u32 = 64;

/// Where in the family a limit is: an identity, not an order.
pub(crate) type Limit = usize;

/// A place in line. Lower ones have waited longer.
pub(crate) type Place = u64;

/// One who waits.
#[derive(Debug)]
struct Waiter {
    place: Place,
    /// That of the pool he wants a block from.
    pool: Limit,
    /// The highest that has refused him.
    limit: Limit,
    want: Want,
    passed: u32,
    /// Whether he should try, and whether he is trying.
    called: bool,
    trying: bool,
    wake: Arc<Condvar>,
}

/// What somebody who wants a block is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nobody is passed.
    Own,
    /// This one is, and will have been if a block is handed out.
    Passing(Place),
    /// One who waits at this limit was passed often enough.
    Refused(Limit),
}

/// Threading: one lock, below which no other is taken.
#[derive(Debug, Default)]
pub(crate) struct Line {
    waiters: Mutex<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    /// By place.
    line: VecDeque<Waiter>,
    next: Place,
}

impl Line {
    /// Stands at the end, at `limit`, for a block of `pool`. `joined` runs before anybody else sees it.
    pub(crate) fn join(&self, pool: Limit, limit: Limit, want: Want, joined: impl FnOnce()) -> Place {
        let mut waiters = self.waiters.lock();
        let place = waiters.next;
        waiters.next += 1;
        let wake = Arc::new(Condvar::new());
        waiters.line.push_back(Waiter { place, pool, limit, want, passed: 0, called: false, trying: false, wake });
        joined();
        place
    }

    /// Goes away, and calls who has waited longest: what was kept for this one may serve him.
    pub(crate) fn leave(&self, place: Place, left: impl FnOnce(Limit)) {
        let mut waiters = self.waiters.lock();
        let Some(index) = waiters.index(place) else { return };
        let waiter = waiters.line.remove(index).expect("the index is in the line");
        left(waiter.limit);
        waiters.call_from(0, |_| true);
    }

    /// Another limit has refused one who waits. `moved` says whether he stands there from now on, instead of at his. Then
    /// he is called: what came back there before was offered to others.
    pub(crate) fn stand_at(&self, place: Place, limit: Limit, moved: impl FnOnce(Limit) -> bool) {
        let mut waiters = self.waiters.lock();
        if let Some(waiter) = waiters.get(place)
            && moved(waiter.limit)
        {
            waiter.limit = limit;
            waiter.call();
        }
    }

    /// Whether somebody who wants a block, and waits or not, may try. `is_under` says at which limits the block would
    /// count.
    pub(crate) fn ask(&self, place: Option<Place>, is_under: impl Fn(Limit) -> bool) -> Turn {
        let mut waiters = self.waiters.lock();
        let Some(first) = waiters.line.iter_mut().find(|waiter| is_under(waiter.limit)) else { return Turn::Own };
        if place.is_some_and(|place| place <= first.place) {
            return Turn::Own;
        }
        // What came back is offered to the first; another one who waits is called when he has found no use for it.
        if first.passed == PASSES || place.is_some() && (first.called || first.trying) {
            return Turn::Refused(first.limit);
        }
        first.passed += 1;
        Turn::Passing(first.place)
    }

    /// Somebody who was to pass this one found no room.
    pub(crate) fn not_passed(&self, place: Place) {
        if let Some(waiter) = self.waiters.lock().get(place) {
            waiter.passed -= 1;
        }
    }

    /// Something came back: calls the one who has waited longest of those it may serve.
    pub(crate) fn call(&self, may_serve: impl Fn(Limit) -> bool) {
        self.waiters.lock().call_from(0, |waiter| may_serve(waiter.limit));
    }

    /// Calls everybody: what refused them may not do so any more, or will for ever.
    pub(crate) fn call_all(&self) {
        self.waiters.lock().line.iter_mut().for_each(Waiter::call);
    }

    /// One who was called found no room: calls the next one who might. What refuses him refuses who wants as much of the
    /// same pool; others have other limits, and other free blocks.
    pub(crate) fn hand_on(&self, place: Place) {
        let mut waiters = self.waiters.lock();
        let Some(index) = waiters.index(place) else { return };
        waiters.line[index].trying = false;
        let (pool, want) = (waiters.line[index].pool, waiters.line[index].want);
        waiters.call_from(index + 1, |next| next.pool != pool || !next.want.needs_no_less_than(&want));
    }

    /// Whether he was called since this was last asked.
    pub(crate) fn is_called(&self, place: Place) -> bool {
        self.waiters.lock().get(place).is_some_and(Waiter::answer)
    }

    /// Waits to be called; `false` if the deadline came first.
    pub(crate) fn wait(&self, place: Place, deadline: Option<Instant>) -> bool {
        let mut waiters = self.waiters.lock();
        loop {
            let waiter = waiters.get(place).expect("who waits stands in line");
            if waiter.answer() {
                return true;
            }
            let wake = waiter.wake.clone();
            match deadline {
                Some(deadline) => {
                    let (woken, is_over) = wake.wait_until(waiters, deadline);
                    if is_over {
                        return false;
                    }
                    waiters = woken;
                }
                None => waiters = wake.wait(waiters),
            }
        }
    }
}

impl Waiters {
    fn index(&self, place: Place) -> Option<usize> {
        self.line.binary_search_by_key(&place, |waiter| waiter.place).ok()
    }

    fn get(&mut self, place: Place) -> Option<&mut Waiter> {
        let index = self.index(place)?;
        Some(&mut self.line[index])
    }

    fn call_from(&mut self, index: usize, may_serve: impl Fn(&Waiter) -> bool) {
        if let Some(waiter) = self.line.iter_mut().skip(index).find(|waiter| may_serve(waiter)) {
            waiter.call();
        }
    }
}

impl Waiter {
    /// Whether he was called; then he is trying from now on.
    fn answer(&mut self) -> bool {
        let called = std::mem::take(&mut self.called);
        self.trying |= called;
        called
    }

    fn call(&mut self) {
        self.called = true;
        self.wake.notify_all();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const HERE: Limit = 1;
    const ABOVE: Limit = 2;

    fn line_of(wants: &[usize]) -> (Line, Vec<Place>) {
        let line = Line::default();
        let places = wants.iter().map(|&bytes| line.join(HERE, HERE, Want::of(bytes), || ())).collect();
        (line, places)
    }

    #[test]
    fn who_has_waited_longest_is_passed_so_often_and_not_once_more() {
        let (line, places) = line_of(&[3 << 20, 64]);
        let ask = |place| line.ask(place, |limit| limit == HERE);
        assert_eq!(ask(Some(places[0])), Turn::Own);
        (0..PASSES).for_each(|_| assert_eq!(ask(None), Turn::Passing(places[0])));
        assert_eq!((ask(None), ask(Some(places[1]))), (Turn::Refused(HERE), Turn::Refused(HERE)));
        line.not_passed(places[0]);
        assert_eq!(ask(Some(places[1])), Turn::Passing(places[0]), "one who found nothing did not pass");
        assert_eq!(line.ask(None, |limit| limit == ABOVE), Turn::Own, "under another limit nobody waits");
        assert_eq!(ask(Some(places[0])), Turn::Own);
        line.leave(places[0], |_| ());
        assert!(line.is_called(places[1]), "what was kept is for the next one");
        assert_eq!(ask(None), Turn::Passing(places[1]));
    }

    #[test]
    fn others_who_wait_do_not_pass_one_who_was_called() {
        let (line, places) = line_of(&[3 << 20, 64]);
        let ask = |place| line.ask(place, |limit| limit == HERE);
        assert_eq!(ask(Some(places[1])), Turn::Passing(places[0]));
        line.call(|limit| limit == HERE);
        assert_eq!(ask(Some(places[1])), Turn::Refused(HERE));
        assert!(line.is_called(places[0]));
        assert_eq!(ask(Some(places[1])), Turn::Refused(HERE), "he is trying");
        line.hand_on(places[0]);
        assert!(line.is_called(places[1]));
        assert_eq!(ask(Some(places[1])), Turn::Passing(places[0]));
    }

    #[test]
    fn who_moves_to_a_higher_limit_keeps_his_place() {
        let (line, places) = line_of(&[64]);
        let later = line.join(ABOVE, ABOVE, Want::of(64), || ());
        line.stand_at(places[0], ABOVE, |_| true);
        assert!(line.is_called(places[0]), "what came back there before was offered to others");
        line.hand_on(places[0]);
        assert_eq!(line.ask(Some(later), |limit| limit == ABOVE), Turn::Passing(places[0]));
        line.stand_at(places[0], HERE, |_| false);
        assert_eq!(line.ask(Some(places[0]), |_| true), Turn::Own);
    }

    #[test]
    fn a_call_goes_down_the_line_to_those_whom_it_may_serve() {
        let (line, places) = line_of(&[4 << 20, 5 << 20, 3 << 20, 3 << 20, 1000, 1000, 2000]);
        let called = || places.iter().position(|&place| line.is_called(place));
        line.call(|limit| limit == ABOVE);
        assert_eq!(called(), None);
        line.call(|limit| limit == HERE);
        let mut order = Vec::new();
        while let Some(index) = called() {
            order.push(index);
            line.hand_on(places[index]);
        }
        assert_eq!(order, [0, 2, 4, 6], "who wants no less than one who found nothing is not asked");
        assert!(!line.wait(places[1], Some(Instant::now())), "nobody called");
        line.call_all();
        assert!(places.iter().all(|&place| line.wait(place, None)));
    }
}
