//! Results on their way from a benchmark to the report: one JSON object a line, without nesting.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// A file that records are appended to, each written through at once: an interrupted run keeps what it has.
pub struct Recorder(File);

/// One line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record(Vec<(String, Value)>);

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Number(f64),
}

impl Recorder {
    /// Starts a new file, and the directories above it.
    ///
    /// # Errors
    /// The system's.
    pub fn create(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        Ok(Recorder(OpenOptions::new().write(true).create(true).truncate(true).open(path)?))
    }

    /// Goes on with a file that another process started.
    ///
    /// # Errors
    /// The system's.
    pub fn append(path: &Path) -> io::Result<Self> {
        Ok(Recorder(OpenOptions::new().append(true).open(path)?))
    }

    /// Appends a record.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        writeln!(self.0, "{}", record.line())
    }
}

impl Record {
    /// Without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a text more, which has no quotes, backslashes or line ends.
    pub fn text(mut self, key: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        debug_assert!(!value.contains(['"', '\\', '\n']), "{value}");
        self.0.push((key.to_owned(), Value::Text(value)));
        self
    }

    /// With a number more, to three decimals.
    pub fn number(mut self, key: &str, value: f64) -> Self {
        self.0.push((key.to_owned(), Value::Number((value * 1e3).round() / 1e3)));
        self
    }

    /// The text of that name; empty if there is none.
    pub fn get_text(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Value::Text(value)) => value,
            _ => "",
        }
    }

    /// The number of that name.
    pub fn get_number(&self, key: &str) -> Option<f64> {
        match self.get(key) {
            Some(Value::Number(value)) => Some(*value),
            _ => None,
        }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn line(&self) -> String {
        let mut line = String::from("{");
        for (index, (key, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let written = match value {
                Value::Text(value) => write!(line, "{comma}\"{key}\": \"{value}\""),
                Value::Number(value) => write!(line, "{comma}\"{key}\": {value}"),
            };
            written.expect("writing to a string");
        }
        line.push('}');
        line
    }

    /// Reads what [`Recorder::write`] wrote.
    fn parse(line: &str) -> Option<Record> {
        let fields = line.trim().strip_prefix('{')?.strip_suffix('}')?;
        let mut record = Record::new();
        for field in fields.split(", \"") {
            let (key, value) = field.split_once("\": ")?;
            let key = key.trim_start_matches('"');
            record = match value.strip_prefix('"') {
                Some(text) => record.text(key, text.strip_suffix('"')?),
                None => record.number(key, value.parse().ok()?),
            };
        }
        Some(record)
    }
}

/// All records of a file; none if there is no such file.
///
/// # Errors
/// The system's, and `InvalidData` naming the line that is none of ours.
pub fn read(path: &Path) -> io::Result<Vec<Record>> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let broken = |line: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {line}", path.display()));
    text.lines().map(|line| Record::parse(line).ok_or_else(|| broken(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let record = Record::new().text("group", "burst 64, FIFO").number("ns", 1.25).text("empty", "");
        assert_eq!(Record::parse(&record.line()), Some(record));
        assert_eq!(Record::parse("nonsense"), None);
    }
}
