//! A replica's keys, as a program: `keygen` makes them, `public` shows what others need of them.
//!
//! Running a replica as a process of its own grows here; until then, programs embed one with the
//! `quorate` crate.

use clap::{Parser, Subcommand, ValueEnum};
use quorate::{ReplicaKeys, SchemeKind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  quorate-node keygen replica-0.key                 make keys, and print the public part
  quorate-node public replica-0.key --scheme bls    print the public part for BLS
  quorate-node public replica-0.key --power 3       ... of a validator with three votes";

#[derive(Debug, Parser)]
#[command(name = "quorate-node", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a replica's private keys, in a file that only its owner can read.
    Keygen {
        /// The file to make. It must not exist.
        file: PathBuf,
        #[command(flatten)]
        public: Public,
    },
    /// Print the public part of a key file: what the other members list.
    Public {
        /// The key file.
        file: PathBuf,
        #[command(flatten)]
        public: Public,
    },
}

#[derive(Debug, clap::Args)]
struct Public {
    /// The scheme that the cluster's votes are signed with.
    #[arg(long, value_enum, default_value = "ed25519")]
    scheme: Scheme,
    /// The validator's voting power, at least 1.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    power: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scheme {
    Ed25519,
    Bls,
}

impl Scheme {
    const fn kind(self) -> SchemeKind {
        match self {
            Self::Ed25519 => SchemeKind::Ed25519,
            Self::Bls => SchemeKind::Bls,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Command::Keygen { file, public } => keygen(file, public),
        Command::Public { file, public } => show(file, public),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn keygen(file: &Path, public: &Public) -> Result<(), Box<dyn std::error::Error>> {
    let keys = ReplicaKeys::random()?;
    keys.save(file)?;
    eprintln!(
        "wrote {}; keep it secret, and never run two replicas with it",
        file.display()
    );
    print(&keys, public)
}

fn show(file: &Path, public: &Public) -> Result<(), Box<dyn std::error::Error>> {
    print(&ReplicaKeys::load(file)?, public)
}

fn print(keys: &ReplicaKeys, public: &Public) -> Result<(), Box<dyn std::error::Error>> {
    let validator = public.scheme.kind().validator(keys, public.power);
    println!("{}", serde_json::to_string_pretty(&validator)?);
    Ok(())
}
