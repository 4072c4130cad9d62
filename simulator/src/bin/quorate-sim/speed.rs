//! `quorate-sim speed`: how fast simulated time passes.

use crate::arguments::Speed as Arguments;
use crate::error::SimError;
use crate::interrupt::Interrupt;
use quorate_simulator::{Speed, speed};
use std::process::ExitCode;
use std::time::Duration;

/// Runs each engine without faults, and prints a line for each.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, SimError> {
    let interrupt = Interrupt::listen()?;
    println!("engine                node-hours/min  decisions/s  events/s");
    for engine in arguments.engine.kinds() {
        let measured = speed(engine, Duration::from_secs(60) * arguments.minutes);
        println!("{}", line(&measured));
        if interrupt.pressed() {
            return Ok(ExitCode::from(130));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(measured: &Speed) -> String {
    format!(
        "{:<20}  {:>14.1}  {:>11.2}  {:>8.0}",
        measured.engine,
        measured.node_hours_a_minute(),
        measured.decisions as f64 / measured.virtual_time.as_secs_f64(),
        measured.events as f64 / measured.took.as_secs_f64(),
    )
}
