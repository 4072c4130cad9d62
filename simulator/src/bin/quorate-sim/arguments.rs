//! The command line.

use crate::engines::{EngineChoice, OneEngine};
use crate::overrides::Overrides;
use clap::{Args, Parser, Subcommand};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

const RUN_EXAMPLES: &str = "\
Examples:
  quorate-sim run                                    300 seeds of every engine
  quorate-sim run --engine pbft --seeds 5000         many seeds of one engine
  quorate-sim run --from 5000 --seeds 5000           the next ones
  quorate-sim run --seeds 50 --scheme bls            with real signatures
  quorate-sim run --replicas 4 --loss 200            a small cluster on a bad network
  quorate-sim run --no-adversaries --no-crashes      what is left without two kinds of faults
  quorate-sim run --json result.json --jobs 2        two threads, and totals as JSON

A seed decides everything that is not overridden, so each failing seed is printed with the command
that replays it. The command exits with 1 if a seed has failed, with 2 if an option is wrong, and
with 130 after Ctrl-C, which waits for the seeds under way and prints what has been done.";

const REPLAY_EXAMPLES: &str = "\
Examples:
  quorate-sim replay 17 --engine pbft                      every event of a run, one a line
  quorate-sim replay 17 --engine pbft --until 12.5         only what came before 12.5 s
  quorate-sim replay 17 --engine pbft --since 12 --replica 2
  quorate-sim replay 17 --engine pbft --trace out.jsonl    the same as JSON lines, in a file
  quorate-sim replay 17 --engine pbft --quiet              only how it ended, and its hash

Give the overrides that the seed was run with. The last line has the trace hash, which is the same
on every machine and in every build of the same source. The JSON is described in
docs/simulation.md. The command exits with 1 if the run fails, as it did before.";

const SPEED_EXAMPLES: &str = "\
Examples:
  quorate-sim speed                                  every engine, ten simulated minutes each
  quorate-sim speed --engine tendermint --minutes 60

Four replicas without faults, with all oracles, on one core; about a decision a second. A node-hour
is one replica running for one virtual hour.";

/// Runs Quorate's production code in a seeded world with faults and adversaries, and checks on
/// every event that nothing goes wrong.
#[derive(Debug, Parser)]
#[command(name = "quorate-sim", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run many seeds, and print those that fail.
    Run(Run),
    /// Run one seed again, and print what happens.
    Replay(Replay),
    /// Measure how fast simulated time passes.
    Speed(Speed),
}

#[derive(Args, Debug)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct Run {
    /// The engine to run, or all, one after the other.
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) engine: EngineChoice,
    /// How many seeds of each engine.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub(crate) from: u64,
    /// Threads; each runs one seed at a time. By default one for each processor.
    #[arg(long, value_name = "J")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Go on to the next engine when so many seeds have failed.
    #[arg(long, value_name = "K", default_value = "20")]
    pub(crate) max_failures: NonZeroUsize,
    /// Write the totals and the failures as JSON to this file too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
}

#[derive(Args, Debug)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(crate) struct Replay {
    /// The seed.
    pub(crate) seed: u64,
    /// The engine.
    #[arg(long, value_enum)]
    pub(crate) engine: OneEngine,
    /// Leave out what happens after this virtual second. The run still goes to its end.
    #[arg(long, value_name = "T", value_parser = seconds)]
    pub(crate) until: Option<Duration>,
    /// Leave out what happens before this virtual second.
    #[arg(long, value_name = "T", value_parser = seconds)]
    pub(crate) since: Option<Duration>,
    /// Only what happens at this replica; may be given several times.
    #[arg(long, value_name = "ID")]
    pub(crate) replica: Vec<u16>,
    /// Print no events, only the outcome.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Write the events to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
}

#[derive(Args, Debug)]
#[command(after_help = SPEED_EXAMPLES)]
pub(crate) struct Speed {
    /// The engine to measure, or all, one after the other.
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) engine: EngineChoice,
    /// Simulated minutes of each engine: 1 to 1440.
    #[arg(long, value_name = "M", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub(crate) minutes: u32,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::try_from_secs_f64);
    match seconds {
        Some(Ok(time)) => Ok(time),
        _ => Err("give seconds, such as 12.5".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_is_valid() {
        for examples in [RUN_EXAMPLES, REPLAY_EXAMPLES, SPEED_EXAMPLES] {
            let lines = examples.lines().map(str::trim_start);
            let lines: Vec<_> = lines
                .filter(|line| line.starts_with("quorate-sim "))
                .collect();
            assert!(lines.len() > 1);
            for line in lines {
                let command = line.split("   ").next().unwrap_or(line);
                let parsed = Cli::try_parse_from(command.split_whitespace());
                assert!(parsed.is_ok(), "{command}: {parsed:?}");
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "quorate-sim",
            "quorate-sim run --engine raft",
            "quorate-sim run --seeds 0",
            "quorate-sim run --jobs 0",
            "quorate-sim run --replicas 0",
            "quorate-sim run --loss 1001",
            "quorate-sim replay --engine pbft",
            "quorate-sim replay 3",
            "quorate-sim replay 3 --engine all",
            "quorate-sim replay 3 --engine pbft --until -1",
            "quorate-sim replay 3 --engine pbft --until NaN",
            "quorate-sim speed --minutes 0",
        ] {
            assert!(
                Cli::try_parse_from(line.split_whitespace()).is_err(),
                "{line}"
            );
        }
    }
}
