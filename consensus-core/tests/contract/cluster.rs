//! The cluster for engines' tests, tried on a toy engine: that it carries one through everything
//! that the contract allows, and that it notices what it must.

use crate::toy::{Bug, PING, PROPOSE, Say, Toy, VOTE};
use quorate_core::testing::{Cluster, Load, Options};
use quorate_core::{Digest, Fault, Height, Payload, Protocol, ReplicaId, Rotation, Signed};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

fn options(seed: u64) -> Options<Toy> {
    Options {
        seed,
        rotation: Rotation::by_height,
        ..Options::default()
    }
}

fn all_at(height: u64) -> impl Fn(&Cluster<Toy>) -> bool {
    move |cluster| cluster.heights().iter().all(|h| *h >= Height(height))
}

#[test]
fn everyone_decides() {
    let mut cluster = Cluster::new(options(1));
    cluster.expect("thirty decisions", all_at(30), LIMIT);
    let [first, last] = [0, 3].map(|id| cluster.decision(ReplicaId(id), Height(30)));
    assert_eq!(first.unwrap().payload, last.unwrap().payload);
    assert!(cluster.blames().is_empty());
    assert_eq!(cluster.validators().len(), 4);
    assert!(cluster.sent(VOTE) >= 30 * 4 * 3);
}

