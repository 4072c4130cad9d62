//! `quorate-sim replay`: one seed, event by event.

use crate::arguments::Replay;
use crate::error::SimError;
use crate::panics;
use quorate_simulator::{Ink, Report, TraceEvent, run_traced};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How wide lines are where there is no terminal.
const USUAL_WIDTH: usize = 160;

/// What of a trace is wanted, and where it goes.
struct Printer {
    since: u64,
    until: u64,
    replicas: Vec<u16>,
    width: usize,
    ink: Ink,
    lines: Option<BufWriter<io::Stdout>>,
    json: Option<BufWriter<File>>,
    /// The first error of the terminal and of the file.
    output: Option<io::Error>,
    file: Option<io::Error>,
}

impl Printer {
    fn new(arguments: &Replay) -> Result<Self, SimError> {
        let json = match &arguments.trace {
            None => None,
            Some(path) => Some(BufWriter::new(
                File::create(path).map_err(SimError::write(path))?,
            )),
        };
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let terminal = io::stdout().is_terminal();
        let coloured = terminal && std::env::var_os("NO_COLOR").is_none();
        Ok(Self {
            since: arguments.since.map_or(0, nanos),
            until: arguments.until.map_or(u64::MAX, nanos),
            replicas: arguments.replica.clone(),
            width: if terminal {
                terminal_width()
            } else {
                USUAL_WIDTH
            },
            ink: if coloured { Ink::Coloured } else { Ink::Plain },
            lines: (!arguments.quiet).then(|| BufWriter::new(io::stdout())),
            json,
            output: None,
            file: None,
        })
    }

    /// Whether an event is wanted: of all replicas, or of one of those asked for.
    fn wants(&self, event: &TraceEvent) -> bool {
        let here = |id: u16| self.replicas.is_empty() || self.replicas.contains(&id);
        (self.since..=self.until).contains(&event.time_ns) && event.replica.is_none_or(here)
    }

    fn take(&mut self, event: &TraceEvent) {
        if !self.wants(event) {
            return;
        }
        if let Some(lines) = &mut self.lines
            && let Err(error) = writeln!(lines, "{}", event.line(self.width, self.ink))
        {
            // Nobody reads on: `| head` has seen enough.
            self.lines = None;
            self.output = Some(error);
        }
        if let Some(json) = &mut self.json {
            let text = serde_json::to_string(event).expect("events are plain data");
            if let Err(error) = writeln!(json, "{text}") {
                self.json = None;
                self.file = Some(error);
            }
        }
    }

    /// Writes out what is left.
    fn finish(&mut self, arguments: &Replay) -> Result<(), SimError> {
        let flushed = self.lines.as_mut().map_or(Ok(()), Write::flush);
        if let Err(error) = self.output.take().map_or(flushed, Err) {
            return Err(SimError::Output(error));
        }
        let flushed = self.json.as_mut().map_or(Ok(()), Write::flush);
        match (&arguments.trace, self.file.take().map_or(flushed, Err)) {
            (Some(path), Err(error)) => Err(SimError::write(path)(error)),
            _ => Ok(()),
        }
    }
}

fn terminal_width() -> usize {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map_or(USUAL_WIDTH, |(width, _)| usize::from(width.0))
}

/// Runs the seed, and prints what happens.
pub(crate) fn run(arguments: &Replay) -> Result<ExitCode, SimError> {
    let setting = arguments.overrides.setting(arguments.seed);
    let replicas = setting.replicas();
    if let Some(replica) = arguments
        .replica
        .iter()
        .find(|id| usize::from(**id) >= replicas)
    {
        let replica = *replica;
        return Err(SimError::NoReplica { replica, replicas });
    }
    let printer = Arc::new(Mutex::new(Printer::new(arguments)?));
    let taker = Arc::clone(&printer);
    let sink = Box::new(move |event: &TraceEvent| {
        taker.lock().expect("one thread prints").take(event);
    });
    let kind = arguments.engine.0;
    let (report, place) = panics::within(|| run_traced(kind, &setting, sink));
    let finished = printer.lock().expect("one thread prints").finish(arguments);
    match finished {
        Err(SimError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        finished => finished?,
    }
    let mut out = io::stdout();
    match writeln!(out, "{}", summary(&report, place.as_deref())) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(SimError::Output(error));
        }
        _ => {}
    }
    Ok(match report.failure {
        Some(_) => ExitCode::FAILURE,
        None => ExitCode::SUCCESS,
    })
}

/// How it ended, and the hash in the last line.
fn summary(report: &Report, place: Option<&str>) -> String {
    let end = match (&report.failure, place) {
        (None, _) => "no failure".into(),
        (Some(failure), Some(place)) if failure.oracle == "panic" => {
            format!("FAILED: {failure} ({place})")
        }
        (Some(failure), _) => format!("FAILED: {failure}"),
    };
    format!(
        "{} seed {}: {} replicas, {}, {:.1} s simulated, {} decisions, {} requests, {} view \
         changes, {} restarts, {} adversarial acts\n{end}\nhash {:016x}",
        report.engine,
        report.seed,
        report.replicas,
        report.scheme,
        report.virtual_time.as_secs_f64(),
        report.decisions,
        report.requests,
        report.view_changes,
        report.restarts,
        report.acts,
        report.hash,
    )
}
