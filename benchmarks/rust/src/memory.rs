//! What a process holds, and what makes it hold it.

use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

use crate::candidates::{Candidate, Task};
use crate::random::Random;
use crate::sizes::Sizes;

const MIB: f64 = (1 << 20) as f64;

/// Bytes of this process that are resident, counted page by page: the sum that the kernel keeps lags behind.
///
/// # Panics
/// Without a `/proc`.
pub fn resident() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux has /proc");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).expect("it tells the resident set");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("it is a number");
    kib << 10
}

/// Bytes as MiB.
pub fn mib(bytes: usize) -> f64 {
    bytes as f64 / MIB
}

/// Many live blocks of log-normal sizes on several threads, every byte of them written; then all of them are freed, each
/// by another thread than its own, and nothing happens any more. The threads stay.
pub struct Burst<'a> {
    /// How many threads.
    pub threads: usize,
    /// How many bytes are asked for, by all threads together.
    pub bytes: usize,
    /// How long the silence is.
    pub silence: Duration,
    /// How often memory is looked at in it.
    pub interval: Duration,
    /// Called at each moment worth looking at.
    pub look: &'a mut dyn FnMut(Moment),
}

/// Where a [`Burst`] is.
pub enum Moment {
    /// Nothing is allocated yet.
    Start,
    /// Everything is live; so many bytes were asked for.
    Peak(usize),
    /// Everything has been free for so long.
    Silence(Duration),
}

/// A block and its size; a word, so that it can change threads.
type Held = (usize, usize);

impl Task for Burst<'_> {
    type Output = ();

    fn run<C: Candidate>(self, candidate: &C) {
        let share = self.bytes / self.threads;
        // Room for the lists beforehand, so that they are not counted.
        let room = vec![(1, 1); 2 * share / 4096];
        let held: Vec<Mutex<Vec<Held>>> = (0..self.threads)
            .map(|_| {
                let mut list = room.clone();
                list.clear();
                Mutex::new(list)
            })
            .collect();
        let lists = &held;
        let phase = &Barrier::new(self.threads + 1);
        std::thread::scope(|scope| {
            for thread in 0..self.threads {
                scope.spawn(move || {
                    phase.wait();
                    fill(candidate, share, &mut Random::new(thread as u64 + 1), &mut lists[thread].lock().expect(HELD));
                    phase.wait();
                    phase.wait();
                    let mut neighbours = lists[(thread + 1) % lists.len()].lock().expect(HELD);
                    for (block, size) in neighbours.drain(..) {
                        // SAFETY: its own thread put it into the list and went on.
                        unsafe { candidate.free(block as *mut u8, size) };
                    }
                    phase.wait();
                    phase.wait();
                });
            }
            (self.look)(Moment::Start);
            phase.wait();
            phase.wait();
            let asked = |list: &Mutex<Vec<Held>>| list.lock().expect(HELD).iter().map(|(_, size)| size).sum::<usize>();
            (self.look)(Moment::Peak(lists.iter().map(asked).sum()));
            phase.wait();
            phase.wait();
            let start = Instant::now();
            while start.elapsed() < self.silence {
                (self.look)(Moment::Silence(start.elapsed()));
                std::thread::sleep(self.interval);
            }
            phase.wait();
        });
    }
}

const HELD: &str = "no thread panics with a list in its hands";

/// Allocates `share` bytes and writes all of them.
fn fill<C: Candidate>(candidate: &C, share: usize, random: &mut Random, held: &mut Vec<Held>) {
    let mut asked = 0;
    while asked < share {
        let size = Sizes::LogNormal.draw(random);
        let block = candidate.allocate(size);
        // SAFETY: the block has this many bytes and is nobody else's.
        unsafe { block.write_bytes(1, size) };
        held.push((block as usize, size));
        asked += size;
    }
}

/// Short threads, one after another, each of which allocates, writes and frees; half of its blocks are freed by the next
/// one.
pub struct Threads<'a> {
    /// How many threads.
    pub threads: usize,
    /// How many blocks each allocates.
    pub blocks: usize,
    /// Called after each thread with the number of threads so far.
    pub sample: &'a mut dyn FnMut(usize),
}

impl Task for Threads<'_> {
    type Output = ();

    fn run<C: Candidate>(self, candidate: &C) {
        let mut inherited: Vec<Held> = Vec::new();
        for thread in 0..self.threads {
            let inheritance = std::mem::take(&mut inherited);
            let life = || {
                let mut random = Random::new(thread as u64 + 1);
                let mut held = Vec::with_capacity(self.blocks);
                for _ in 0..self.blocks {
                    let size = Sizes::Documents.draw(&mut random);
                    let block = candidate.allocate(size);
                    // SAFETY: the block has this many bytes and is nobody else's.
                    unsafe { block.write_bytes(1, size) };
                    held.push((block as usize, size));
                }
                let left = held.split_off(self.blocks / 2);
                for (block, size) in held.into_iter().chain(inheritance) {
                    // SAFETY: this thread allocated it, or the last one did and left it.
                    unsafe { candidate.free(block as *mut u8, size) };
                }
                left
            };
            inherited = std::thread::scope(|scope| scope.spawn(life).join().expect("short threads do not panic"));
            (self.sample)(thread + 1);
        }
        for (block, size) in inherited {
            // SAFETY: the last thread left it.
            unsafe { candidate.free(block as *mut u8, size) };
        }
    }
}
