//! The engine in a deterministic cluster: disks that lose, networks that drop, replicas that lie.

mod adversary;
mod chaos;
#[cfg(feature = "planted-bugs")]
mod planted;
mod progress;
mod restart;
mod view_change;

use quorate_core::testing::{Cluster, Mock, Options};
use quorate_core::{Height, ReplicaId};
use quorate_pbft::Pbft;
use std::time::Duration;

type Engine = Pbft<Mock>;

const SECOND: Duration = Duration::from_secs(1);

fn with_powers(seed: u64, powers: &[u64]) -> Options<Engine> {
    Options {
        seed,
        powers: powers.to_vec(),
        ..Options::default()
    }
}

fn options(seed: u64) -> Options<Engine> {
    Options {
        seed,
        ..Options::default()
    }
}

fn r(id: u16) -> ReplicaId {
    ReplicaId(id)
}

/// Whether all these replicas have decided this height.
fn reached(ids: Vec<ReplicaId>, height: u64) -> impl FnMut(&Cluster<Engine>) -> bool {
    move |cluster| ids.iter().all(|id| cluster.decided(*id) >= Height(height))
}

/// All replicas but these.
fn others(cluster: &Cluster<Engine>, but: &[ReplicaId]) -> Vec<ReplicaId> {
    let mut ids = cluster.ids();
    ids.retain(|id| !but.contains(id));
    ids
}
