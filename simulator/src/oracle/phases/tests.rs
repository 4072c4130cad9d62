use crate::fact::{Block, Fact};
use crate::oracle::Phases;
use crate::oracle::history::{
    EARLIER, History, LATER, LIAR, PBFT, TENDERMINT, THREE_CHAIN, TWO_CHAIN, at, block, decides,
    digest, promises, votes,
};
use quorate_core::ReplicaId;

/// Replicas 0, 1 and the liar prepare in view 1.
fn prepared(phases: Phases) -> History {
    let mut history = History::of("phases", phases);
    history.all([0, 1, LIAR], |by| promises(by, 1, EARLIER, at(1, 1), "a"));
    history
}

#[test]
fn a_commit_needs_a_quorum_of_prepares() {
    for phases in [PBFT, TENDERMINT] {
        prepared(phases).fine(promises(0, 2, LATER, at(1, 1), "a"));
        // Nil needs none, and a liar does as it likes.
        prepared(phases).fine(promises(0, 2, LATER, at(1, 1), "nil"));
        prepared(phases).fine(promises(LIAR, 2, LATER, at(1, 1), "b"));
        prepared(phases).fires(promises(0, 2, LATER, at(1, 1), "b"), "only power 0");
        prepared(phases).fires(promises(0, 2, LATER, at(1, 2), "a"), "only power 0");
        let mut two = History::of("phases", phases);
        two.all([0, LIAR], |by| promises(by, 1, EARLIER, at(1, 1), "a"));
        two.fires(promises(0, 2, LATER, at(1, 1), "a"), "only power 2");
    }
}

#[test]
fn a_decision_needs_a_quorum_of_commits_in_one_view() {
    let mut history = prepared(PBFT);
    history
        .all([0, 1], |by| promises(by, 2, LATER, at(1, 1), "a"))
        .all([0, 1, LIAR], |by| promises(by, 3, EARLIER, at(1, 2), "a"))
        .fine(promises(LIAR, 4, LATER, at(1, 2), "a"));
    history.fires(decides(2, 1, "a", &[]), "nothing commits");
    let mut history = prepared(PBFT);
    history
        .all([0, 1, LIAR], |by| promises(by, 2, LATER, at(1, 1), "a"))
        .fine(decides(2, 1, "a", &[]))
        .fine(decides(LIAR, 1, "b", &[]));
    history.fires(decides(2, 1, "b", &[]), "nothing commits");
}

/// Blocks on top of each other in these views, each with a quorum of votes.
fn chain(phases: Phases, views: &[u64]) -> (History, Vec<Block>) {
    let mut history = History::of("phases", phases);
    let mut blocks: Vec<Block> = Vec::new();
    for view in views {
        let next = block(*view, blocks.last());
        history.fine(Fact::Proposed(next));
        history.all([0, 1, LIAR], |by| votes(by, *view, &next));
        blocks.push(next);
    }
    (history, blocks)
}

fn decides_block(block: &Block) -> Fact {
    Fact::Decided {
        by: ReplicaId(2),
        height: block.height,
        payload: block.payload,
        requests: Some(Vec::new()),
        certificates: Vec::new(),
    }
}

#[test]
fn consecutive_views_decide_their_lowest_block_and_all_below() {
    let (mut history, blocks) = chain(TWO_CHAIN, &[1, 3, 4, 7]);
    history
        .fine(decides_block(&blocks[0]))
        .fine(decides_block(&blocks[1]));
    history.fires(decides_block(&blocks[2]), "nothing commits");
    let (mut history, blocks) = chain(THREE_CHAIN, &[1, 3, 4, 5]);
    history
        .fine(decides_block(&blocks[0]))
        .fine(decides_block(&blocks[1]));
    history.fires(decides_block(&blocks[2]), "nothing commits");
}

#[test]
fn gaps_decide_nothing() {
    let (mut history, blocks) = chain(TWO_CHAIN, &[1, 3, 5, 7]);
    history.fires(decides_block(&blocks[0]), "nothing commits");
    let (mut history, blocks) = chain(THREE_CHAIN, &[1, 2, 4, 5, 7]);
    history.fires(decides_block(&blocks[0]), "nothing commits");
}

#[test]
fn each_block_of_the_chain_needs_a_quorum() {
    let (mut history, blocks) = chain(TWO_CHAIN, &[1]);
    let next = block(2, blocks.last());
    history
        .fine(Fact::Proposed(next))
        .all([0, LIAR], |by| votes(by, 2, &next));
    history.fires(decides_block(&blocks[0]), "nothing commits");
    let (mut history, blocks) = chain(TWO_CHAIN, &[1]);
    history
        .fine(Fact::Proposed(next))
        .all([0, 1, LIAR], |by| votes(by, 2, &next))
        .fine(decides_block(&blocks[0]));
    let mut other = blocks[0];
    other.payload = digest("other");
    history.fires(decides_block(&other), "nothing commits");
}
