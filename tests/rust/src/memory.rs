//! What the process has of the machine's memory.

use std::fs;

use millpond::os;

/// Resident bytes of this process.
///
/// # Panics
/// Without `/proc`.
pub fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("/proc is mounted");
    let pages = statm.split(' ').nth(1).and_then(|field| field.parse::<usize>().ok());
    pages.expect("the second field of statm is the number of resident pages") * os::host().page_size()
}
