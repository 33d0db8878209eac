//! Work on other threads, one step at a time, so that a sequence of operations on several threads can be repeated.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use millpond::Pool;

type Job = Box<dyn FnOnce(&Pool) + Send>;

/// A thread with a cache of its own, which does what it is told while the caller waits.
pub struct Elsewhere {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Elsewhere {
    /// Starts the thread; it has no cache in the pool yet.
    pub fn start(pool: &Pool) -> Self {
        let pool = pool.clone();
        let (jobs, to_do) = mpsc::channel::<Job>();
        let thread = thread::spawn(move || to_do.into_iter().for_each(|job| job(&pool)));
        Elsewhere { jobs: Some(jobs), thread: Some(thread) }
    }

    /// Runs `act` there and waits for the result.
    pub fn run<R: Send + 'static>(&self, act: impl FnOnce(&Pool) -> R + Send + 'static) -> R {
        let (send, receive) = mpsc::channel();
        let job: Job = Box::new(move |pool| send.send(act(pool)).expect("somebody waits for the result"));
        self.jobs.as_ref().expect("it was not ended").send(job).expect("the thread lives");
        receive.recv().expect("no panic on the other thread")
    }
}

impl Drop for Elsewhere {
    /// Ends the thread. When this returns its thread-locals are gone, and its cache with them.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "no panic on the other thread");
        }
    }
}