#[test]
fn equal_seeds_give_equal_runs() {
    let run = |seed| {
        let mut cluster = Cluster::new(Options {
            loss: 50,
            duplication: 50,
            ..options(seed)
        });
        cluster.run_for(Duration::from_secs(2));
        (cluster.fingerprint(), cluster.heights())
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn losses_and_copies_stop_nobody() {
    for seed in 0..10 {
        let mut cluster = Cluster::new(Options {
            loss: 200,
            duplication: 200,
            powers: vec![3, 1, 2, 1, 1],
            ..options(seed)
        });
        cluster.expect("ten decisions", all_at(10), LIMIT);
    }
}

#[test]
fn crashes_lose_what_is_not_durable_and_nothing_else() {
    for seed in 0..20 {
        let mut cluster = Cluster::new(options(seed));
        for round in 1..=10u64 {
            cluster.expect("two more decisions", all_at(2 * round), LIMIT);
            if round.is_multiple_of(3) {
                // A power cut: everyone at once.
                cluster.ids().into_iter().for_each(|id| cluster.stop(id));
                assert!(!cluster.is_running(ReplicaId(0)));
                cluster.ids().into_iter().for_each(|id| cluster.restart(id));
            } else {
                cluster.restart(ReplicaId((round % 4) as u16));
            }
        }
        cluster.expect("they go on", all_at(24), LIMIT);
    }
}

#[test]
fn nothing_leaves_before_it_is_durable() {
    let minute = Duration::from_secs(60);
    let mut cluster = Cluster::new(Options {
        disk: minute..=minute,
        ..options(10)
    });
    cluster.run_for(minute / 2);
    let [proposals, votes, pings] = [PROPOSE, VOTE, PING].map(|kind| cluster.sent(kind));
    assert_eq!((proposals, votes), (0, 0), "promises wait for the disk");
    assert!(pings > 0, "what binds nobody does not");
    // The leader has written its proposal, but the power fails before it is on the disk.
    let leader = cluster.status(ReplicaId(0)).unwrap().leader;
    cluster.restart(leader);
    assert_eq!(cluster.engine(leader).unwrap().recovered(), 0);
    let sent = |cluster: &Cluster<Toy>| cluster.sent(PROPOSE) > 0;
    cluster.expect("in another minute it is", sent, 2 * minute);
    cluster.restart(leader);
    assert_eq!(cluster.engine(leader).unwrap().recovered(), 1);
}

#[test]
fn what_is_pruned_may_be_gone_or_not() {
    let recovered = |seed| {
        let mut cluster = Cluster::new(options(seed));
        cluster.expect("forty decisions", all_at(40), LIMIT);
        cluster.restart(ReplicaId(2));
        let recovered = cluster.engine(ReplicaId(2)).unwrap().recovered();
        cluster.expect("they go on", all_at(50), LIMIT);
        recovered
    };
    let counts: Vec<_> = (0..10).map(recovered).collect();
    // A vote for each height, and ten proposals.
    assert!(counts.iter().any(|count| *count > 30), "{counts:?}");
    assert!(counts.iter().any(|count| *count < 20), "{counts:?}");
}

#[test]
fn who_was_away_catches_up() {
    for transfer_beyond in [None, Some(8)] {
        let mut cluster = Cluster::new(Options {
            transfer_beyond,
            // The toy needs its leader, so the one that is away must not lead.
            rotation: Rotation::by_view,
            ..options(3)
        });
        cluster.stop(ReplicaId(3));
        let ahead = |cluster: &Cluster<Toy>| cluster.decided(ReplicaId(0)) >= Height(40);
        cluster.expect("three decide", ahead, LIMIT);
        assert_eq!(cluster.decided(ReplicaId(3)), Height(0));
        cluster.restart(ReplicaId(3));
        cluster.expect("the fourth follows", all_at(45), LIMIT);
        let learned = cluster.decision(ReplicaId(3), Height(1)).is_some();
        assert_eq!(learned, transfer_beyond.is_none());
    }
}

#[test]
fn partitions_heal() {
    let mut cluster = Cluster::new(options(4));
    let [a, b, c, d] = [0, 1, 2, 3].map(ReplicaId);
    cluster.partition(&[&[a, b], &[c, d]]);
    let before = cluster.heights();
    cluster.run_for(Duration::from_secs(1));
    assert_eq!(cluster.heights(), before, "no half has a quorum");
    cluster.heal_all();
    cluster.expect("they meet again", all_at(5), LIMIT);
    cluster.cut(a, b);
    cluster.heal(a, b);
    cluster.block(|_, _, body| matches!(body, Say::Vote(..)));
    let before = cluster.heights().into_iter().max().unwrap();
    let more = move |cluster: &Cluster<Toy>| cluster.decided(a) > Height(before.0 + 2);
    assert!(!cluster.run_until(more, Duration::from_secs(1)));
    cluster.unblock();
    cluster.expect("votes pass again", more, LIMIT);
}

#[test]
fn the_silent_hear() {
    let mut cluster = Cluster::new(Options {
        rotation: Rotation::by_view,
        ..options(5)
    });
    cluster.silence(ReplicaId(2));
    cluster.expect("the others' votes reach it", all_at(10), LIMIT);
    let certificate = &cluster.decision(ReplicaId(1), Height(9)).unwrap().proof;
    let crate::toy::Votes::Certificate(certificate) = &**certificate else {
        panic!("a decision has votes");
    };
    assert!(!certificate.signers.contains(ReplicaId(2)));
    cluster.unsilence(ReplicaId(2));
    cluster.expect("it may speak again", all_at(12), LIMIT);
}

#[test]
fn idle_replicas_wait_for_requests() {
    let mut cluster = Cluster::new(Options {
        load: Load::Idle,
        ..options(6)
    });
    cluster.run_for(Duration::from_secs(1));
    assert_eq!(cluster.heights(), [Height(0); 4]);
    cluster.submit(3);
    cluster.run_for(Duration::from_secs(1));
    assert_eq!(cluster.heights(), [Height(3); 4]);
    cluster.set_load(Load::Steady);
    cluster.expect("steady load", all_at(9), LIMIT);
}

#[test]
fn equivocation_becomes_evidence() {
    let mut cluster = Cluster::new(options(7));
    cluster.corrupt(ReplicaId(1), |to, body| match body {
        Say::Vote(height, _) => vec![(to, body.clone()), (to, Say::Vote(*height, Digest::ZERO))],
        _ => vec![(to, body.clone())],
    });
    let caught = |cluster: &Cluster<Toy>| !cluster.evidence().is_empty();
    cluster.expect("it is caught", caught, LIMIT);
    let (domain, scheme) = (cluster.domain(), cluster.scheme());
    let guilty = cluster.evidence()[0].check(domain, scheme);
    assert_eq!(guilty, Ok(ReplicaId(1)));
    let (_, blamed, fault) = cluster.blames()[0];
    assert_eq!((blamed, fault), (ReplicaId(1), Fault::Equivocation));
}

#[test]
fn forgeries_and_nonsense_are_blamed_on_their_senders() {
    let mut cluster = Cluster::new(options(8));
    let (honest, liar) = (ReplicaId(0), ReplicaId(2));
    // Nobody vouches for this one, so nobody is blamed.
    let said = cluster.sign(liar, Say::Vote(Height(1), Digest::ZERO));
    let forged = Signed {
        by: ReplicaId(1),
        ..said.into_signed()
    };
    cluster.inject(honest, forged);
    cluster.run_for(Duration::from_millis(1));
    assert!(cluster.blames().is_empty());
    let leader = cluster.engine(honest).unwrap().status().leader;
    let other = cluster
        .ids()
        .into_iter()
        .find(|id| *id != leader && *id != honest);
    let height = cluster.status(honest).unwrap().place.height;
    cluster.say(
        other.unwrap(),
        honest,
        Say::Propose(Height(height.0 + 2), Payload::empty()),
    );
    cluster.expect("a blame", |cluster| !cluster.blames().is_empty(), LIMIT);
    assert_eq!(cluster.blames()[0].0, honest);
    assert_eq!(cluster.blames()[0].2, Fault::NotLeader);
    assert!(!cluster.notes().is_empty());
    assert_eq!(cluster.sent(PING), 0, "nobody has lost patience");
}

#[test]
fn refused_payloads_are_not_decided() {
    let mut cluster = Cluster::new(options(9));
    cluster.corrupt(ReplicaId(0), |to, body| vec![(to, body.clone())]);
    cluster.accept(|payload| payload.bytes().get(8) != Some(&0));
    cluster.run_for(Duration::from_secs(1));
    let refused = (0..10).filter_map(|h| cluster.decision(ReplicaId(1), Height(h)));
    let by_zero = refused.filter(|it| it.payload.bytes()[8] == 0);
    assert_eq!(by_zero.count(), 0);
    let blamed = cluster
        .blames()
        .iter()
        .any(|blame| blame.2 == Fault::InvalidPayload);
    assert!(blamed);
}

fn with_bug(bug: Bug, seed: u64) -> Cluster<Toy> {
    Cluster::new(Options {
        config: bug,
        ..options(seed)
    })
}

#[test]
#[should_panic(expected = "without proof")]
fn decisions_without_a_quorum_are_noticed() {
    with_bug(Bug::Impatient, 1).run_for(LIMIT);
}

#[test]
#[should_panic(expected = "blames the honest")]
fn false_blame_is_noticed() {
    with_bug(Bug::Suspicious, 1).run_for(LIMIT);
}

#[test]
#[should_panic(expected = "never moves its deadline")]
fn ticks_without_end_are_noticed() {
    with_bug(Bug::Restless, 1).run_for(LIMIT);
}

#[test]
#[should_panic(expected = "honest")]
fn broken_promises_are_noticed() {
    for seed in 0..50 {
        let mut cluster = with_bug(Bug::Forgetful, seed);
        for _ in 0..40 {
            cluster.run_for(Duration::from_millis(7));
            let leader = cluster.status(ReplicaId(0)).unwrap().leader;
            cluster.restart(leader);
        }
    }
}
