//! Frames that no correct peer sends, to replicas that run PBFT.

use super::attacks::{Attack, attacks, counts_by_cause};
use super::*;
use quorate_core::{Body as _, Payload, View};
use quorate_pbft::{Body, Pbft, Vote};

type Engine = Pbft<Ed25519>;

fn prepare(height: u64, payload: &str) -> <Engine as Protocol>::Body {
    Body::Prepare(Vote {
        view: View::ZERO,
        height: Height(height),
        digest: *Payload::new(payload.as_bytes()).digest(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_counted_by_cause() {
    counts_by_cause::<Engine>(quorate::Engine::Pbft, |status| {
        prepare(status.decided.0 + 1, "forged")
    })
    .await;
}

/// Each fault that proves a bug or intent costs the connection when it is repeated.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_faults_cost_the_connection() {
    let count = attacks::<Engine>(prepare(20, "forged")).len();
    for index in 0..count {
        let attack = || attacks::<Engine>(prepare(20, "forged")).swap_remove(index);
        let Attack { what, fault, .. } = attack();
        // Of these one a height is looked at; see below.
        if fault == Fault::BadSignature {
            continue;
        }
        let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Direct).await;
        // One after the other: a fault may end the stream, with whatever is on it.
        for count in 1..=TOLERATED {
            let Attack { channel, bytes, .. } = attack();
            scene.send(channel, bytes);
            scene.counted(what, fault, count).await;
        }
        if fault.is_punishable() {
            let refused = || scene.victim().traffic().connected == 2;
            until(&format!("{what}: refused"), refused).await;
        } else {
            let connected = scene.victim().traffic().connected;
            assert_eq!(connected, 3, "{what} is forgiven");
        }
        scene.goes_on().await;
        scene.stop().await;
    }
}

/// One bad signature is looked at for each height: they cost little, and in the end the
/// connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_signatures_cost_one_check_a_height_and_the_connection() {
    let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Direct).await;
    let mut rounds = 0;
    while scene.victim().traffic().connected == 3 {
        rounds += 1;
        assert!(rounds < 100, "{} faults", scene.count(Fault::BadSignature));
        let before = scene.victim().status().decided;
        for ahead in 1..20 {
            let body = prepare(before.0 + ahead, "forged");
            scene.send(Channel::Votes, forged::<Engine>(ATTACKER, body));
        }
        scene
            .counted("a forgery", Fault::BadSignature, rounds.min(TOLERATED))
            .await;
        scene.goes_on().await;
    }
    let heights = scene.victim().status().decided.0;
    assert!(scene.count(Fault::BadSignature) <= heights + 1);
    scene.stop().await;
}

/// A validator that contradicts itself is found out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contradictions_become_evidence() {
    let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Direct).await;
    let height = scene.next_height().await;
    for payload in ["one thing", "another"] {
        let body = prepare(height, payload);
        let statement = body.signing().statement(&domain::<Engine>());
        let signature = Ed25519::sign_with(&keys(3), KeyRole::Voting, statement);
        let signed = Signed::<Engine> {
            by: ATTACKER,
            body,
            signature,
        };
        scene.send(
            Channel::Votes,
            wire::encode(&domain::<Engine>(), &signed).to_vec(),
        );
    }
    until("evidence", || scene.victim().status().evidence > 0).await;
    scene
        .counted("a contradiction", Fault::Equivocation, 1)
        .await;
    scene.goes_on().await;
    scene.stop().await;
}

/// What is gossiped is not passed on if it is bad, and costs whoever handed it over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gossiped_garbage_is_counted_and_costs_the_connection() {
    let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Gossip).await;
    for (attack, round) in (0..2).flat_map(|round| {
        let all = attacks::<Engine>(prepare(20, "forged")).into_iter();
        all.map(move |attack| (attack, round))
    }) {
        if !matches!(
            attack.fault,
            Fault::Malformed | Fault::WrongEngine | Fault::WrongChain
        ) {
            continue;
        }
        let Attack {
            channel, mut bytes, ..
        } = attack;
        if channel == Channel::Service {
            continue;
        }
        // Equal messages are gossiped once.
        bytes.push(round);
        let frame = Frame {
            channel,
            kind: 0,
            bytes: bytes.into(),
        };
        scene.attacker.send(Destination::Others, frame);
    }
    scene.counted("gossip", Fault::WrongChain, 1).await;
    scene.counted("gossip", Fault::WrongEngine, 1).await;
    scene.counted("gossip", Fault::Malformed, 1).await;
    let refused = |replica: &ReplicaHandle| replica.traffic().connected == 2;
    until("refused by all", || scene.replicas.iter().all(refused)).await;
    scene.goes_on().await;
    scene.stop().await;
}
