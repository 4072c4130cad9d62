//! Replicas that lie.

use crate::{Engine, SECOND, options, others, r, reached};
use quorate_core::testing::{Cluster, Load, Mock, Options};
use quorate_core::{Digest, Fault, Height, Note, Payload, ReplicaId, View};
use quorate_pbft::{Body, NewView, PrePrepare, ViewChange, Vote};

type Message = Body<Mock>;

fn idle(seed: u64) -> Options<Engine> {
    Options {
        load: Load::Idle,
        ..options(seed)
    }
}

fn blamed(cluster: &Cluster<Engine>, peer: ReplicaId, fault: Fault) -> bool {
    let mut blames = cluster.blames().iter();
    blames.any(|(_, blamed, found)| *blamed == peer && *found == fault)
}

fn other_payload(proposal: &PrePrepare) -> Message {
    let mut bytes = proposal.payload.bytes().to_vec();
    bytes[17] ^= 0xff;
    Body::PrePrepare(PrePrepare {
        payload: Payload::new(bytes),
        ..proposal.clone()
    })
}

#[test]
fn a_primary_that_shows_each_half_another_payload_decides_at_most_one() {
    for seed in 0..10 {
        for half in 1..4 {
            let mut cluster = Cluster::<Engine>::new(options(seed));
            cluster.corrupt(r(0), move |to, body| match body {
                Body::PrePrepare(it) if to.0 <= half => vec![(to, other_payload(it))],
                body => vec![(to, body.clone())],
            });
            let ids = others(&cluster, &[r(0)]);
            cluster.expect("decisions", reached(ids, 20), 60 * SECOND);
        }
    }
}

#[test]
fn a_primary_that_shows_both_payloads_is_convicted_and_replaced_if_it_must() {
    let mut cluster = Cluster::<Engine>::new(options(20));
    cluster.corrupt(r(0), |to, body| match body {
        Body::PrePrepare(it) => vec![(to, other_payload(it)), (to, body.clone())],
        body => vec![(to, body.clone())],
    });
    let ids = others(&cluster, &[r(0)]);
    cluster.expect("decisions", reached(ids, 20), 60 * SECOND);
    assert!(!cluster.evidence().is_empty());
    assert!(blamed(&cluster, r(0), Fault::Equivocation));
}

#[test]
fn a_backup_that_votes_twice_is_convicted() {
    for commits in [false, true] {
        let mut cluster = Cluster::<Engine>::new(options(21));
        cluster.corrupt(r(3), move |to, body| {
            let twice = |vote: &Vote| Vote {
                digest: Digest::ZERO,
                ..*vote
            };
            let lie = match body {
                Body::Prepare(vote) if !commits => Body::Prepare(twice(vote)),
                Body::Commit(vote) if commits => Body::Commit(twice(vote)),
                body => return vec![(to, body.clone())],
            };
            vec![(to, lie), (to, body.clone())]
        });
        let ids = others(&cluster, &[r(3)]);
        cluster.expect("decisions", reached(ids, 30), 10 * SECOND);
        assert!(!cluster.evidence().is_empty());
    }
}

#[test]
fn a_primary_that_prepares_besides_its_proposal_is_blamed() {
    let mut cluster = Cluster::<Engine>::new(options(22));
    cluster.corrupt(r(0), |to, body| match body {
        Body::PrePrepare(it) => {
            let vote = Vote {
                view: it.view,
                height: it.height,
                digest: *it.payload.digest(),
            };
            vec![(to, Body::Prepare(vote)), (to, body.clone())]
        }
        body => vec![(to, body.clone())],
    });
    let ids = cluster.ids();
    cluster.expect("decisions", reached(ids, 20), 10 * SECOND);
    assert!(blamed(&cluster, r(0), Fault::Inconsistent));
    assert!(cluster.evidence().is_empty());
}

#[test]
fn a_backup_that_proposes_is_blamed() {
    let mut cluster = Cluster::<Engine>::new(idle(23));
    let body = Body::PrePrepare(PrePrepare {
        view: View(0),
        height: Height(1),
        payload: Payload::new(vec![7; 18]),
    });
    cluster.say(r(2), r(1), body);
    cluster.run_for(SECOND);
    assert!(blamed(&cluster, r(2), Fault::NotLeader));
    assert_eq!(cluster.decided(r(1)), Height(0));
}

