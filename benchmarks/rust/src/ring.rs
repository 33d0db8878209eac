//! A bounded queue from one thread to another, cheap enough not to hide what an allocator costs.

use std::sync::atomic::{AtomicUsize, Ordering};

const SLOTS: usize = 256;
/// Words after which an end tells the other one how far it is: telling costs a cache line's way between two cores.
const TELL_EVERY: usize = 32;
/// Spins before a thread lets others run, who may be the ones it waits for. Many, as they may also be strangers, who
/// would keep the processor for milliseconds.
const SPINS: u32 = 20_000;

#[repr(align(128))]
struct Padded<T>(T);

/// A ring of words with one producer and one consumer.
pub struct Ring {
    slots: [AtomicUsize; SLOTS],
    /// Words taken out so far; written by the consumer.
    taken: Padded<AtomicUsize>,
    /// Words put in so far; written by the producer.
    put: Padded<AtomicUsize>,
}

/// The end that words are put into.
pub struct Producer<'a> {
    ring: &'a Ring,
    put: usize,
    /// What `taken` was when it was last looked at.
    taken: usize,
}

/// The end that words come out of.
pub struct Consumer<'a> {
    ring: &'a Ring,
    taken: usize,
    /// What `put` was when it was last looked at.
    put: usize,
}

impl Default for Ring {
    fn default() -> Self {
        Ring {
            slots: [const { AtomicUsize::new(0) }; SLOTS],
            taken: Padded(AtomicUsize::new(0)),
            put: Padded(AtomicUsize::new(0)),
        }
    }
}

impl Ring {
    /// Its two ends. The exclusive borrow is what makes them the only ones.
    pub fn split(&mut self) -> (Producer<'_>, Consumer<'_>) {
        let (taken, put) = (*self.taken.0.get_mut(), *self.put.0.get_mut());
        (Producer { ring: self, put, taken }, Consumer { ring: self, taken, put })
    }
}

impl Producer<'_> {
    /// Puts a word in, waiting for room.
    #[inline]
    pub fn put(&mut self, word: usize) {
        if self.put - self.taken == SLOTS {
            self.taken = wait(&self.ring.taken.0, |taken| self.put - taken < SLOTS);
        }
        self.ring.slots[self.put % SLOTS].store(word, Ordering::Relaxed);
        self.put += 1;
        if self.put.is_multiple_of(TELL_EVERY) {
            self.flush();
        }
    }

    /// Lets the consumer see all words put in so far.
    pub fn flush(&mut self) {
        self.ring.put.0.store(self.put, Ordering::Release);
    }
}

impl Consumer<'_> {
    /// Takes a word out, waiting for one.
    #[inline]
    pub fn take(&mut self) -> usize {
        if self.taken == self.put {
            self.put = wait(&self.ring.put.0, |put| put > self.taken);
        }
        let word = self.ring.slots[self.taken % SLOTS].load(Ordering::Relaxed);
        self.taken += 1;
        if self.taken.is_multiple_of(TELL_EVERY) {
            self.ring.taken.0.store(self.taken, Ordering::Release);
        }
        word
    }
}

#[inline]
fn wait(counter: &AtomicUsize, until: impl Fn(usize) -> bool) -> usize {
    let mut spins = 0;
    loop {
        let count = counter.load(Ordering::Acquire);
        if until(count) {
            return count;
        }
        spins += 1;
        if spins < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_arrive_in_order() {
        let mut ring = Ring::default();
        let (mut producer, mut consumer) = ring.split();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                (0..10_001).for_each(|word| producer.put(word));
                producer.flush();
            });
            (0..10_001).for_each(|word| assert_eq!(consumer.take(), word));
        });
    }
}
