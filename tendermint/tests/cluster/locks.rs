//! Locks that a Byzantine replica hides, and decisions that it hides.

use crate::{Body, Engine, cluster, expect_progress, others};
use quorate_core::testing::Cluster;
use quorate_core::{Body as _, Height, Note, ReplicaId, View};
use quorate_tendermint::{CERTIFICATE_KIND, Value, Vote};
use std::time::Duration;

const LIAR: ReplicaId = ReplicaId(3);

/// S13: in every round the liar completes a polka for the first replica alone, so that it alone
/// locks; the third replica misses every first proposal, so that the others see none.
#[test]
fn a_lock_that_only_one_replica_sees_is_shown_to_the_others() {
    let mut cluster = cluster(31, &[1; 4]);
    let (confidant, deaf) = (ReplicaId(0), ReplicaId(2));
    cluster.corrupt(LIAR, move |to, body| match body {
        Body::Prevote(_) if to == confidant => vec![(to, body.clone())],
        Body::Prevote(_) | Body::Precommit(_) | Body::Certificate(_) => Vec::new(),
        Body::Proposal(_) => vec![(to, body.clone())],
    });
    cluster.block(move |_, to, body| {
        to == deaf && body.place().view == View::ZERO && matches!(body, Body::Proposal(_))
    });
    let honest = others(&cluster, &[LIAR]);
    expect_progress(
        &mut cluster,
        "progress",
        &honest,
        8,
        Duration::from_secs(60),
    );
    // The schedule did what it is for: rounds failed with one replica locked.
    let hidden = cluster.notes().iter().any(|(id, note)| {
        *id == confidant && matches!(note, Note::Locked(_, round) if *round == View::ZERO)
    });
    assert!(hidden && cluster.sent(CERTIFICATE_KIND) > 0);
    let highest = cluster.notes().iter().filter_map(|(_, note)| match note {
        Note::Decided(_, round) => Some(*round),
        _ => None,
    });
    let highest = highest.max().expect("heights were decided");
    assert!(highest <= View(3), "decided in {highest:?}");
}

/// S14: at one height the liar precommits for one replica only, and nil for the others. That one
/// decides and moves on; the others are too few to decide without it.
#[test]
fn a_decision_that_only_one_replica_sees_is_shown_to_the_others() {
    let mut cluster = cluster(32, &[1; 4]);
    let (confidant, deaf, split) = (ReplicaId(0), ReplicaId(1), Height(5));
    cluster.corrupt(LIAR, move |to, body| {
        let nil = |vote: &Vote| Vote {
            value: Value::NIL,
            ..*vote
        };
        match body {
            Body::Precommit(vote) if vote.height == split && to != confidant => {
                vec![(to, Body::Precommit(nil(vote)))]
            }
            // It repeats nothing and helps nobody there.
            Body::Certificate(_) => Vec::new(),
            _ => vec![(to, body.clone())],
        }
    });
    cluster.block(move |_, to, body| {
        let first_round = body.place().height == split && body.place().view == View::ZERO;
        to == deaf && first_round && matches!(body, Body::Prevote(_))
    });
    cluster.expect(
        "the confidant decides",
        move |cluster| cluster.decided(confidant) == split,
        Duration::from_secs(20),
    );
    let decided = |cluster: &Cluster<Engine>, id| cluster.decided(id) >= split;
    assert!(!decided(&cluster, deaf) && !decided(&cluster, ReplicaId(2)));
    let honest = others(&cluster, &[LIAR]);
    expect_progress(
        &mut cluster,
        "progress",
        &honest,
        5,
        Duration::from_secs(20),
    );
}

/// Without the fetched decision: only the commit certificate can bring the others there.
#[test]
fn everyone_locked_on_one_value_decides_that_value_after_all_precommits_were_lost() {
    let mut cluster = cluster(33, &[1; 4]);
    let split = Height(3);
    cluster.block(move |_, _, body| {
        let first_round = body.place().height == split && body.place().view == View::ZERO;
        first_round && matches!(body, Body::Precommit(_))
    });
    let ids = cluster.ids();
    // Precommits of round 0 never arrive, not even repeated, so nobody can leave it by a quorum;
    // the repeated ones of every replica keep being lost until the links are back.
    cluster.run_for(Duration::from_secs(5));
    assert!(cluster.heights().iter().all(|height| *height < split));
    cluster.unblock();
    expect_progress(&mut cluster, "progress", &ids, 3, Duration::from_secs(10));
    let proposed = cluster.notes().iter().any(|(_, note)| {
        matches!(note, Note::Decided(height, round) if *height == split && *round == View::ZERO)
    });
    assert!(proposed, "it was decided where it was locked");
}
