//! Whole clusters of HotStuff replicas in a deterministic world, under both rules.

mod byzantine;
mod faults;
mod normal;
mod random;

use quorate_core::testing::{Cluster, Mock, Options};
use quorate_core::{Height, ReplicaId};
use quorate_hotstuff::{Body, Config, HotStuff};
use std::time::Duration;

/// Both rules, each as a test of its own.
macro_rules! under_both_rules {
    ($($name:ident),* $(,)?) => {
        mod two_chain {
            $(#[test] fn $name() { super::$name::<quorate_hotstuff::TwoChain>(); })*
        }
        mod three_chain {
            $(#[test] fn $name() { super::$name::<quorate_hotstuff::ThreeChain>(); })*
        }
    };
}
pub(crate) use under_both_rules;

type Engine<R> = HotStuff<Mock, R>;
type World<R> = Cluster<Engine<R>>;
type Message = Body<Mock>;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Timeouts that suit the cluster's delays of at most 5 ms.
fn config() -> Config {
    let mut config = Config::default();
    config.view_timeout = Duration::from_millis(100);
    config.timeout_max = Duration::from_secs(2);
    config.idle_after = Duration::from_millis(20);
    config
}

fn options<R: quorate_hotstuff::CommitRule>(seed: u64, powers: &[u64]) -> Options<Engine<R>> {
    Options {
        seed,
        powers: powers.to_vec(),
        config: config(),
        ..Options::default()
    }
}

fn lowest<R: quorate_hotstuff::CommitRule>(world: &World<R>, of: &[ReplicaId]) -> Height {
    of.iter()
        .map(|id| world.decided(*id))
        .min()
        .expect("somebody is asked")
}

/// Everyone but these.
fn others<R: quorate_hotstuff::CommitRule>(
    world: &World<R>,
    without: &[ReplicaId],
) -> Vec<ReplicaId> {
    let mut ids = world.ids();
    ids.retain(|id| !without.contains(id));
    ids
}
