//! `compare`: the engines side by side.

mod arguments;
mod ledger;
mod load;
mod machine;
mod report;
mod row;
mod verdict;

pub(crate) use arguments::Arguments;

use arguments::{ArgumentError, Plan};
use indicatif::{ProgressBar, ProgressStyle};
use machine::Machine;
use report::{Report, Row};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Why a comparison has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    #[error("cannot start the {engine} cluster: {source}")]
    Start {
        engine: &'static str,
        source: quorate::ConfigError,
    },
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
    #[error("cannot make a temporary folder for the replicas' logs: {0}")]
    Folder(std::io::Error),
    #[error("cannot write {path}: {source}")]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("interrupted")]
    Interrupted,
}

impl CompareError {
    /// 2 for a wrong option, 130 for Ctrl-C, 1 for everything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Argument(_) => 2,
            Self::Interrupted => 130,
            _ => 1,
        })
    }
}

/// Runs a comparison, and prints it.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, CompareError> {
    let plans = arguments.plans()?;
    if let Some(path) = &arguments.json {
        // Before the work, so that a wrong path costs nobody a minute.
        write(path, "")?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(CompareError::Runtime)?;
    let rows = runtime.block_on(async {
        tokio::select! {
            rows = all(&plans) => rows,
            _ = tokio::signal::ctrl_c() => Err(CompareError::Interrupted),
        }
    })?;
    runtime.shutdown_timeout(Duration::from_secs(2));
    let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let report = Report {
        command,
        machine: Machine::this(),
        rows,
    };
    print!("{}", report.table());
    if let Some(path) = &arguments.json {
        let json = serde_json::to_string_pretty(&report).expect("a report is plain data");
        write(path, &(json + "\n"))?;
    }
    let good = report.rows.iter().all(|row| row.complaint.is_none());
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn write(path: &Path, text: &str) -> Result<(), CompareError> {
    std::fs::write(path, text).map_err(|source| CompareError::Write {
        path: path.to_owned(),
        source,
    })
}

async fn all(plans: &[Plan]) -> Result<Vec<Row>, CompareError> {
    let mut rows = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        let bar = progress(index, plans.len(), plan);
        let row = row::run(plan, &bar).await;
        bar.finish_and_clear();
        rows.push(row?);
    }
    Ok(rows)
}

/// A bar for one row, on a terminal; elsewhere a line, so that a log shows progress too.
fn progress(index: usize, count: usize, plan: &Plan) -> ProgressBar {
    let total = plan.seconds.as_millis() as u64;
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3}%  {msg}")
        .expect("the template is a valid constant");
    bar.set_style(style);
    let (engine, scheme) = (plan.engine.name(), plan.scheme.name());
    bar.set_prefix(format!("[{}/{count}] {engine} {scheme}", index + 1));
    if bar.is_hidden() {
        eprintln!(
            "[{}/{count}] {engine} {scheme} {}",
            index + 1,
            plan.network.name()
        );
    }
    bar
}
