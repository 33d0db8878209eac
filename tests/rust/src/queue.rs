//! A bounded queue between two threads.
//!
//! Not `std::sync::mpsc`: the standard library is not compiled for ThreadSanitizer, which would then not see that who
//! takes a block out comes after who put it in. `parking_lot` is compiled with the tests.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

const CAPACITY: usize = 4;

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// What one thread puts in and another takes out.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    moved: Condvar,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let state = State { items: VecDeque::with_capacity(CAPACITY), closed: false };
        Queue { state: Mutex::new(state), moved: Condvar::new() }
    }
}

impl<T> Queue<T> {
    /// Puts an item in, when there is room.
    pub fn put(&self, item: T) {
        let mut state = self.state.lock();
        self.moved.wait_while(&mut state, |state| state.items.len() == CAPACITY);
        state.items.push_back(item);
        self.moved.notify_all();
    }

    /// Takes the oldest item out, when there is one; `None` when the queue is closed and empty.
    pub fn take(&self) -> Option<T> {
        let mut state = self.state.lock();
        self.moved.wait_while(&mut state, |state| state.items.is_empty() && !state.closed);
        self.moved.notify_all();
        state.items.pop_front()
    }

    /// Says that nothing will be put in any more.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.moved.notify_all();
    }
}
