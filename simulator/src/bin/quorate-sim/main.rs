//! `quorate-sim`: runs seeds, replays one, and measures how fast that is.

mod arguments;
mod engines;
mod error;
mod interrupt;
mod overrides;
mod panics;
mod replay;
mod run;
mod speed;
mod totals;

use arguments::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    panics::watch();
    let result = match &cli.command {
        Command::Run(arguments) => run::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Speed(arguments) => speed::run(arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        error.exit_code()
    })
}
