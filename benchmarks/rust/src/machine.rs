//! What a run was measured on, without a name that would say whose it is.

use crate::results::Record;

/// Processor, kernel and number of processors.
pub fn record() -> Record {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // What comes after the number was chosen by whoever built it.
    let kernel = kernel.trim().split('-').next().unwrap_or_default().to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let record = Record::new().text("processor", model.trim_start_matches([' ', '\t', ':'])).text("kernel", kernel);
    record.number("cores", cores as f64)
}
