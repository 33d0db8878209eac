//! Signs of life while something runs for minutes.

use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Says on the standard error how far it is: one line that is written over on a terminal, lines of their own elsewhere.
pub struct Progress {
    total: usize,
    done: usize,
    start: Instant,
}

impl Progress {
    /// Of `total` steps.
    pub fn new(total: usize) -> Self {
        Progress { total, done: 0, start: Instant::now() }
    }

    /// Says what is done next.
    pub fn step(&mut self, what: &str) {
        self.done += 1;
        let line = format!("[{}/{}, {} s] {what}", self.done, self.total, self.start.elapsed().as_secs());
        let mut err = std::io::stderr();
        // Progress is for people; if nobody can be told, the work goes on.
        let _ = if err.is_terminal() { write!(err, "\r\x1b[K{line}") } else { writeln!(err, "{line}") };
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if std::io::stderr().is_terminal() {
            eprintln!();
        }
    }
}
