//! `quorate-sim speed`: how fast simulated time passes.

use crate::arguments::Speed;
use crate::error::SimError;
use crate::interrupt::Interrupt;
use quorate_simulator::{EngineKind, Report, Setting, run_kind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Replicas of the measured cluster.
const REPLICAS: usize = 4;

/// Runs each engine without faults, and prints a line for each.
pub(crate) fn run(arguments: &Speed) -> Result<ExitCode, SimError> {
    let interrupt = Interrupt::listen()?;
    println!("engine                node-hours/min  decisions/s  events/s");
    let mut good = true;
    for engine in arguments.engine.kinds() {
        if interrupt.pressed() {
            return Ok(ExitCode::from(130));
        }
        let setting = setting(arguments, engine);
        let begun = Instant::now();
        let report = run_kind(engine, &setting);
        let took = begun.elapsed();
        println!("{}", line(&report, took));
        if let Some(failure) = &report.failure {
            println!("FAILED {engine}: {failure}");
            good = false;
        }
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A calm cluster that decides about once a second: with rotating leaders each request is followed
/// by some empty blocks, and idle leaders wait as long as they may.
fn setting(arguments: &Speed, engine: EngineKind) -> Setting {
    let mut setting = Setting::faultless(arguments.seed, REPLICAS);
    setting.set_timeout(Duration::from_secs(8));
    setting.world.idle_interval = Duration::from_secs(2);
    setting.load.every = match engine {
        EngineKind::Pbft => Duration::from_secs(1),
        _ => Duration::from_secs(8),
    };
    setting.phases.calm = Duration::from_secs(60) * arguments.minutes;
    setting
}

fn line(report: &Report, took: Duration) -> String {
    let (simulated, took) = (report.virtual_time.as_secs_f64(), took.as_secs_f64());
    let node_hours = simulated / 3600.0 * report.replicas as f64;
    format!(
        "{:<20}  {:>14.1}  {:>11.2}  {:>8.0}",
        report.engine,
        node_hours / (took / 60.0),
        report.decisions as f64 / simulated,
        report.events as f64 / took,
    )
}
