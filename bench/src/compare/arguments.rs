//! The options of `compare`.

use super::load::Rate;
use clap::{Args, ValueEnum};
use quorate::{Engine, NetworkMode, SchemeKind};
use std::path::PathBuf;
use std::time::Duration;

/// Examples at the end of `--help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo compare                                   all three engines, 5 seconds each
  cargo compare --engines hotstuff --scheme both  both commit rules on ed25519 and BLS
  cargo compare --replicas 7 --network both       seven replicas, direct streams and gossip
  cargo compare --rate 200                        latency of a lightly loaded cluster
  cargo compare --stop-leader-at 2 --seconds 8    how long a leader's failure is felt
  cargo compare --silent 1 --json result.json     with a replica that never speaks, and as JSON

The command exits with 1 if an engine decided nothing or its replicas disagree, and with 2 if an
option is wrong. The JSON is described in docs/compare.md.";

/// What to compare, and under which load.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Engines to run, one after the other.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "pbft,hotstuff-two-chain,tendermint"
    )]
    engines: Vec<EngineChoice>,
    /// Replicas of each cluster: 1 to 128.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=128))]
    replicas: u16,
    /// Measured seconds for each row: 1 to 3600. A second of warm-up comes before.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Bytes of each request: 0 to 131072.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(0..=131_072))]
    request_bytes: u32,
    /// Requests a second over all clients, sent when due whether or not earlier ones have been
    /// answered; or `max`: each client keeps requests under way.
    #[arg(long, default_value = "max", value_parser = rate)]
    rate: Rate,
    /// How votes are signed. `auto`: BLS for HotStuff, ed25519 for the others.
    #[arg(long, value_enum, default_value = "auto")]
    scheme: SchemeChoice,
    /// How broadcasts travel. `auto`: direct streams, because all replicas are connected here.
    #[arg(long, value_enum, default_value = "auto")]
    network: NetworkChoice,
    /// Silence the leader after this many measured seconds; its connections stay open.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    stop_leader_at: Option<Duration>,
    /// Replicas that never speak: the last K. More than the cluster tolerates is allowed, and
    /// decides nothing.
    #[arg(long, value_name = "K", default_value_t = 0)]
    silent: u16,
    /// The engines' request, view and propose timeouts, in milliseconds: 10 to 60000.
    #[arg(
        long, value_name = "MS", default_value_t = 500,
        value_parser = clap::value_parser!(u64).range(10..=60_000)
    )]
    timeout: u64,
    /// Write the result as JSON to this file too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EngineChoice {
    Pbft,
    /// Both commit rules.
    Hotstuff,
    HotstuffTwoChain,
    HotstuffThreeChain,
    Tendermint,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SchemeChoice {
    Auto,
    Ed25519,
    Bls,
    Both,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NetworkChoice {
    Auto,
    Direct,
    Gossip,
    Both,
}

/// One row to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) engine: Engine,
    pub(crate) scheme: SchemeKind,
    pub(crate) network: NetworkMode,
    pub(crate) replicas: usize,
    pub(crate) silent: usize,
    pub(crate) seconds: Duration,
    pub(crate) request_bytes: usize,
    pub(crate) rate: Rate,
    pub(crate) stop_leader_at: Option<Duration>,
    pub(crate) timeout: Duration,
}

/// An option does not fit the others.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgumentError {
    #[error("--silent {silent} leaves none of {replicas} replicas to speak; use fewer")]
    AllSilent { silent: u16, replicas: u16 },
    #[error(
        "--stop-leader-at {at:?} is not within the {seconds} measured seconds; use an earlier \
         time, or more --seconds"
    )]
    StopTooLate { at: Duration, seconds: u32 },
}

impl Arguments {
    /// The rows to run, in order.
    ///
    /// # Errors
    ///
    /// If options contradict each other.
    pub(crate) fn plans(&self) -> Result<Vec<Plan>, ArgumentError> {
        if self.silent >= self.replicas {
            let (silent, replicas) = (self.silent, self.replicas);
            return Err(ArgumentError::AllSilent { silent, replicas });
        }
        let seconds = Duration::from_secs(self.seconds.into());
        if let Some(at) = self.stop_leader_at.filter(|at| *at >= seconds) {
            return Err(ArgumentError::StopTooLate {
                at,
                seconds: self.seconds,
            });
        }
        let mut plans = Vec::new();
        for engine in self.engines() {
            for scheme in self.schemes(engine) {
                for network in self.networks() {
                    plans.push(Plan {
                        engine,
                        scheme,
                        network,
                        replicas: self.replicas.into(),
                        silent: self.silent.into(),
                        seconds,
                        request_bytes: self.request_bytes as usize,
                        rate: self.rate,
                        stop_leader_at: self.stop_leader_at,
                        timeout: Duration::from_millis(self.timeout),
                    });
                }
            }
        }
        Ok(plans)
    }

    /// The engines asked for, each once.
    fn engines(&self) -> Vec<Engine> {
        let mut engines = Vec::new();
        for choice in &self.engines {
            let chosen: &[Engine] = match choice {
                EngineChoice::Pbft => &[Engine::Pbft],
                EngineChoice::Hotstuff => &[Engine::HotStuffTwoChain, Engine::HotStuffThreeChain],
                EngineChoice::HotstuffTwoChain => &[Engine::HotStuffTwoChain],
                EngineChoice::HotstuffThreeChain => &[Engine::HotStuffThreeChain],
                EngineChoice::Tendermint => &[Engine::Tendermint],
            };
            for engine in chosen {
                if !engines.contains(engine) {
                    engines.push(*engine);
                }
            }
        }
        engines
    }

    fn schemes(&self, engine: Engine) -> Vec<SchemeKind> {
        match self.scheme {
            SchemeChoice::Auto => vec![engine.usual_scheme()],
            SchemeChoice::Ed25519 => vec![SchemeKind::Ed25519],
            SchemeChoice::Bls => vec![SchemeKind::Bls],
            SchemeChoice::Both => vec![SchemeKind::Ed25519, SchemeKind::Bls],
        }
    }

    fn networks(&self) -> Vec<NetworkMode> {
        match self.network {
            NetworkChoice::Auto => vec![NetworkMode::Auto],
            NetworkChoice::Direct => vec![NetworkMode::Direct],
            NetworkChoice::Gossip => vec![NetworkMode::Gossip],
            NetworkChoice::Both => vec![NetworkMode::Direct, NetworkMode::Gossip],
        }
    }
}

fn rate(text: &str) -> Result<Rate, String> {
    if text == "max" {
        return Ok(Rate::Max);
    }
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=10_000_000.0).contains(&rate) => Ok(Rate::PerSecond(rate)),
        _ => Err("give `max`, or requests a second from 0.1 to 10000000".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("give seconds from 0 to 3600".into()),
    }
}
