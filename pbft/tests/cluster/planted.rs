//! Each planted bug does what it says where it is chosen, and the same run is right without it.
//!
//! That an outside observer catches them is the simulator's to show.

use crate::{Engine, SECOND, options, r, reached};
use quorate_core::testing::{Cluster, Load, Options};
use quorate_core::{Digest, Height, Note, ReplicaId, View};
use quorate_pbft::{Body, Config, PlantedBug};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

fn idle(planted: Option<PlantedBug>) -> Cluster<Engine> {
    Cluster::new(Options {
        load: Load::Idle,
        config: Config {
            planted,
            ..Config::default()
        },
        ..options(1)
    })
}

/// Whether anybody commits height 1 when only two of four prepare it.
fn commits_on_two_prepares(planted: Option<PlantedBug>) -> bool {
    let mut cluster = idle(planted);
    cluster.silence(r(2));
    cluster.silence(r(3));
    cluster.block(|_, _, body| matches!(body, Body::ViewChange(_)));
    cluster.submit(1);
    cluster.run_for(SECOND);
    assert_eq!(
        cluster.decided(r(0)),
        Height(0),
        "two commits decide nothing"
    );
    let first = |(by, note): &(ReplicaId, Note)| {
        *by < r(2) && matches!(note, Note::Locked(Height(1), View(0)))
    };
    cluster.notes().iter().any(first)
}

#[test]
fn prepares_on_weak_quorum() {
    assert!(!commits_on_two_prepares(None));
    assert!(commits_on_two_prepares(Some(
        PlantedBug::PreparesOnWeakQuorum
    )));
}

/// Has two of four replicas hear of two commits, the others of their own; the cluster checks every
/// proof.
fn decides_on_two_commits(planted: Option<PlantedBug>) -> Height {
    let mut cluster = idle(planted);
    let outside = |id| id >= r(2);
    cluster.block(move |from, to, body| {
        (outside(from) || outside(to)) && matches!(body, Body::Commit(_))
    });
    cluster.submit(1);
    cluster.run_for(SECOND);
    cluster.decided(r(0))
}

#[test]
fn commits_of_two_decide_nothing() {
    assert_eq!(decides_on_two_commits(None), Height(0));
}

#[test]
#[should_panic(expected = "without proof")]
fn decides_on_weak_quorum() {
    decides_on_two_commits(Some(PlantedBug::DecidesOnWeakQuorum));
}

/// Who built what is decided at height 1 if everybody prepared it in view 0, whose commits are
/// lost.
fn builder_of_what_was_prepared(planted: Option<PlantedBug>) -> ReplicaId {
    let mut cluster = idle(planted);
    cluster.block(|_, _, body| matches!(body, Body::Commit(vote) if vote.view == View(0)));
    cluster.submit(1);
    let ids = cluster.ids();
    cluster.expect("a decision", reached(ids, 1), 60 * SECOND);
    let decision = cluster.decision(r(3), Height(1)).expect("it is decided");
    ReplicaId(u16::from(decision.payload.bytes()[8]))
}

#[test]
fn new_view_forgets_prepared() {
    assert_eq!(builder_of_what_was_prepared(None), r(0));
    let forgets = Some(PlantedBug::NewViewForgetsPrepared);
    assert_eq!(builder_of_what_was_prepared(forgets), r(1));
}

/// How many payloads the first primary proposes at height 1 if it restarts after the first.
fn proposals_across_a_restart(planted: Option<PlantedBug>) -> usize {
    let mut cluster = idle(planted);
    let proposals = Rc::new(RefCell::new(BTreeSet::<Digest>::new()));
    let seen = Rc::clone(&proposals);
    cluster.block(move |_, _, body| {
        if let Body::PrePrepare(it) = body {
            assert_eq!((it.view, it.height), (View(0), Height(1)));
            seen.borrow_mut().insert(*it.payload.digest());
        }
        true
    });
    cluster.submit(1);
    cluster.run_for(SECOND);
    assert_eq!(proposals.borrow().len(), 1);
    cluster.restart(r(0));
    cluster.run_for(SECOND / 2);
    proposals.take().len()
}

#[test]
fn restart_forgets_votes() {
    assert_eq!(proposals_across_a_restart(None), 1);
    let forgets = Some(PlantedBug::RestartForgetsVotes);
    assert_eq!(proposals_across_a_restart(forgets), 2);
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<_> = PlantedBug::ALL.iter().map(|bug| bug.name()).collect();
    assert_eq!(names.len(), PlantedBug::ALL.len());
}