#[test]
fn a_refused_payload_costs_the_primary_its_view() {
    let mut cluster = Cluster::<Engine>::new(options(24));
    cluster.corrupt(r(0), |to, body| vec![(to, body.clone())]);
    cluster.accept(|payload| payload.bytes()[8..10] != [0, 0]);
    let ids = others(&cluster, &[r(0)]);
    cluster.expect("decisions", reached(ids, 20), 20 * SECOND);
    assert!(blamed(&cluster, r(0), Fault::InvalidPayload));
    let payload = &cluster.decision(r(1), Height(1)).unwrap().payload;
    assert_ne!(payload.bytes()[8..10], [0, 0]);
}

/// A cluster in which request 1 is prepared everywhere in view 0, and committed nowhere.
fn prepared_everywhere(seed: u64) -> Cluster<Engine> {
    let mut cluster = Cluster::<Engine>::new(idle(seed));
    cluster.block(|_, _, body| matches!(body, Body::Commit(vote) if vote.view == View(0)));
    cluster.submit(1);
    cluster.run_for(SECOND);
    let locks = cluster.notes().iter();
    let locks = locks.filter(|(_, note)| matches!(note, Note::Locked(Height(1), View(0))));
    assert_eq!(locks.count(), 4);
    cluster
}

/// Whether height 1 is what the first primary proposed: bytes 8 and 9 name the builder.
fn is_preserved(cluster: &Cluster<Engine>, id: ReplicaId) -> bool {
    let first = cluster.decision(id, Height(1)).expect("it is decided");
    first.payload.bytes()[8..10] == [0, 0]
}

/// Has r1, the primary of view 1, lie in its new-view about what is prepared.
fn lie_in_new_view(
    seed: u64,
    lie: impl Fn(&NewView<Mock>) -> NewView<Mock> + 'static,
) -> Cluster<Engine> {
    let mut cluster = prepared_everywhere(seed);
    cluster.corrupt(r(1), move |to, body| match body {
        Body::NewView(it) => vec![(to, Body::NewView(lie(it)))],
        // Nor does it tell the truth to those who ask.
        Body::NewViewCopy(_) => vec![],
        body => vec![(to, body.clone())],
    });
    // The first view ends for want of commits.
    let ids = others(&cluster, &[r(1)]);
    cluster.expect("the others decide it", reached(ids, 1), 60 * SECOND);
    assert_eq!(cluster.status(r(3)).unwrap().place.view, View(2));
    assert!(is_preserved(&cluster, r(3)));
    cluster
}

#[test]
fn a_new_view_without_a_quorum_is_refused() {
    for seed in 0..5 {
        let cluster = lie_in_new_view(seed, |it| {
            let mut lie = it.clone();
            lie.view_changes.pop();
            lie
        });
        assert!(blamed(&cluster, r(1), Fault::Unjustified));
    }
}

#[test]
fn a_new_view_with_one_view_change_twice_is_refused() {
    let cluster = lie_in_new_view(25, |it| {
        let mut lie = it.clone();
        lie.view_changes[1] = lie.view_changes[0].clone();
        lie
    });
    assert!(blamed(&cluster, r(1), Fault::Unjustified));
}

#[test]
fn a_new_view_that_strips_a_view_change_is_refused() {
    let cluster = lie_in_new_view(26, |it| {
        let mut lie = it.clone();
        for signed in &mut lie.view_changes {
            signed.view_change.prepared.clear();
        }
        lie
    });
    assert!(blamed(&cluster, r(1), Fault::BadSignature));
}

#[test]
fn a_new_view_of_another_view_is_refused() {
    let cluster = lie_in_new_view(27, |it| NewView {
        view: View(5),
        ..it.clone()
    });
    assert!(blamed(&cluster, r(1), Fault::Unjustified));
}

#[test]
fn a_new_primary_cannot_replace_what_was_prepared() {
    for seed in 0..10 {
        let mut cluster = prepared_everywhere(seed);
        // In view 1 it proposes something else where its new-view implies the first request.
        cluster.corrupt(r(1), |to, body| match body {
            Body::Prepare(vote) if vote.view == View(1) => {
                let proposal = PrePrepare {
                    view: vote.view,
                    height: vote.height,
                    payload: Payload::new(vec![9; 18]),
                };
                vec![(to, Body::PrePrepare(proposal))]
            }
            body => vec![(to, body.clone())],
        });
        let ids = others(&cluster, &[r(1)]);
        cluster.expect("the others decide it", reached(ids, 1), 60 * SECOND);
        assert!(blamed(&cluster, r(1), Fault::Unjustified));
        assert!(is_preserved(&cluster, r(3)));
    }
}

