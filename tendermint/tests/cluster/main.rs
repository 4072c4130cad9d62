//! Clusters of Tendermint replicas in virtual time. The cluster itself checks that honest replicas
//! agree, that proofs convince, and that nobody accuses the honest.

mod adversary;
mod chaos;
mod locks;
mod progress;
mod restart;

use quorate_core::testing::{Cluster, Mock, Options};
use quorate_core::{Height, ReplicaId, Rotation};
use quorate_tendermint::Tendermint;
use std::time::Duration;

type Engine = Tendermint<Mock>;
type Body = quorate_tendermint::Body<Mock>;

fn options(seed: u64, powers: &[u64]) -> Options<Engine> {
    Options {
        seed,
        powers: powers.to_vec(),
        rotation: Rotation::by_height,
        ..Options::default()
    }
}

fn cluster(seed: u64, powers: &[u64]) -> Cluster<Engine> {
    Cluster::new(options(seed, powers))
}

/// Whether every one of `ids` has decided `height`.
fn all_decided(cluster: &Cluster<Engine>, ids: &[ReplicaId], height: u64) -> bool {
    ids.iter().all(|id| cluster.decided(*id) >= Height(height))
}

/// Runs until every one of `ids` has decided `more` heights above the highest of now.
fn expect_progress(
    cluster: &mut Cluster<Engine>,
    what: &str,
    ids: &[ReplicaId],
    more: u64,
    limit: Duration,
) {
    let highest = cluster.heights().into_iter().max().unwrap_or_default();
    let done = |cluster: &Cluster<Engine>| all_decided(cluster, ids, highest.0 + more);
    cluster.expect(what, done, limit);
}

/// Everyone but `absent`.
fn others(cluster: &Cluster<Engine>, absent: &[ReplicaId]) -> Vec<ReplicaId> {
    let mut ids = cluster.ids();
    ids.retain(|id| !absent.contains(id));
    ids
}
