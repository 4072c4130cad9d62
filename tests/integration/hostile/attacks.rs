//! Everything that can be wrong with a frame.

use super::*;
use quorate::ReplicaStatus;
use std::collections::BTreeMap;

/// Something that no correct peer sends.
pub(super) struct Attack {
    pub(super) what: &'static str,
    pub(super) fault: Fault,
    pub(super) channel: Channel,
    pub(super) bytes: Vec<u8>,
}

/// Everything that can be wrong with a frame, by what it is counted as.
pub(super) fn attacks<P>(body: P::Body) -> Vec<Attack>
where
    P: Protocol,
    P::Scheme: KeyedScheme,
{
    use Channel::{Blocks, Service, Votes};
    let domain = domain::<P>();
    let own = |domain| message(domain, ATTACKER, 1, &[7; 64]);
    let service = |kind, content: &[u8]| message(domain, ATTACKER, kind, content);
    let truthful = forged::<P>(ATTACKER, body.clone());
    let mut trailing = truthful.clone();
    trailing.push(0);
    let attack = |what, fault, channel, bytes| Attack {
        what,
        fault,
        channel,
        bytes,
    };
    let version = domain.wire + 1;
    vec![
        attack("a few bytes", Fault::Malformed, Votes, vec![9; 5]),
        attack("garbage", Fault::WrongEngine, Blocks, vec![0xee; 5000]),
        attack(
            "too much",
            Fault::Oversized,
            Blocks,
            vec![1; FRAME_BYTES + 1],
        ),
        attack(
            "another version",
            Fault::UnknownVersion,
            Votes,
            own(Domain {
                wire: version,
                ..domain
            }),
        ),
        attack(
            "another chain",
            Fault::WrongChain,
            Votes,
            own(Domain {
                chain: ChainId(8),
                ..domain
            }),
        ),
        attack(
            "another engine",
            Fault::WrongEngine,
            Votes,
            own(Domain {
                engine: 77,
                ..domain
            }),
        ),
        attack(
            "another epoch",
            Fault::WrongEpoch,
            Votes,
            own(Domain {
                epoch: Epoch(1),
                ..domain
            }),
        ),
        attack(
            "no body",
            Fault::Malformed,
            Votes,
            message(domain, ATTACKER, 1, &[0xff; 64]),
        ),
        attack(
            "no content",
            Fault::Malformed,
            Blocks,
            message(domain, ATTACKER, 1, &[]),
        ),
        attack("a byte too many", Fault::Malformed, Votes, trailing),
        attack(
            "no such service",
            Fault::Malformed,
            Service,
            service(UNKNOWN_SERVICE, &[1]),
        ),
        attack(
            "half a question",
            Fault::Malformed,
            Service,
            service(FETCH_DECISIONS, &[1; 3]),
        ),
        attack(
            "no batch",
            Fault::InvalidPayload,
            Service,
            service(FORWARD, &[1; 9]),
        ),
        attack(
            "a service for another",
            Fault::Stranger,
            Service,
            message(domain, ReplicaId(1), FETCH_DECISIONS, &[0; 8]),
        ),
        attack(
            "a vote for another",
            Fault::Stranger,
            Votes,
            forged::<P>(ReplicaId(1), body),
        ),
        attack("a bad signature", Fault::BadSignature, Votes, truthful),
    ]
}

/// Sends every attack once: each is counted under its cause, and the replicas go on. `body` makes
/// a message that is worth checking where the victim stands.
pub(super) async fn counts_by_cause<P>(engine: Engine, body: impl Fn(&ReplicaStatus) -> P::Body)
where
    P: Protocol,
    P::Scheme: KeyedScheme,
{
    let mut scene = Scene::start(engine, NetworkMode::Direct).await;
    let next = |scene: &Scene| attacks::<P>(body(&scene.victim().status()));
    let mut expected = BTreeMap::new();
    for index in 0..next(&scene).len() {
        let attack = next(&scene).swap_remove(index);
        if attack.fault == Fault::BadSignature {
            continue;
        }
        let count = expected.entry(attack.fault).or_default();
        *count += 1;
        scene.send(attack.channel, attack.bytes);
        scene.counted(attack.what, attack.fault, *count).await;
    }
    let faults = scene.victim().traffic().faults;
    assert_eq!(faults, expected, "these and nothing else");
    // One fault short of losing the connection, or there would be nothing left to hear.
    let punishable = expected.iter().filter(|(fault, _)| fault.is_punishable());
    assert!(punishable.map(|(_, count)| count).sum::<u64>() < TOLERATED);
    assert_eq!(scene.victim().traffic().connected, 3);
    scene.goes_on().await;

    let forgery = async {
        // The replicas may have gone on to another height before it arrives: then it is stale.
        while scene.count(Fault::BadSignature) == 0 {
            let forgery = next(&scene).pop().expect("the last attack");
            assert_eq!(forgery.fault, Fault::BadSignature);
            scene.send(forgery.channel, forgery.bytes);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    within("a forgery", forgery).await;
    scene.goes_on().await;
    scene.stop().await;
}

#[cfg(feature = "hotstuff")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hotstuff_counts_faults_by_cause() {
    use quorate_core::View;
    use quorate_hotstuff::{Body, HotStuff, TwoChain, Vote};
    use std::sync::atomic::{AtomicU64, Ordering};
    // One vote in four is the victim's to collect.
    let turn = AtomicU64::new(0);
    let body = |status: &ReplicaStatus| {
        let ahead = 4 + turn.fetch_add(1, Ordering::Relaxed) % 4;
        Body::Vote(Vote {
            view: View(status.place.view.0 + ahead),
            height: status.decided.next(),
            block: Digest::ZERO,
            commits: None,
        })
    };
    counts_by_cause::<HotStuff<Bls, TwoChain>>(Engine::HotStuffTwoChain, body).await;
}

#[cfg(feature = "tendermint")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tendermint_counts_faults_by_cause() {
    use quorate_core::View;
    use quorate_tendermint::{Body, Tendermint, Value, Vote};
    let body = |status: &ReplicaStatus| {
        Body::Prevote(Vote {
            height: status.decided.next(),
            round: View::ZERO,
            value: Value::NIL,
        })
    };
    counts_by_cause::<Tendermint<Ed25519>>(Engine::Tendermint, body).await;
}
