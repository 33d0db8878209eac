//! Tables in Markdown.

use millpond_benchmarks::results::Record;

pub const OWN: &str = "millpond";
/// Not an allocator, so that no ratio is taken with it.
const FLOOR: &str = "floor";

/// The different values of a field, in order.
fn distinct<'a>(records: &[&'a Record], key: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for record in records {
        let value = record.get_text(key);
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |\n", cells.into_iter().collect::<Vec<_>>().join(" | "))
}

/// A first column of text and further ones of numbers.
fn header(first: &str, columns: &[&str]) -> String {
    let names = row(std::iter::once(first.to_owned()).chain(columns.iter().map(|name| (*name).to_owned())));
    names + &row(std::iter::once("---".to_owned()).chain(columns.iter().map(|_| "---:".to_owned())))
}

/// Three digits at most that mean something.
pub fn short(value: f64) -> String {
    if value < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// The records of the groups that are `name` or start with it and a space, as lines of the table and their records.
fn lines<'a>(records: &'a [Record], name: &str) -> Vec<(String, Vec<&'a Record>)> {
    let longer = format!("{name} ");
    let chosen: Vec<&Record> = records
        .iter()
        .filter(|record| record.get_text("group") == name || record.get_text("group").starts_with(&longer))
        .collect();
    let mut lines = Vec::new();
    for group in distinct(&chosen, "group") {
        let of_group: Vec<&Record> =
            chosen.iter().filter(|record| record.get_text("group") == group).copied().collect();
        for line in distinct(&of_group, "line") {
            let of_line = of_group.iter().filter(|record| record.get_text("line") == line).copied().collect();
            let variant = group.strip_prefix(&longer).map(|rest| format!(", {rest}")).unwrap_or_default();
            lines.push((format!("{line}{variant}"), of_line));
        }
    }
    lines
}

/// The median of a candidate in a line.
fn median(line: &[&Record], candidate: &str) -> Option<f64> {
    line.iter().find(|record| record.get_text("candidate") == candidate)?.get_number("median")
}

fn is_peer(record: &Record) -> bool {
    !matches!(record.get_text("candidate"), OWN | FLOOR)
}

/// What Millpond takes by what the fastest of the others takes, line by line.
pub fn ratios(records: &[Record], name: &str) -> Vec<(String, f64)> {
    let ratio = |(label, line): (String, Vec<&Record>)| {
        let peers = line.iter().filter(|record| is_peer(record)).filter_map(|record| record.get_number("median"));
        Some((label, median(&line, OWN)? / peers.min_by(f64::total_cmp)?))
    };
    lines(records, name).into_iter().filter_map(ratio).collect()
}

/// The medians of a candidate, line by line.
pub fn medians(records: &[Record], name: &str, candidate: &str) -> Vec<(String, f64)> {
    let median = |(label, line): (String, Vec<&Record>)| Some((label, median(&line, candidate)?));
    lines(records, name).into_iter().filter_map(median).collect()
}

/// Nanoseconds a block, of all candidates, and the ratio.
pub fn nanos(records: &[Record], name: &str) -> String {
    let lines = lines(records, name);
    let all: Vec<&Record> = lines.iter().flat_map(|(_, line)| line.iter().copied()).collect();
    let candidates = distinct(&all, "candidate");
    let mut columns = candidates.clone();
    columns.push("to the fastest peer");
    let mut table = header(name, &columns);
    let ratios = ratios(records, name);
    for (label, line) in &lines {
        let cell = |candidate: &&str| {
            let record = line.iter().find(|record| record.get_text("candidate") == *candidate);
            let get = |key| record.and_then(|record| record.get_number(key));
            match (get("median"), get("lower"), get("upper")) {
                (Some(median), Some(lower), Some(upper)) => {
                    format!("{} ±{}", short(median), short((upper - lower) / 2.0))
                }
                _ => String::new(),
            }
        };
        let ratio = ratios.iter().find(|(name, _)| name == label).map(|(_, ratio)| match Standing::of(*ratio) {
            Standing::Win => format!("{ratio:.2}"),
            Standing::Tie => format!("{ratio:.2} tie"),
            Standing::Loss => format!("{ratio:.2} loss"),
        });
        let cells = std::iter::once(label.clone()).chain(candidates.iter().map(cell));
        table += &row(cells.chain([ratio.unwrap_or_default()]));
    }
    table
}

/// How Millpond stands beside the fastest of its peers.
#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Win,
    Tie,
    Loss,
}

/// Ratios that are no further from one are a tie.
const TIE: f64 = 0.1;

impl Standing {
    fn of(ratio: f64) -> Standing {
        if ratio < 1.0 - TIE {
            Standing::Win
        } else if ratio > 1.0 + TIE {
            Standing::Loss
        } else {
            Standing::Tie
        }
    }
}

