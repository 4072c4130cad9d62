//! The common case, and replicas that fall silent.

use quorate_core::testing::{Cluster, Load, Mock, Options};
use quorate_core::{Body as _, Height, Protocol, ReplicaId};
use quorate_hotstuff::{Body, CommitRule, Config, HotStuff, ThreeChain, TwoChain};
use std::time::Duration;

type Engine<R> = HotStuff<Mock, R>;

fn options<R: CommitRule>(seed: u64, powers: &[u64]) -> Options<Engine<R>> {
    Options {
        seed,
        powers: powers.to_vec(),
        ..Options::default()
    }
}

fn decides<R: CommitRule>(powers: &[u64]) {
    let mut cluster = Cluster::new(options::<R>(1, powers));
    for id in cluster.ids() {
        cluster.expect(
            "everyone decides",
            |cluster| cluster.decided(id) >= Height(50),
            Duration::from_secs(20),
        );
    }
}

#[test]
fn clusters_of_every_shape_decide() {
    for powers in [
        &[1][..],
        &[1; 4],
        &[1; 5],
        &[1; 7],
        &[1; 10],
        &[3, 1, 4, 1, 5],
        &[10, 1, 1],
    ] {
        decides::<TwoChain>(powers);
        decides::<ThreeChain>(powers);
    }
}
