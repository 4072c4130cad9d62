//! What a comparison shows: a table for people, JSON for programs.

use super::machine::Machine;
use serde::Serialize;
use std::fmt::Write as _;

/// Latency percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

/// What one decision cost, all replicas together.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct PerDecision {
    /// The protocol's messages, one for each recipient other than the sender.
    pub(crate) messages: f64,
    /// Their encoded bytes.
    pub(crate) bytes: f64,
    /// Single signatures checked.
    pub(crate) signature_checks: f64,
    /// Certificates checked.
    pub(crate) aggregate_checks: f64,
    /// Syncs of safety logs.
    pub(crate) syncs: f64,
    /// Processor time of the whole process, clients included; null where the system tells none.
    pub(crate) cpu_ms: Option<f64>,
}

/// One engine, on one scheme and network.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) engine: String,
    pub(crate) scheme: String,
    pub(crate) network: String,
    pub(crate) replicas: usize,
    pub(crate) faults_tolerated: usize,
    pub(crate) silent: usize,
    /// Requests a second asked for; null if as many as possible.
    pub(crate) rate: Option<f64>,
    pub(crate) decisions_per_second: f64,
    pub(crate) requests_per_second: f64,
    /// Null if no request was answered.
    pub(crate) latency_ms: Option<Latency>,
    /// Null if nothing was decided.
    pub(crate) per_decision: Option<PerDecision>,
    /// Messages that are not the protocol's: forwarded requests, checkpoints, catch-up.
    pub(crate) other_messages: u64,
    pub(crate) other_bytes: u64,
    pub(crate) peak_rss_bytes: Option<u64>,
    /// Null if no leader was stopped.
    pub(crate) leader_gap_ms: Option<f64>,
    pub(crate) agreed: bool,
    /// Why not, for people.
    #[serde(skip)]
    pub(crate) complaint: Option<String>,
}

/// A whole comparison.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) command: String,
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Row>,
}

/// A column of the table.
struct Column {
    title: [&'static str; 2],
    cell: fn(&Row) -> String,
}

const COLUMNS: &[Column] = &[
    Column {
        title: ["", "engine"],
        cell: |row| row.engine.clone(),
    },
    Column {
        title: ["", "scheme"],
        cell: |row| row.scheme.clone(),
    },
    Column {
        title: ["", "network"],
        cell: |row| row.network.clone(),
    },
    Column {
        title: ["decisions", "/s"],
        cell: |row| number(row.decisions_per_second),
    },
    Column {
        title: ["requests", "/s"],
        cell: |row| number(row.requests_per_second),
    },
    Column {
        title: ["latency", "p50 ms"],
        cell: |row| latency(row, |l| l.p50),
    },
    Column {
        title: ["", "p95"],
        cell: |row| latency(row, |l| l.p95),
    },
    Column {
        title: ["", "p99"],
        cell: |row| latency(row, |l| l.p99),
    },
    Column {
        title: ["a decision:", "messages"],
        cell: |row| cost(row, |c| Some(c.messages)),
    },
    Column {
        title: ["", "bytes"],
        cell: |row| bytes_cell(row),
    },
    Column {
        title: ["checks:", "sig"],
        cell: |row| cost(row, |c| Some(c.signature_checks)),
    },
    Column {
        title: ["", "aggr"],
        cell: |row| cost(row, |c| Some(c.aggregate_checks)),
    },
    Column {
        title: ["", "syncs"],
        cell: |row| cost(row, |c| Some(c.syncs)),
    },
    Column {
        title: ["", "CPU ms"],
        cell: |row| cost(row, |c| c.cpu_ms),
    },
    Column {
        title: ["peak", "MiB"],
        cell: |row| mebibytes(row.peak_rss_bytes),
    },
    Column {
        title: ["leader", "gap ms"],
        cell: |row| optional(row.leader_gap_ms),
    },
    Column {
        title: ["", "agreed"],
        cell: |row| if row.agreed { "yes" } else { "NO" }.into(),
    },
];

/// Columns that say what a row is: aligned to the left.
const NAMES: usize = 3;

/// Digits that make sense for the size of a number.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), number)
}

fn latency(row: &Row, pick: fn(&Latency) -> f64) -> String {
    optional(row.latency_ms.as_ref().map(pick))
}

fn cost(row: &Row, pick: fn(&PerDecision) -> Option<f64>) -> String {
    optional(row.per_decision.as_ref().and_then(pick))
}

fn bytes_cell(row: &Row) -> String {
    row.per_decision
        .map_or_else(|| "-".into(), |cost| scaled(cost.bytes))
}

fn scaled(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= 10_485_760.0 => format!("{:.0}M", bytes / 1_048_576.0),
        bytes if bytes >= 10_240.0 => format!("{:.0}K", bytes / 1024.0),
        bytes => format!("{bytes:.0}"),
    }
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".into(), |bytes| format!("{}", bytes >> 20))
}

impl Report {
    /// The table, as wide as it must be. Columns that are empty in every row are left out.
    pub(crate) fn table(&self) -> String {
        let cells = |row: &Row| COLUMNS.iter().map(|column| (column.cell)(row)).collect();
        let rows: Vec<Vec<String>> = self.rows.iter().map(cells).collect();
        let shown: Vec<usize> = (0..COLUMNS.len())
            .filter(|at| rows.iter().any(|row| row[*at] != "-") || rows.is_empty())
            .collect();
        let width = |at: usize| {
            let cells = rows.iter().map(|row| row[at].len());
            let titles = COLUMNS[at].title.iter().map(|title| title.len());
            cells.chain(titles).max().unwrap_or(0)
        };
        let mut text = String::new();
        for line in 0..2 {
            write_line(&mut text, &shown, width, |at| COLUMNS[at].title[line]);
        }
        for row in &rows {
            write_line(&mut text, &shown, width, |at| &row[at]);
        }
        for row in &self.rows {
            if let Some(complaint) = &row.complaint {
                let _ = writeln!(text, "{} ({}): {complaint}", row.engine, row.scheme);
            }
        }
        text
    }
}

fn write_line<'a>(
    text: &mut String,
    shown: &[usize],
    width: impl Fn(usize) -> usize,
    cell: impl Fn(usize) -> &'a str,
) {
    let mut line = String::new();
    for at in shown {
        let (cell, width) = (cell(*at), width(*at));
        let _ = if *at < NAMES {
            write!(line, "{cell:<width$}  ")
        } else {
            write!(line, "{cell:>width$}  ")
        };
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
