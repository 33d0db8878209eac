//! The processor that a thread is on, and the time it spends there.

use std::time::Duration;

/// Measures what the calling thread itself does: time in which it was not running is not counted, so that other work on
/// the machine disturbs less.
#[derive(Debug, Clone, Copy)]
pub struct ThreadTime(Duration);

impl ThreadTime {
    /// Starts the clock.
    pub fn start() -> Self {
        ThreadTime(now())
    }

    /// Time on the processor since [`ThreadTime::start`] on the same thread.
    pub fn elapsed(&self) -> Duration {
        now() - self.0
    }
}

fn now() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes to `time` and nothing else.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(failed, 0, "every Linux has the clock");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Keeps the calling thread on the processor of that number, where there is one.
pub fn stay_on(processor: usize) {
    // SAFETY: a set of processors is bits only.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set outlives both calls, and the second one is told its size.
    unsafe {
        libc::CPU_SET(processor, &mut set);
        // Refused where there is no such processor: the thread then runs anywhere, as it would have.
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
    }
}