#[test]
fn two_new_views_for_one_view_are_evidence() {
    let mut cluster = Cluster::<Engine>::new(options(28));
    // Four view changes have two quorums, with and without the last.
    cluster.corrupt(r(1), |to, body| match body {
        Body::NewView(it) => {
            let mut lie = it.clone();
            let last = lie.view_changes.pop().expect("a quorum is not empty");
            lie.view_changes.push(last);
            let second = NewView {
                view: it.view,
                view_changes: it.view_changes[..1].to_vec(),
            };
            vec![(to, Body::NewView(lie)), (to, Body::NewView(second))]
        }
        body => vec![(to, body.clone())],
    });
    cluster.silence(r(0));
    let ids = others(&cluster, &[r(0)]);
    cluster.expect("decisions", reached(ids, 20), 60 * SECOND);
    let contradicted = cluster.evidence().iter().filter(|it| it.first.by == r(1));
    assert!(contradicted.count() > 0 || blamed(&cluster, r(1), Fault::Unjustified));
}

#[test]
fn a_view_change_with_a_forged_certificate_counts_for_nothing() {
    let mut cluster = Cluster::<Engine>::new(options(29));
    cluster.run_for(SECOND / 2);
    cluster.corrupt(r(2), |to, body| match body {
        Body::ViewChange(it) => {
            let mut lie = it.clone();
            for prepared in &mut lie.prepared {
                prepared.digest = Digest::ZERO;
            }
            vec![(to, Body::ViewChange(lie))]
        }
        body => vec![(to, body.clone())],
    });
    // Everyone but the liar gives up on the primary, which is only slow.
    cluster.block(|from, _, body| {
        from == r(0) && matches!(body, Body::PrePrepare(it) if it.view == View(0))
    });
    let target = cluster.decided(r(1)).0 + 30;
    let ids = others(&cluster, &[r(2)]);
    cluster.expect("decisions", reached(ids, target), 20 * SECOND);
    assert!(blamed(&cluster, r(2), Fault::BadSignature));
    assert!(cluster.status(r(1)).unwrap().place.view >= View(1));
}

#[test]
fn two_view_changes_for_one_view_are_evidence() {
    let mut cluster = Cluster::<Engine>::new(idle(30));
    cluster.run_for(SECOND);
    let view_change = |view, stable| {
        Body::ViewChange(ViewChange::<Mock> {
            view,
            stable,
            prepared: Vec::new(),
        })
    };
    cluster.submit(8);
    let ids = cluster.ids();
    cluster.expect("a checkpoint", reached(ids, 8), SECOND);
    cluster.run_for(SECOND);
    cluster.block({
        let mut stable = None;
        move |_, _, body| {
            if let Body::ViewChange(it) = body {
                stable = it.stable.clone().or(stable.take());
            }
            false
        }
    });
    // Somebody's real one, for its certificate.
    cluster.stop(r(0));
    cluster.submit(1);
    cluster.corrupt(r(3), move |to, body| match body {
        Body::ViewChange(it) => {
            vec![(to, body.clone()), (to, view_change(it.view, None))]
        }
        body => vec![(to, body.clone())],
    });
    let ids = vec![r(1), r(2)];
    cluster.expect("the request", reached(ids, 9), 20 * SECOND);
    assert!(cluster.evidence().iter().any(|it| it.first.by == r(3)));
}

#[test]
fn messages_from_the_end_of_time_move_nothing() {
    let mut cluster = Cluster::<Engine>::new(options(31));
    let far = [1, 2, 65, u64::MAX - 1, u64::MAX];
    for round in 0..50 {
        for to in 0..3 {
            for (index, number) in far.into_iter().enumerate() {
                let number = number.saturating_sub(if index < 3 { 0 } else { round });
                let vote = Vote {
                    view: View(number),
                    height: Height(far[(index + round as usize) % far.len()]),
                    digest: Digest::ZERO,
                };
                cluster.say(r(3), r(to), Body::Prepare(vote));
                cluster.say(r(3), r(to), Body::Commit(vote));
                cluster.say(
                    r(3),
                    r(to),
                    Body::ViewChange(ViewChange {
                        view: View(number),
                        stable: None,
                        prepared: Vec::new(),
                    }),
                );
            }
        }
        cluster.run_for(SECOND / 100);
    }
    let ids = cluster.ids();
    let target = cluster.decided(r(0)).0 + 50;
    cluster.expect("decisions", reached(ids, target), 10 * SECOND);
    for id in 0..3 {
        assert_eq!(cluster.status(r(id)).unwrap().place.view, View(0));
    }
}
