//! Each planted bug does what it says where it is chosen, and the same engine is right without it.
//!
//! That an outside observer catches them is the simulator's to show.

use crate::builder::{Builder, Driven, decided, records, sent, vote};
use quorate_core::testing::Mock;
use quorate_core::{Input, Output, Payload, Seq, View};
use quorate_hotstuff::{
    Block, Body, Certificate, CommitRule, Commits, FullBlock, PlantedBug, Record, ThreeChain,
    TwoChain,
};
use std::collections::BTreeSet;

fn started<R: CommitRule>(
    me: u16,
    planted: Option<PlantedBug>,
    records: Vec<(Seq, Record<Mock>)>,
) -> (Builder<R>, Driven<R>) {
    let mut builder = Builder::<R>::new(me);
    builder.setup.config.planted = planted;
    let driven = Driven::start(&builder, records);
    (builder, driven)
}

fn under_both(test: impl Fn(bool), same: impl Fn(bool)) {
    for planted in [false, true] {
        test(planted);
        same(planted);
    }
}

/// Another block of the same view upon the same certificate.
fn rival(justify: &Certificate<Mock>, view: u64) -> FullBlock<Mock> {
    let payload = Payload::new(vec![9; 9]);
    let block = Block::extending(justify.clone(), View(view), *payload.digest());
    FullBlock { block, payload }
}

/// Certificates of views 1 to 3 are known. View 4 is given up, and the leader of view 5 builds on
/// the genesis.
fn votes_below_the_lock<R: CommitRule>(planted: bool) {
    let bug = planted.then_some(PlantedBug::VotesAgainstLock);
    let (builder, mut driven) = started::<R>(0, bug, Vec::new());
    let mut justify = builder.genesis();
    for view in 1..=4 {
        let full = builder.block(&justify, view);
        let certificate = builder.certify(&full.block, None);
        driven.hear(builder.proposal(full, None));
        if view < 4 {
            justify = certificate;
        }
    }
    assert!(driven.engine.locked() >= View(2));
    let given_up = builder.given_up(4, &[(justify, &[0, 1, 2])]);
    let below = builder.block(&builder.genesis(), 5);
    let outputs = driven.hear(builder.proposal(below, Some(given_up)));
    assert_eq!(vote(&outputs).is_some(), planted);
}

#[test]
fn votes_against_lock() {
    under_both(
        votes_below_the_lock::<TwoChain>,
        votes_below_the_lock::<ThreeChain>,
    );
}

fn votes_for_rivals<R: CommitRule>(planted: bool) {
    let bug = planted.then_some(PlantedBug::VotesForEachProposal);
    let (builder, mut driven) = started::<R>(0, bug, Vec::new());
    let first = builder.proposal(builder.block(&builder.genesis(), 1), None);
    let second = builder.proposal(rival(&builder.genesis(), 1), None);
    assert!(vote(&driven.hear(first.clone())).is_some());
    assert!(vote(&driven.hear(first)).is_none(), "the same one again");
    let outputs = driven.hear(second);
    assert_eq!(vote(&outputs).is_some(), planted);
    let accuses = |output: &_| matches!(output, Output::Evidence(_));
    assert!(outputs.iter().any(accuses));
}

#[test]
fn votes_for_each_proposal() {
    under_both(votes_for_rivals::<TwoChain>, votes_for_rivals::<ThreeChain>);
}

/// What the leader of view 1 proposes there: its view, and the payload's digest.
fn proposes<R: CommitRule>(driven: &mut Driven<R>, payload: &[u8]) -> Vec<(Seq, Record<Mock>)> {
    let pending = driven.pending();
    let ticket = pending.iter().find_map(|output| match output {
        Output::Build { ticket, .. } => Some(*ticket),
        _ => None,
    });
    let Some(ticket) = ticket else {
        return Vec::new();
    };
    let outputs = driven.step(Input::Built(ticket, Payload::new(payload.to_vec())));
    let proposal =
        |body: &_| matches!(body, Body::Proposal(it) if it.block().header.view == View(1));
    assert!(sent(&outputs).iter().any(|(_, body)| proposal(body)));
    assert!(vote(&outputs).is_some());
    records(&outputs)
}

fn proposes_twice<R: CommitRule>(planted: bool) {
    let bug = planted.then_some(PlantedBug::RestartForgetsVote);
    let (_, mut driven) = started::<R>(1, bug, Vec::new());
    let written = proposes(&mut driven, b"first");
    assert_eq!(written.len(), 2, "a proposal and a vote: {written:?}");
    let (_, mut again) = started::<R>(1, bug, written);
    assert_eq!(again.engine.view(), View(1));
    assert_eq!(!proposes(&mut again, b"second").is_empty(), planted);
}

/// A backup votes for a rival after a restart.
fn votes_again<R: CommitRule>(planted: bool) {
    let bug = planted.then_some(PlantedBug::RestartForgetsVote);
    let (builder, mut driven) = started::<R>(0, bug, Vec::new());
    let first = builder.proposal(builder.block(&builder.genesis(), 1), None);
    let written = records(&driven.hear(first));
    let (_, mut again) = started::<R>(0, bug, written);
    // It repeats the first vote.
    assert!(vote(&again.pending()).is_some());
    let outputs = again.hear(builder.proposal(rival(&builder.genesis(), 1), None));
    assert_eq!(vote(&outputs).is_some(), planted);
}

#[test]
fn restart_forgets_vote() {
    under_both(proposes_twice::<TwoChain>, proposes_twice::<ThreeChain>);
    under_both(votes_again::<TwoChain>, votes_again::<ThreeChain>);
}

/// Views 2, 4 and 6 fail. What the vote of view 7 says that a certificate decides; and that such a
/// certificate then decides it.
fn commits_over_gaps<R: CommitRule>(planted: bool, below: usize) {
    let bug = planted.then_some(PlantedBug::CommitsAcrossGaps);
    let (builder, mut driven) = started::<R>(0, bug, Vec::new());
    let (mut justify, mut blocks, mut commits) = (builder.genesis(), Vec::new(), None);
    for view in [1, 3, 5, 7] {
        let full = builder.block(&justify, view);
        let timeout =
            (view > 1).then(|| builder.given_up(view - 1, &[(justify.clone(), &[0, 1, 2])]));
        let voted = vote(&driven.hear(builder.proposal(full.clone(), timeout)));
        commits = voted.expect("the block is fine").commits;
        justify = builder.certify(&full.block, commits);
        blocks.push(full);
    }
    let expected = &blocks[blocks.len() - 1 - below];
    let expected_commits = planted.then(|| Commits {
        height: expected.block.header.height,
        block: expected.block.header.id(),
    });
    assert_eq!(commits, expected_commits);
    let outputs = driven.hear(builder.proposal(builder.block(&justify, 8), None));
    let last = decided(&outputs).last().copied();
    assert_eq!(last, planted.then(|| *expected.payload.digest()));
}

#[test]
fn commits_across_gaps() {
    under_both(
        |planted| commits_over_gaps::<TwoChain>(planted, 1),
        |planted| commits_over_gaps::<ThreeChain>(planted, 2),
    );
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<_> = PlantedBug::ALL.iter().map(|bug| bug.name()).collect();
    assert_eq!(names.len(), PlantedBug::ALL.len());
}
