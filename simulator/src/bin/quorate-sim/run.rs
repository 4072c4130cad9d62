//! `quorate-sim run`: many seeds.

use crate::arguments::Run;
use crate::error::SimError;
use crate::interrupt::Interrupt;
use crate::overrides::Overrides;
use crate::panics;
use crate::totals::{FailedSeed, Totals, table};
use indicatif::{ProgressBar, ProgressStyle};
use quorate_simulator::{EngineKind, Report, run_kind};
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How often something is said where there is no terminal to draw a bar on.
const SAY_EVERY: Duration = Duration::from_secs(30);

/// The result as JSON; described in docs/simulation.md.
#[derive(Serialize)]
struct Outcome<'a> {
    command: String,
    from: u64,
    interrupted: bool,
    engines: &'a [Totals],
}

/// The seeds of one engine.
struct Plan<'a> {
    engine: EngineKind,
    from: u64,
    seeds: u64,
    jobs: usize,
    max_failures: usize,
    overrides: &'a Overrides,
    interrupt: &'a Interrupt,
}

/// Runs the seeds, and prints what came of them.
pub(crate) fn run(arguments: &Run) -> Result<ExitCode, SimError> {
    if let Some(path) = &arguments.json {
        // Before the work, so that a wrong path costs nobody an hour.
        write(path, "")?;
    }
    let interrupt = Interrupt::listen()?;
    let jobs = arguments
        .jobs
        .or_else(|| thread::available_parallelism().ok());
    let mut all = Vec::new();
    for engine in arguments.engine.kinds() {
        if interrupt.pressed() {
            break;
        }
        let plan = Plan {
            engine,
            from: arguments.from,
            seeds: arguments.seeds,
            jobs: jobs.map_or(1, NonZeroUsize::get),
            max_failures: arguments.max_failures.get(),
            overrides: &arguments.overrides,
            interrupt: &interrupt,
        };
        all.push(plan.run());
    }
    print!("{}", table(&all));
    let interrupted = interrupt.pressed();
    if let Some(path) = &arguments.json {
        let command: Vec<_> = std::env::args().skip(1).collect();
        let result = Outcome {
            command: command.join(" "),
            from: arguments.from,
            interrupted,
            engines: &all,
        };
        let json = serde_json::to_string_pretty(&result).expect("totals are plain data");
        write(path, &(json + "\n"))?;
    }
    let failed = all.iter().any(|totals| !totals.failures.is_empty());
    Ok(match (failed, interrupted) {
        (_, true) => ExitCode::from(130),
        (true, false) => ExitCode::FAILURE,
        (false, false) => ExitCode::SUCCESS,
    })
}

fn write(path: &Path, text: &str) -> Result<(), SimError> {
    std::fs::write(path, text).map_err(SimError::write(path))
}

impl Plan<'_> {
    /// Runs the seeds on so many threads. Reports come in as they are done.
    fn run(&self) -> Totals {
        let bar = self.bar();
        let begun = Instant::now();
        let (mut totals, mut said) = (Totals::new(self.engine), begun);
        let next = AtomicU64::new(0);
        thread::scope(|scope| {
            let (sender, reports) = mpsc::channel();
            for _ in 0..self.jobs {
                let sender = sender.clone();
                scope.spawn(|| self.work(&next, sender));
            }
            drop(sender);
            for (seed, report) in reports {
                totals.add(&report, begun.elapsed());
                if let Some(failure) = report.failure {
                    let failed = FailedSeed::new(seed, &failure, self.replay(seed));
                    bar.suspend(|| {
                        println!("FAILED {} seed {seed}: {failure}", self.engine);
                        println!("    {}", failed.replay);
                    });
                    totals.failures.push(failed);
                }
                if totals.failures.len() >= self.max_failures {
                    next.store(self.seeds, Ordering::Relaxed);
                }
                bar.set_position(totals.seeds);
                bar.set_message(totals.line());
                if bar.is_hidden() && said.elapsed() >= SAY_EVERY {
                    said = Instant::now();
                    let (done, of) = (totals.seeds, self.seeds);
                    eprintln!("{}: {done} of {of} seeds, {}", self.engine, totals.line());
                }
            }
        });
        bar.finish_and_clear();
        totals.failures.sort_by_key(|failed| failed.seed);
        totals
    }

    /// Runs the next seed until there is none.
    fn work(&self, next: &AtomicU64, done: mpsc::Sender<(u64, Report)>) {
        loop {
            let offset = next.fetch_add(1, Ordering::Relaxed);
            if offset >= self.seeds || self.interrupt.pressed() {
                return;
            }
            let seed = self.from.wrapping_add(offset);
            let setting = self.overrides.setting(seed);
            let (mut report, place) = panics::within(|| run_kind(self.engine, &setting));
            if let (Some(failure), Some(place)) = (&mut report.failure, place)
                && failure.oracle == "panic"
            {
                failure.message = format!("{} ({place})", failure.message);
            }
            if done.send((seed, report)).is_err() {
                return;
            }
        }
    }

    /// The command that shows a seed again.
    fn replay(&self, seed: u64) -> String {
        let command = match std::env::var_os("CARGO") {
            Some(_) => "cargo sim",
            None => "quorate-sim",
        };
        replay(command, seed, self.engine, self.overrides)
    }

    fn bar(&self) -> ProgressBar {
        let bar = ProgressBar::new(self.seeds);
        let style =
            ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len}  {msg}  {eta} left")
                .expect("the template is a valid constant");
        bar.set_style(style);
        bar.set_prefix(self.engine.name());
        bar
    }
}

fn replay(command: &str, seed: u64, engine: EngineKind, overrides: &Overrides) -> String {
    let options = overrides.options();
    format!("{command} replay {seed} --engine {engine}{options}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Cli, Command};
    use clap::Parser;

    fn parse(line: &str) -> Command {
        Cli::parse_from(line.split_whitespace()).command
    }

    #[test]
    fn the_replay_of_a_failed_seed_runs_the_same_setting() {
        for line in [
            "quorate-sim run",
            "quorate-sim run --replicas 5 --no-crashes --loss 3",
        ] {
            let Command::Run(run) = parse(line) else {
                panic!("it is a run");
            };
            let kind = EngineKind::HotStuffTwoChain;
            let again = replay("quorate-sim", 77, kind, &run.overrides);
            let Command::Replay(replay) = parse(&again) else {
                panic!("{again} is a replay");
            };
            assert_eq!((replay.seed, replay.engine.0), (77, kind));
            assert_eq!(replay.overrides.setting(77), run.overrides.setting(77));
        }
    }
}
