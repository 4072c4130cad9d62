//! Random partitions, crashes, loss and doubling. The cluster checks agreement, order, proofs, and
//! that nobody honest is blamed; here the run must also go on once the network heals.

use crate::{Engine, SECOND, reached, with_powers};
use quorate_core::ReplicaId;
use quorate_core::testing::{Cluster, Options, Random};
use quorate_pbft::Config;
use std::time::Duration;

/// One run: `rounds` of trouble, then a heal, and progress.
fn run(seed: u64, rounds: u32) -> (u64, u64) {
    let mut random = Random::new(seed ^ 0x5eed);
    let sizes: [&[u64]; 5] = [&[1; 4], &[1; 4], &[1; 5], &[1; 7], &[3, 2, 2, 1, 1]];
    let powers = sizes[random.below(sizes.len() as u64) as usize];
    let mut cluster = Cluster::<Engine>::new(Options {
        delay: Duration::from_millis(2)..=Duration::from_millis(15),
        loss: random.below(150) as u32,
        duplication: random.below(100) as u32,
        transfer_beyond: random.chance(500).then_some(20),
        checkpoint_every: Some(1 + random.below(8)),
        config: Config {
            request_timeout: Duration::from_millis(200),
            timeout_max: Duration::from_secs(4),
            window: 64,
            in_flight: 1 + random.below(6),
            #[cfg(feature = "planted-bugs")]
            planted: None,
        },
        ..with_powers(seed, powers)
    });
    let ids = cluster.ids();
    for _ in 0..rounds {
        trouble(&mut cluster, &mut random, &ids);
        cluster.run_for(Duration::from_millis(random.below(1000)));
    }
    cluster.heal_all();
    for id in &ids {
        cluster.unsilence(*id);
        if !cluster.is_running(*id) {
            cluster.restart(*id);
        }
    }
    let highest = cluster.heights().into_iter().max().unwrap_or_default();
    cluster.expect(
        "progress after healing",
        reached(ids, highest.0 + 20),
        60 * SECOND,
    );
    let highest_view = cluster
        .ids()
        .into_iter()
        .filter_map(|id| cluster.status(id));
    let highest_view = highest_view.map(|status| status.place.view.0).max();
    (highest.0, highest_view.unwrap_or(0))
}

fn trouble(cluster: &mut Cluster<Engine>, random: &mut Random, ids: &[ReplicaId]) {
    let some = |random: &mut Random| ids[random.below(ids.len() as u64) as usize];
    match random.below(8) {
        0 => {
            let cut = random.below(1 << ids.len());
            let group = |side: bool| -> Vec<_> {
                let in_group = ids.iter().filter(|id| (cut >> id.0 & 1 == 1) == side);
                in_group.copied().collect()
            };
            cluster.heal_all();
            cluster.partition(&[&group(true), &group(false)]);
        }
        1 => cluster.cut(some(random), some(random)),
        2 | 3 => cluster.restart(some(random)),
        4 => cluster.stop(some(random)),
        5 => {
            for id in ids {
                cluster.restart(*id);
            }
        }
        6 => cluster.silence(some(random)),
        _ => {
            cluster.heal_all();
            for id in ids {
                cluster.unsilence(*id);
                if !cluster.is_running(*id) {
                    cluster.restart(*id);
                }
            }
        }
    }
}

/// Runs these seeds, and checks that they tried something.
fn campaign(seeds: std::ops::Range<u64>) {
    let count = seeds.end - seeds.start;
    let runs: Vec<_> = seeds.map(|seed| run(seed, 10)).collect();
    let decided: u64 = runs.iter().map(|(decided, _)| decided).sum();
    let views = runs.iter().filter(|(_, view)| *view >= 2).count() as u64;
    assert!(decided > count * 30, "only {decided} decisions");
    assert!(views > count / 5, "only {views} runs changed views twice");
}

// Two halves, because tests run beside each other.
#[test]
fn random_trouble_never_forks_and_ends_when_the_network_heals() {
    campaign(0..110);
}

#[test]
fn more_random_trouble_never_forks_and_ends_when_the_network_heals() {
    campaign(110..220);
}
