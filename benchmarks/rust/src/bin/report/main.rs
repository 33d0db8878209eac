//! Writes the tables of `docs/benchmarks.md` and its pictures from the records of the other binaries.
//!
//! `report [--records DIRECTORY] [--docs DIRECTORY]`
//!
//! The page is written by hand; only what lies between `<!-- begin NAME -->` and `<!-- end -->` is replaced.

mod chart;
mod tables;
mod targets;

use std::io;
use std::path::{Path, PathBuf};

use millpond_benchmarks::results::{Record, read};

use self::chart::{Chart, Series};

/// All that was recorded.
struct Records {
    compare: Vec<Record>,
    memory: Vec<Record>,
    instructions: Vec<Record>,
}

fn main() -> io::Result<()> {
    let mut directories = [PathBuf::from("target/benchmarks"), PathBuf::from("docs")];
    let mut given = std::env::args().skip(1);
    while let Some(option) = given.next() {
        let value = given.next().unwrap_or_else(|| panic!("{option} needs a value"));
        match option.as_str() {
            "--records" => directories[0] = PathBuf::from(value),
            "--docs" => directories[1] = PathBuf::from(value),
            _ => panic!("{option} is no option"),
        }
    }
    let [from, docs] = directories;
    let records = Records {
        compare: read(&from.join("compare.jsonl"))?,
        memory: read(&from.join("memory.jsonl"))?,
        instructions: read(&from.join("instructions.jsonl"))?,
    };
    write_page(&docs.join("benchmarks.md"), &records)?;
    std::fs::write(docs.join("benchmarks-silence.svg"), silence(&records.memory).svg())?;
    std::fs::write(docs.join("benchmarks-burst.svg"), bursts(&records.compare).svg())
}

/// Replaces what is generated in the page.
fn write_page(page: &Path, records: &Records) -> io::Result<()> {
    const BEGIN: &str = "<!-- begin ";
    const END: &str = "<!-- end -->";
    let text = std::fs::read_to_string(page)?;
    let mut written = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "a begin without its name or end");
        let (name, after) = after.split_once(" -->").ok_or_else(broken)?;
        let (_, after) = after.split_once(END).ok_or_else(broken)?;
        let table = match name {
            "machine" => tables::machine(&records.compare),
            "targets" => targets::table(records),
            "standings" => tables::standings(&records.compare),
            "instructions" => tables::instructions(&records.instructions),
            "memory" => tables::memory(&records.memory),
            "depot" => tables::depot(&records.compare),
            _ => tables::nanos(&records.compare, name),
        };
        written += &format!("{before}{BEGIN}{name} -->\n{}\n{END}", table.trim_end());
        rest = after;
    }
    std::fs::write(page, written + rest)
}

/// Resident memory over time.
fn silence(records: &[Record]) -> Chart {
    let mut series: Vec<Series> = Vec::new();
    for record in records.iter().filter(|record| record.get_text("what") == "silence") {
        let name = record.get_text("candidate");
        if series.last().is_none_or(|last| last.name != name) {
            series.push(Series { name: name.to_owned(), points: Vec::new() });
        }
        if let (Some(series), Some(seconds), Some(mib)) =
            (series.last_mut(), record.get_number("seconds"), record.get_number("mib"))
        {
            series.points.push((seconds, mib.max(0.0)));
        }
    }
    Chart {
        title: "Resident memory after a burst of 1 GiB, all of it freed, MiB above the start",
        x_label: "seconds without any call but Millpond's tick",
        x_names: Vec::new(),
        logarithmic: false,
        series,
    }
}

/// Nanoseconds by size.
fn bursts(records: &[Record]) -> Chart {
    let group: Vec<_> = records.iter().filter(|record| record.get_text("group") == "burst 64 FIFO").collect();
    let mut x_names: Vec<String> = Vec::new();
    let mut series: Vec<Series> = Vec::new();
    for record in group {
        let (line, name) = (record.get_text("line"), record.get_text("candidate"));
        if x_names.last().is_none_or(|last| last != line) {
            x_names.push(line.to_owned());
        }
        let point = ((x_names.len() - 1) as f64, record.get_number("median").unwrap_or_default());
        match series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.points.push(point),
            None => series.push(Series { name: name.to_owned(), points: vec![point] }),
        }
    }
    series.retain(|series| series.name != "floor");
    Chart {
        title: "64 blocks allocated, then freed in the same order: ns a block",
        x_label: "size of a block",
        x_names,
        logarithmic: true,
        series,
    }
}