/// How often it wins, ties and loses, group by group.
pub fn standings(records: &[Record]) -> String {
    let mut table = header("beside the fastest peer", &["wins", "ties", "losses"]);
    for group in ["pair", "burst 64", "burst 512", "exchange", "live", "batch"] {
        let ratios = ratios(records, group);
        let count = |wanted| ratios.iter().filter(|(_, ratio)| Standing::of(*ratio) == wanted).count().to_string();
        table += &row([group.to_owned(), count(Standing::Win), count(Standing::Tie), count(Standing::Loss)]);
    }
    table
}

/// Millpond's depot with one thread and with more.
pub fn depot(records: &[Record]) -> String {
    let mut table = header("depot", &["ns a block"]);
    for (label, nanos) in medians(records, "depot", OWN) {
        table += &row([label, short(nanos)]);
    }
    table
}

/// Instructions of a pair.
pub fn instructions(records: &[Record]) -> String {
    let all: Vec<&Record> = records.iter().collect();
    let candidates = distinct(&all, "candidate");
    let mut table = header("pair", &candidates);
    for line in distinct(&all, "line") {
        let cell = |candidate: &&str| {
            let wanted =
                |record: &&Record| record.get_text("line") == line && record.get_text("candidate") == *candidate;
            let count = records.iter().find(wanted).and_then(|record| record.get_number("instructions"));
            count.map(|count| format!("{count:.0}")).unwrap_or_else(|| "–".to_owned())
        };
        table += &row(std::iter::once(line.to_owned()).chain(candidates.iter().map(cell)));
    }
    table
}

/// What one candidate held.
pub struct Held {
    /// At the peak, resident.
    pub resident: f64,
    /// At the peak, by its own account; resident where it has none.
    pub committed: f64,
    /// What was asked for at the peak.
    pub requested: f64,
    /// When it was first within 16 MiB of the start, in seconds.
    pub back: Option<f64>,
    /// After one, three and all seconds of silence.
    pub silence: [f64; 3],
    /// Over short threads: after the first ones, at most, and the difference between most and least from there on.
    pub threads: [f64; 3],
}

/// MiB above the start that count as back.
pub const NEAR_START: f64 = 16.0;

/// What a candidate held; `None` where something was not recorded.
pub fn held(records: &[Record], candidate: &str) -> Option<Held> {
    let of = |what: &'static str| {
        let wanted =
            move |record: &&Record| record.get_text("candidate") == candidate && record.get_text("what") == what;
        records.iter().filter(wanted)
    };
    let peak = of("peak").next()?;
    let silence: Vec<(f64, f64)> =
        of("silence").filter_map(|record| Some((record.get_number("seconds")?, record.get_number("mib")?))).collect();
    let threads: Vec<f64> = of("rss").filter_map(|record| record.get_number("mib")).collect();
    let after =
        |seconds: f64| silence.iter().find(|(time, _)| *time >= seconds).or(silence.last()).map(|(_, mib)| *mib);
    let most = threads.iter().copied().max_by(f64::total_cmp)?;
    let least = threads.iter().copied().min_by(f64::total_cmp)?;
    let resident = peak.get_number("resident")?;
    Some(Held {
        resident,
        committed: peak.get_number("committed").unwrap_or(resident),
        requested: peak.get_number("requested")?,
        back: silence.iter().find(|(_, mib)| *mib <= NEAR_START).map(|(time, _)| *time),
        silence: [after(1.0)?, after(3.0)?, after(f64::MAX)?],
        threads: [*threads.first()?, most, most - least],
    })
}

/// Memory of all candidates.
pub fn memory(records: &[Record]) -> String {
    let all: Vec<&Record> = records.iter().collect();
    let columns = [
        "at the peak / asked for",
        "1 s later",
        "3 s",
        "12 s",
        "within 16 MiB after",
        "short threads: first",
        "most",
        "spread",
    ];
    let mut table = header("MiB above the start", &columns);
    for candidate in distinct(&all, "candidate") {
        let Some(held) = held(records, candidate) else { continue };
        let back = held.back.map_or("never".to_owned(), |seconds| format!("{seconds:.1} s"));
        let mut cells =
            vec![candidate.to_owned(), format!("{:.2}", held.committed.max(held.resident) / held.requested)];
        cells.extend(held.silence.iter().map(|mib| format!("{mib:.0}")));
        cells.push(back);
        cells.extend(held.threads.iter().map(|mib| format!("{mib:.1}")));
        table += &row(cells);
    }
    table
}

/// What it was measured on.
pub fn machine(records: &[Record]) -> String {
    let Some(machine) = records.iter().find(|record| !record.get_text("processor").is_empty()) else {
        return String::new();
    };
    let cores = machine.get_number("cores").unwrap_or_default();
    format!("{} ({cores} processors), Linux {}.", machine.get_text("processor"), machine.get_text("kernel"))
}
