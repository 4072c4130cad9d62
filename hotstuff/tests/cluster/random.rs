//! Random worlds: anything may happen for a while, then the world heals and everyone decides.

use crate::{World, config, lowest, others, seconds, under_both_rules};
use quorate_core::testing::{Options, Random};
use quorate_core::{Height, Payload, ReplicaId};
use quorate_hotstuff::{Block, Body, Certificate, CommitRule, FullBlock, Proposal, Vote};
use std::time::Duration;

const SEEDS: u64 = 250;

/// What a faulty replica does, drawn anew for each message.
fn lie<R: CommitRule>(world: &mut World<R>, liar: ReplicaId, seed: u64) {
    let mut random = Random::new(seed ^ 0x11a5);
    let mut seen: Vec<Certificate<_>> = Vec::new();
    world.corrupt(liar, move |to, body| {
        let honest = (to, body.clone());
        match (body, random.below(6)) {
            (_, 0) => vec![],
            (Body::Proposal(proposal), lie @ 1..=4) => {
                let header = proposal.block().header;
                let mut justify = proposal.block().justify.clone();
                seen.push(justify.clone());
                if lie >= 3 {
                    justify = seen[random.below(seen.len() as u64) as usize].clone();
                }
                let payload = Payload::new(random.number().to_be_bytes().to_vec());
                let full = FullBlock {
                    block: Block::extending(justify, header.view, *payload.digest()),
                    payload,
                };
                let timeout = proposal.timeout.clone();
                let lie = (to, Body::Proposal(Proposal { full, timeout }));
                if random.chance(500) {
                    vec![lie]
                } else {
                    vec![honest, lie]
                }
            }
            (Body::Vote(vote), 1) => {
                let second = Vote {
                    commits: None,
                    height: vote.height.next(),
                    ..*vote
                };
                vec![honest, (to, Body::Vote(second))]
            }
            (Body::Timeout(timeout), 1 | 2) => {
                // Hides its highest certificate and its vote.
                let mut timeout = timeout.clone();
                if let Some(older) = seen.last().filter(|qc| qc.view() < timeout.view) {
                    timeout.high_qc = older.clone();
                }
                timeout.vote = None;
                vec![(to, Body::Timeout(timeout))]
            }
            _ => vec![honest],
        }
    });
}

fn anything_may_happen<R: CommitRule>() {
    let (mut evidence, mut decided) = (0, 0);
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let shapes: [&[u64]; 5] = [&[1; 4], &[1; 5], &[1; 7], &[2, 1, 1, 1, 2], &[1; 4]];
        let powers = shapes[random.below(5) as usize];
        let mut world = World::<R>::new(Options {
            seed,
            powers: powers.to_vec(),
            config: config(),
            loss: random.below(100) as u32,
            duplication: random.below(50) as u32,
            delay: Duration::from_millis(1)..=Duration::from_millis(1 + random.below(60)),
            disk: Duration::from_micros(100)..=Duration::from_millis(1 + random.below(20)),
            transfer_beyond: random.chance(300).then_some(24),
            ..Options::default()
        });
        let ids = world.ids();
        let liar = ReplicaId(random.below(ids.len() as u64) as u16);
        // One replica of power 1 is never more than the cluster can bear.
        let lies = random.chance(600) && powers[liar.index()] == 1;
        if lies {
            lie(&mut world, liar, seed);
        }
        for _ in 0..12 {
            disturb(&mut world, &mut random);
            world.run_for(Duration::from_millis(random.below(400)));
        }
        world.heal_all();
        for id in &ids {
            if !world.is_running(*id) {
                world.restart(*id);
            }
        }
        let honest = others(&world, &if lies { vec![liar] } else { vec![] });
        let highest = world
            .heights()
            .into_iter()
            .max()
            .map_or(0, |height| height.0);
        let target = Height(highest + 5);
        world.expect(
            "everyone goes on",
            |world| lowest(world, &honest) >= target,
            seconds(200),
        );
        evidence += world.evidence().len();
        decided += highest;
    }
    assert!(
        evidence > 0,
        "no lie was ever proved: the worlds are too kind"
    );
    assert!(
        decided > 5 * SEEDS,
        "the worlds are too harsh: {decided} decisions"
    );
}

fn disturb<R: CommitRule>(world: &mut World<R>, random: &mut Random) {
    let ids = world.ids();
    let one = ids[random.below(ids.len() as u64) as usize];
    match random.below(8) {
        0 => world.stop(one),
        1 => {
            if !world.is_running(one) {
                world.restart(one);
            }
        }
        2 => world.restart(one),
        3 => ids.iter().for_each(|id| world.restart(*id)),
        4 => {
            let (left, right): (Vec<_>, Vec<_>) = ids.iter().partition(|_| random.chance(500));
            world.partition(&[&left, &right]);
        }
        5 => {
            let other = ids[random.below(ids.len() as u64) as usize];
            if one != other {
                world.cut(one, other);
            }
        }
        _ => world.heal_all(),
    }
}

under_both_rules!(anything_may_happen);
