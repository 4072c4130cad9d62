//! What many runs of an engine have come to: a table for people, JSON for programs.

use quorate_simulator::{EngineKind, Failure, Report};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// A seed that has failed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FailedSeed {
    pub(crate) seed: u64,
    pub(crate) oracle: String,
    /// Virtual seconds.
    pub(crate) at: f64,
    pub(crate) message: String,
    /// The command that shows it again.
    pub(crate) replay: String,
}

impl FailedSeed {
    pub(crate) fn new(seed: u64, failure: &Failure, replay: String) -> Self {
        Self {
            seed,
            oracle: failure.oracle.clone(),
            at: failure.at.0 as f64 / 1e9,
            message: failure.message.clone(),
            replay,
        }
    }
}

/// Sums over the seeds of one engine.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Totals {
    pub(crate) engine: &'static str,
    /// How many seeds have been run, those that failed among them.
    pub(crate) seeds: u64,
    pub(crate) decisions: u64,
    pub(crate) requests: u64,
    pub(crate) view_changes: u64,
    pub(crate) restarts: u64,
    pub(crate) adversarial_acts: u64,
    /// Virtual time of the runs.
    pub(crate) simulated_hours: f64,
    /// Wall-clock time of the command.
    pub(crate) seconds: f64,
    pub(crate) failures: Vec<FailedSeed>,
    #[serde(skip)]
    simulated: Duration,
}

impl Totals {
    pub(crate) const fn new(engine: EngineKind) -> Self {
        Self {
            engine: engine.name(),
            seeds: 0,
            decisions: 0,
            requests: 0,
            view_changes: 0,
            restarts: 0,
            adversarial_acts: 0,
            simulated_hours: 0.0,
            seconds: 0.0,
            failures: Vec::new(),
            simulated: Duration::ZERO,
        }
    }

    /// Another seed is done, after so much wall-clock time of the whole.
    pub(crate) fn add(&mut self, report: &Report, elapsed: Duration) {
        self.seeds += 1;
        self.decisions += report.decisions;
        self.requests += report.requests;
        self.view_changes += report.view_changes;
        self.restarts += report.restarts;
        self.adversarial_acts += report.acts;
        self.simulated += report.virtual_time;
        self.simulated_hours = self.simulated.as_secs_f64() / 3600.0;
        self.seconds = elapsed.as_secs_f64();
    }

    fn seeds_per_second(&self) -> f64 {
        self.seeds as f64 / self.seconds.max(0.001)
    }

    /// The state of things, beside a progress bar.
    pub(crate) fn line(&self) -> String {
        format!(
            "{:.1} seeds/s, {} decisions, {:.1} h simulated, {} failed",
            self.seeds_per_second(),
            self.decisions,
            self.simulated_hours,
            self.failures.len()
        )
    }

    fn cells(&self) -> [String; 10] {
        [
            self.engine.into(),
            self.seeds.to_string(),
            self.failures.len().to_string(),
            self.decisions.to_string(),
            self.requests.to_string(),
            self.view_changes.to_string(),
            self.restarts.to_string(),
            self.adversarial_acts.to_string(),
            format!("{:.2}", self.simulated_hours),
            format!("{:.1}", self.seeds_per_second()),
        ]
    }
}

const TITLES: [[&str; 10]; 2] = [
    [
        "",
        "",
        "",
        "",
        "",
        "view",
        "",
        "adversarial",
        "simulated",
        "seeds",
    ],
    [
        "engine",
        "seeds",
        "failed",
        "decisions",
        "requests",
        "changes",
        "restarts",
        "acts",
        "hours",
        "/s",
    ],
];

/// One row for each engine.
pub(crate) fn table(all: &[Totals]) -> String {
    let rows: Vec<_> = all.iter().map(Totals::cells).collect();
    let titles = TITLES.map(|line| line.map(String::from));
    let lines: Vec<_> = titles.into_iter().chain(rows).collect();
    let mut text = String::new();
    for line in &lines {
        let mut out = String::new();
        for (at, cell) in line.iter().enumerate() {
            let width = lines.iter().map(|line| line[at].len()).max().unwrap_or(0);
            let _ = if at == 0 {
                write!(out, "{cell:<width$}")
            } else {
                write!(out, "  {cell:>width$}")
            };
        }
        text.push_str(out.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_columns() {
        let mut totals = Totals::new(EngineKind::Pbft);
        totals.seeds = 300;
        totals.decisions = 12_345;
        totals.seconds = 10.0;
        let text = table(&[totals, Totals::new(EngineKind::HotStuffTwoChain)]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[2].starts_with("pbft                  300"), "{text}");
        assert!(lines[2].ends_with("30.0"), "{text}");
        assert!(lines.iter().all(|line| line.len() <= 120), "{text}");
    }
}
