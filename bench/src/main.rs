//! Runs Quorate's engines side by side, on real sockets, signatures and disks, and shows what each
//! costs.

mod compare;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

#[derive(Debug, Parser)]
#[command(name = "quorate-bench", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a cluster of each engine on loopback, load them alike, and print one table.
    Compare(compare::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // `RUST_LOG=info cargo compare` tells what happens inside.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let Command::Compare(arguments) = cli.command;
    match compare::run(&arguments) {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    }
}
