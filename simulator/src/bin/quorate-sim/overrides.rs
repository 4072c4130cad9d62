//! What the command line says about a run instead of its seed.

use clap::{Args, ValueEnum};
use quorate_simulator::{SchemeKind, Setting};
use std::fmt::Write as _;
use std::time::Duration;

/// How replicas sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemeChoice {
    /// The mock scheme, and real ones in one seed of a hundred.
    #[default]
    Auto,
    Mock,
    Ed25519,
    Bls,
}

impl SchemeChoice {
    const fn kind(self) -> Option<SchemeKind> {
        match self {
            Self::Auto => None,
            Self::Mock => Some(SchemeKind::Mock),
            Self::Ed25519 => Some(SchemeKind::Ed25519),
            Self::Bls => Some(SchemeKind::Bls),
        }
    }
}

/// Whether a kind of fault happens, as far as the seed wants it.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Instead of what the seed says")]
pub(crate) struct Overrides {
    /// How replicas sign. `auto`: with a keyed hash, and for real in one seed of a hundred.
    #[arg(long, value_enum, default_value = "auto")]
    scheme: SchemeChoice,
    /// How many replicas there are, each with power 1: 1 to 64.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    replicas: Option<u16>,
    /// The engines' request or view timeout in milliseconds: 10 to 60000.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(10..=60_000))]
    timeout: Option<u64>,
    /// Messages lost while there is trouble, in a thousand.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    loss: Option<u32>,
    /// Messages that arrive twice while there is trouble, in a thousand.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    duplication: Option<u32>,
    /// Messages held back while there is trouble, in a thousand.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    reordering: Option<u32>,
    /// Heights between checkpoints: 1 to 1000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    checkpoint_interval: Option<u64>,
    /// No replica crashes (but for adversaries that do so).
    #[arg(long)]
    no_crashes: bool,
    /// No replica loses its disks, and none is expected to.
    #[arg(long)]
    no_amnesia: bool,
    /// No link is cut.
    #[arg(long)]
    no_partitions: bool,
    /// Every replica follows the protocol, but for those that lose their disks.
    #[arg(long)]
    no_adversaries: bool,
    /// No sync and no store fails.
    #[arg(long)]
    no_disk_failures: bool,
    /// All clocks show virtual time.
    #[arg(long)]
    no_clock_faults: bool,
}

impl Overrides {
    /// The setting of a seed, and then these.
    pub(crate) fn setting(&self, seed: u64) -> Setting {
        let mut setting = Setting::draw(seed);
        if let Some(scheme) = self.scheme.kind() {
            setting.scheme = scheme;
        }
        if let Some(replicas) = self.replicas {
            setting.set_replicas(replicas.into());
        }
        if let Some(timeout) = self.timeout {
            setting.set_timeout(Duration::from_millis(timeout));
        }
        let network = &mut setting.world.network;
        network.loss = self.loss.unwrap_or(network.loss);
        network.duplication = self.duplication.unwrap_or(network.duplication);
        network.reordering = self.reordering.unwrap_or(network.reordering);
        let interval = &mut setting.world.checkpoint_interval;
        *interval = self.checkpoint_interval.unwrap_or(*interval);
        self.spare(&mut setting);
        setting
    }

    /// Takes out the kinds of faults that are not wanted.
    fn spare(&self, setting: &mut Setting) {
        if self.no_crashes {
            setting.troubles.crash_every = Duration::ZERO;
        }
        if self.no_amnesia {
            setting.amnesic.clear();
        }
        if self.no_partitions {
            setting.troubles.part_every = Duration::ZERO;
        }
        if self.no_adversaries {
            setting.adversaries.clear();
        }
        if self.no_disk_failures {
            setting.world.disk.sync_failures = 0;
            setting.world.disk.store_failures = 0;
        }
        if self.no_clock_faults {
            setting.world.clocks.clear();
        }
    }

    /// The same on a command line, with a space before each.
    pub(crate) fn options(&self) -> String {
        let mut text = String::new();
        if let Some(scheme) = self.scheme.kind() {
            let _ = write!(text, " --scheme {scheme}");
        }
        let numbers = [
            ("replicas", self.replicas.map(u64::from)),
            ("timeout", self.timeout),
            ("loss", self.loss.map(u64::from)),
            ("duplication", self.duplication.map(u64::from)),
            ("reordering", self.reordering.map(u64::from)),
            ("checkpoint-interval", self.checkpoint_interval),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                let _ = write!(text, " --{name} {number}");
            }
        }
        let switches = [
            ("crashes", self.no_crashes),
            ("amnesia", self.no_amnesia),
            ("partitions", self.no_partitions),
            ("adversaries", self.no_adversaries),
            ("disk-failures", self.no_disk_failures),
            ("clock-faults", self.no_clock_faults),
        ];
        for (name, _) in switches.iter().filter(|(_, off)| *off) {
            let _ = write!(text, " --no-{name}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        overrides: Overrides,
    }

    fn parse(line: &str) -> Overrides {
        Only::parse_from(line.split_whitespace()).overrides
    }

    #[test]
    fn options_can_be_given_again() {
        let all = "sim --scheme bls --replicas 7 --timeout 500 --loss 1 --duplication 2 \
                   --reordering 3 --checkpoint-interval 5 --no-crashes --no-amnesia \
                   --no-partitions --no-adversaries --no-disk-failures --no-clock-faults";
        let words = |text: &str| {
            text.split_whitespace()
                .map(String::from)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&parse(all).options()), words(all)[1..]);
        assert_eq!(parse("sim").options(), "");
        let some = parse("sim --no-crashes --loss 0");
        assert_eq!(parse(&format!("sim{}", some.options())), some);
    }

    #[test]
    fn nothing_overridden_is_the_seed() {
        for seed in 0..50 {
            assert_eq!(parse("sim").setting(seed), Setting::draw(seed));
        }
    }

    #[test]
    fn what_is_overridden_holds() {
        let line = "sim --scheme ed25519 --replicas 5 --timeout 500 --loss 1 --duplication 2 \
                    --reordering 3 --checkpoint-interval 5 --no-crashes --no-amnesia \
                    --no-partitions --no-adversaries --no-disk-failures --no-clock-faults";
        for seed in 0..50 {
            let setting = parse(line).setting(seed);
            assert_eq!(setting.replicas(), 5);
            assert_eq!(setting.scheme, SchemeKind::Ed25519);
            assert_eq!(setting.world.timeout, Duration::from_millis(500));
            let network = &setting.world.network;
            assert_eq!(
                (network.loss, network.duplication, network.reordering),
                (1, 2, 3)
            );
            assert_eq!(setting.world.checkpoint_interval, 5);
            assert!(setting.faulty().is_empty() && setting.world.clocks.is_empty());
        }
    }
}
