//! Random misfortune: partitions, crashes, losses and a liar, for many seeds. The cluster checks
//! agreement and that honest replicas are never accused; here it is checked that they go on once
//! it is over.

use crate::{Body, Engine, expect_progress, options, others};
use quorate_core::testing::{Cluster, Options, Random};
use quorate_core::{Digest, Note, Payload, Protocol, ReplicaId, View};
use quorate_tendermint::{Proposal, Value, Vote};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// What must have happened in some runs, or they show nothing.
#[derive(Debug, Default)]
struct Sometimes {
    later_rounds: u32,
    later_locks: u32,
    proposed_again: Rc<Cell<u32>>,
    certificates: Rc<Cell<u32>>,
}

impl Sometimes {
    /// Watches what is sent.
    fn watch(&self, cluster: &mut Cluster<Engine>) {
        let (again, shown) = (self.proposed_again.clone(), self.certificates.clone());
        cluster.block(move |_, _, body| {
            match body {
                Body::Proposal(proposal) if proposal.polka.is_some() => again.set(again.get() + 1),
                Body::Certificate(_) => shown.set(shown.get() + 1),
                _ => {}
            }
            false
        });
    }

    /// Counts what was noted; nobody may be left without a deadline.
    fn count(&mut self, cluster: &Cluster<Engine>) {
        for (_, note) in cluster.notes() {
            match note {
                Note::Decided(_, round) if *round > View::ZERO => self.later_rounds += 1,
                Note::Locked(_, round) if *round > View::ZERO => self.later_locks += 1,
                _ => {}
            }
        }
        for id in cluster.ids() {
            let engine = cluster.engine(id).expect("all are up again");
            assert!(engine.deadline().is_some(), "{id:?} waits for ever");
        }
    }

    fn assert_all(&self) {
        let counts = [
            self.later_rounds,
            self.later_locks,
            self.proposed_again.get(),
            self.certificates.get(),
        ];
        assert!(counts.iter().all(|count| *count > 10), "{self:?}");
    }
}

/// A replica that says the opposite to every other one, proposes different values to different
/// replicas, and now and then says nothing.
fn lie(cluster: &mut Cluster<Engine>, liar: ReplicaId, seed: u64) {
    let mut random = Random::new(seed);
    cluster.corrupt(liar, move |to, body| {
        let other = |vote: &Vote, random: &mut Random| Vote {
            value: match (vote.value.payload(), random.below(3)) {
                (_, 0) => Value::NIL,
                (Some(digest), 1) => Value::of(digest),
                _ => Value::of(Digest([random.below(3) as u8 + 1; 32])),
            },
            ..*vote
        };
        let body = match (body, random.below(3)) {
            (body, 0) => body.clone(),
            (Body::Prevote(vote), _) => Body::Prevote(other(vote, &mut random)),
            (Body::Precommit(vote), _) => Body::Precommit(other(vote, &mut random)),
            (Body::Proposal(proposal), _) => {
                let payload = Payload::new(vec![to.0 as u8 % 2; 3]);
                Body::Proposal(Proposal {
                    payload,
                    polka: None,
                    ..proposal.clone()
                })
            }
            (body, _) => body.clone(),
        };
        if random.chance(150) {
            return Vec::new();
        }
        vec![(to, body)]
    });
}

/// Ten times: a partition, a crash, or peace, for a while.
fn torment(cluster: &mut Cluster<Engine>, random: &mut Random) {
    let ids = cluster.ids();
    for _ in 0..10 {
        match random.below(4) {
            0 => {
                let cut = random.below(ids.len() as u64) as usize;
                let (left, right) = ids.split_at(cut);
                cluster.partition(&[left, right]);
            }
            1 => cluster.restart(ids[random.below(ids.len() as u64) as usize]),
            2 => cluster.stop(ids[random.below(ids.len() as u64) as usize]),
            _ => cluster.heal_all(),
        }
        let pause = Duration::from_millis(20)..=Duration::from_millis(1500);
        cluster.run_for(random.duration(&pause));
    }
    cluster.heal_all();
    for id in ids {
        if !cluster.is_running(id) {
            cluster.restart(id);
        }
    }
}

fn chaotic(seed: u64, random: &mut Random) -> Cluster<Engine> {
    let powers: &[u64] = match random.below(4) {
        0 => &[1; 5],
        1 => &[2, 1, 1, 1, 2],
        2 => &[1; 7],
        _ => &[1; 4],
    };
    Cluster::new(Options {
        loss: random.below(150) as u32,
        duplication: random.below(50) as u32,
        delay: Duration::from_millis(1)..=Duration::from_millis(1 + random.below(60)),
        transfer_beyond: random.chance(500).then_some(8),
        ..options(seed, powers)
    })
}

#[test]
fn honest_replicas_agree_and_go_on_after_anything() {
    let mut sometimes = Sometimes::default();
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let mut cluster = chaotic(seed, &mut random);
        sometimes.watch(&mut cluster);
        torment(&mut cluster, &mut random);
        let ids = cluster.ids();
        expect_progress(&mut cluster, "progress", &ids, 3, Duration::from_secs(120));
        sometimes.count(&cluster);
    }
    sometimes.assert_all();
}

#[test]
fn honest_replicas_agree_and_go_on_whatever_one_says() {
    let (mut convicted, mut sometimes) = (0, Sometimes::default());
    for seed in 1000..1150 {
        let mut random = Random::new(seed);
        let mut cluster = chaotic(seed, &mut random);
        let liar = ReplicaId(1);
        lie(&mut cluster, liar, seed);
        sometimes.watch(&mut cluster);
        torment(&mut cluster, &mut random);
        let honest = others(&cluster, &[liar]);
        expect_progress(
            &mut cluster,
            "progress",
            &honest,
            3,
            Duration::from_secs(240),
        );
        convicted += u32::from(!cluster.evidence().is_empty());
        sometimes.count(&cluster);
    }
    sometimes.assert_all();
    assert!(convicted > 100, "only {convicted} runs convicted the liar");
}
