//! What is counted, and the table that it is told in.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use crate::support::{Call, Write};

/// How many calls there were of each operation.
pub fn calls_by_operation(calls: &[Call]) -> BTreeMap<String, usize> {
    count(calls.iter().map(|call| call.operation.clone()))
}

/// How many writes went to each resource.
pub fn writes_by_resource(writes: &[Write]) -> BTreeMap<String, usize> {
    count(writes.iter().map(|write| match &*write.subresource {
        "" => format!("{} of {}", write.verb, write.resource),
        subresource => format!("{} of {}/{subresource}", write.verb, write.resource),
    }))
}

fn count(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for name in names {
        *counted.entry(name).or_default() += 1;
    }
    counted
}

/// A process, by its id, as Linux tells of it.
pub struct Process(pub u32);

impl Process {
    /// Memory that it has now.
    pub fn resident_megabytes(&self) -> f64 {
        self.status("VmRSS:")
    }

    /// The most that it ever had.
    pub fn highest_megabytes(&self) -> f64 {
        self.status("VmHWM:")
    }

    /// Processor time that it has used.
    pub fn cpu_seconds(&self) -> f64 {
        const TICKS_A_SECOND: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).expect("Linux's /proc");
        // The name, in brackets, may hold anything.
        let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
        let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
        ticks.sum::<f64>() / TICKS_A_SECOND
    }

    fn status(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).expect("Linux's /proc");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of memory");
        let kibibytes: f64 = line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number");
        kibibytes * 1024.0 / 1e6
    }
}

/// A table in Markdown, printed at its end.
#[derive(Default)]
pub struct Table(String);

#[allow(clippy::cast_precision_loss)] // thousands
impl Table {
    pub fn section(&mut self, title: &str) {
        let _ = write!(self.0, "\n| {title} | |\n|---|--:|\n");
    }

    pub fn row(&mut self, what: &str, value: &str) {
        let _ = writeln!(self.0, "| {what} | {value} |");
    }

    /// So many an object.
    pub fn ratio(&mut self, what: &str, number: usize, objects: usize) {
        self.row(what, &format!("{:.2}", number as f64 / objects as f64));
    }

    /// So many a minute.
    pub fn rate(&mut self, what: &str, number: usize, minutes: f64) {
        self.row(what, &format!("{:.0}", number as f64 / minutes));
    }
}

/// Also where the bench ends in a panic: what was measured until then took minutes.
impl Drop for Table {
    fn drop(&mut self) {
        println!("{}", self.0);
    }
}
