//! Replicas that are not all connected: 0 – 1 – 2 – 3.

use crate::support::{Site, Snapshots, agreed, submit, until, within};
use quorate::{ClientId, Engine, Height, NetworkMode, ReplicaHandle};

/// Nobody listens there.
const NOWHERE: &str = "127.0.0.1:1";

const CHECKPOINT_INTERVAL: u64 = 4;

async fn start() -> Vec<ReplicaHandle> {
    let mut site = Site::new(Engine::Pbft);
    site.network = NetworkMode::Gossip;
    let mut replicas = Vec::new();
    for index in 0..4usize {
        let mut members = site.members.clone();
        for (other, member) in members.iter_mut().enumerate() {
            if other.abs_diff(index) > 1 {
                member.address = NOWHERE.into();
            }
        }
        let builder = site.builder(index, Snapshots::Missing).members(members);
        let builder = builder.in_memory().configure(|config| {
            config.driver.checkpoint_interval = CHECKPOINT_INTERVAL;
        });
        replicas.push(builder.start().await.expect("it starts"));
    }
    replicas
}

/// The replicas at the ends need the vote of one that they are not connected to, so those between
/// them must pass on what they have found good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoint_votes_are_passed_on() {
    let replicas = start().await;
    let connected = || replicas.iter().map(|replica| replica.traffic().connected);
    until("the chain", || connected().eq([1, 2, 2, 1])).await;
    let count = 2 * CHECKPOINT_INTERVAL as usize;
    for _ in 0..count {
        submit(&replicas[0], ClientId(1), 1).await;
    }
    agreed(&replicas.iter().collect::<Vec<_>>(), count).await;
    let stable = |replica: &ReplicaHandle| replica.status().stable >= Height(CHECKPOINT_INTERVAL);
    until("stable everywhere", || replicas.iter().all(stable)).await;
    assert!(connected().eq([1, 2, 2, 1]), "it is a chain still");
    for replica in &replicas {
        within("the stop", replica.stop()).await;
    }
}
