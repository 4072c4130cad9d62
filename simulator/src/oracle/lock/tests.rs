use super::NAME;
use crate::fact::{Block, Fact};
use crate::oracle::history::{
    EARLIER, History, LATER, LIAR, PBFT, TENDERMINT, THREE_CHAIN, TWO_CHAIN, at, block, crashes,
    digest, promises, repeats, starts, syncs, votes,
};

/// PBFT: replicas 0, 1 and the liar have committed "a" in view 0.
fn committed() -> History {
    let mut history = History::of(NAME, PBFT);
    history.all([0, 1, LIAR], |by| promises(by, 1, LATER, at(1, 0), "a"));
    history
}

#[test]
fn what_a_quorum_has_committed_is_prepared_again() {
    committed()
        .fine(promises(2, 1, EARLIER, at(1, 1), "a"))
        .fine(promises(2, 2, EARLIER, at(2, 1), "b"))
        .fine(promises(LIAR, 2, EARLIER, at(1, 1), "b"));
    committed().fires(promises(2, 1, EARLIER, at(1, 1), "b"), "has committed");
    committed().fires(promises(2, 1, EARLIER, at(1, 7), "b"), "has committed");
}

#[test]
fn what_less_than_a_quorum_has_committed_need_not_be() {
    let mut history = History::of(NAME, PBFT);
    history
        .all([0, LIAR], |by| promises(by, 1, LATER, at(1, 0), "a"))
        .fine(promises(0, 2, EARLIER, at(1, 1), "b"));
    let mut lost = committed();
    lost.fine(crashes(1, 0))
        .fine(starts(1, 2, 0))
        .fine(promises(2, 1, EARLIER, at(1, 1), "b"));
}

/// Tendermint: replica 0 has precommitted "a" in round 1.
fn precommitted() -> History {
    let mut history = History::of(NAME, TENDERMINT);
    history
        .fine(promises(0, 1, LATER, at(1, 1), "a"))
        .fine(syncs(0, 1));
    history
}

#[test]
fn the_locked_value_and_nil_may_be_prevoted() {
    precommitted()
        .fine(promises(0, 2, EARLIER, at(1, 2), "a"))
        .fine(promises(0, 3, EARLIER, at(1, 3), "nil"))
        .fine(promises(0, 4, EARLIER, at(2, 5), "b"))
        .fine(promises(1, 1, EARLIER, at(1, 2), "b"));
    precommitted().fires(promises(0, 2, EARLIER, at(1, 2), "b"), "no polka");
}

#[test]
fn a_newer_polka_unlocks() {
    precommitted()
        .all([1, 2, LIAR], |by| promises(by, 1, EARLIER, at(1, 2), "b"))
        .fine(promises(0, 2, EARLIER, at(1, 3), "b"));
    // The round's own polka comes too late, two prevotes are none, and an old one unlocks nothing.
    let mut own = precommitted();
    own.all([1, 2, LIAR], |by| promises(by, 1, EARLIER, at(1, 3), "b"));
    own.fires(promises(0, 2, EARLIER, at(1, 3), "b"), "no polka");
    let mut two = precommitted();
    two.all([1, LIAR], |by| promises(by, 1, EARLIER, at(1, 2), "b"));
    two.fires(promises(0, 2, EARLIER, at(1, 3), "b"), "no polka");
    let mut old = precommitted();
    old.all([1, 2, LIAR], |by| promises(by, 1, EARLIER, at(1, 0), "b"));
    old.fires(promises(0, 2, EARLIER, at(1, 3), "b"), "no polka");
}

#[test]
fn the_lock_survives_a_restart_with_its_record() {
    let mut kept = precommitted();
    kept.fine(crashes(0, 1)).fine(starts(0, 2, 0));
    kept.fires(promises(0, 2, EARLIER, at(1, 2), "b"), "no polka");
    let mut lost = History::of(NAME, TENDERMINT);
    lost.fine(promises(0, 1, LATER, at(1, 1), "a"))
        .fine(crashes(0, 0))
        .fine(starts(0, 2, 0))
        .fine(promises(0, 1, EARLIER, at(1, 2), "b"));
}

fn proposed<const N: usize>(phases: crate::oracle::Phases, blocks: [Block; N]) -> History {
    let mut history = History::of(NAME, phases);
    for block in blocks {
        history.fine(Fact::Proposed(block));
    }
    history
}

/// Blocks of views 1, 2 and 3; and one of view 5 upon the first, one upon the second.
fn blocks() -> [Block; 5] {
    let first = block(1, None);
    let second = block(2, Some(&first));
    let third = block(3, Some(&second));
    [
        first,
        second,
        third,
        block(5, Some(&first)),
        block(5, Some(&second)),
    ]
}

#[test]
fn three_chain_votes_for_what_extends_the_lock_or_is_newer() {
    let [first, second, third, old, new] = blocks();
    let all = [first, second, third, old, new];
    let mut history = proposed(THREE_CHAIN, all);
    // A vote for the third shows the certificate for the second, and locks the first.
    history
        .fine(votes(0, 1, &third))
        .fine(votes(0, 2, &old))
        .fine(votes(0, 3, &new));
}

#[test]
fn three_chain_does_not_vote_against_the_lock() {
    let [first, second, third, _, _] = blocks();
    let fourth = block(4, Some(&third));
    let old = block(5, Some(&first));
    let all = [first, second, third, fourth, old];
    let mut history = proposed(THREE_CHAIN, all);
    history.fine(votes(0, 1, &fourth)).fine(votes(1, 1, &third));
    history.fine(votes(1, 2, &old));
    // Locked on the second, by the certificate for the third.
    history.fires(votes(0, 2, &old), "is locked on");
    let mut lost = proposed(THREE_CHAIN, all);
    lost.fine(votes(0, 1, &fourth))
        .fine(crashes(0, 0))
        .fine(starts(0, 2, 0))
        .fine(votes(0, 1, &old));
    let mut kept = proposed(THREE_CHAIN, all);
    kept.fine(votes(0, 1, &fourth))
        .fine(crashes(0, 1))
        .fine(starts(0, 2, 0));
    kept.fires(votes(0, 2, &old), "is locked on");
}

#[test]
fn three_chain_lets_a_newer_certificate_overrule_the_lock() {
    let [first, second, third, _, _] = blocks();
    let fourth = block(4, Some(&third));
    let mut aside = block(6, Some(&first));
    let mut newer = block(7, Some(&aside));
    let all = [first, second, third, fourth, aside, newer];
    let mut history = proposed(THREE_CHAIN, all);
    // Its certificate is of view 6, and the lock of view 2.
    history.fine(votes(0, 1, &fourth)).fine(votes(0, 2, &newer));
    // One whose certificate is of the lock's own view and of another block is not newer.
    aside = block(
        2,
        Some(&Block {
            id: digest("other"),
            ..first
        }),
    );
    newer = block(7, Some(&aside));
    let other = Block {
        id: digest("other"),
        ..first
    };
    let mut history = proposed(THREE_CHAIN, [first, second, third, fourth, other, aside]);
    history
        .fine(Fact::Proposed(newer))
        .fine(votes(0, 1, &fourth));
    history.fires(votes(0, 2, &newer), "is locked on");
}

fn gives_up(by: u16, record: u64, view: u64, high: &str) -> Fact {
    promises(by, record, LATER, at(0, view), high)
}

#[test]
fn two_chain_votes_for_what_follows_its_certificate() {
    let [first, second, third, old, _] = blocks();
    let mut history = proposed(TWO_CHAIN, [first, second, third, old]);
    history
        .fine(votes(0, 1, &first))
        .fine(votes(0, 2, &second))
        .fine(votes(0, 3, &third));
    history.fires(votes(1, 1, &old), "only power 0");
}

#[test]
fn two_chain_votes_after_timeouts_that_know_no_better() {
    let [first, second, third, _, new] = blocks();
    let mut history = proposed(TWO_CHAIN, [first, second, third, new]);
    // Replica 0 has seen the certificate for the second block, the others for the first.
    history
        .fine(votes(0, 1, &third))
        .all([1, 2], |by| votes(by, 1, &second))
        .all([0, 2], |by| gives_up(by, 2, 4, "various"))
        .fine(gives_up(LIAR, 1, 4, "nothing"))
        .fine(votes(1, 2, &new));
    let timeouts = || {
        let [first, second, third, old, _] = blocks();
        let mut history = proposed(TWO_CHAIN, [first, second, third, old]);
        history
            .fine(votes(0, 1, &third))
            .all([0, 2], |by| gives_up(by, 2, 4, "various"))
            .fine(gives_up(LIAR, 1, 4, "nothing"));
        (history, old)
    };
    // The old block's certificate is of view 1, and replica 0 must have shown that of view 2.
    let (mut history, old) = timeouts();
    history.fires(votes(1, 1, &old), "only power 2");
    let (mut history, old) = timeouts();
    history
        .fine(gives_up(1, 1, 4, "little"))
        .fine(votes(1, 2, &old));
}

#[test]
fn two_chain_takes_the_lower_of_two_timeouts() {
    let [first, second, third, old, _] = blocks();
    let mut history = proposed(TWO_CHAIN, [first, second, third, old]);
    // It gave the view up before it knew; what it says again later is the same as before.
    history
        .fine(gives_up(0, 1, 4, "little"))
        .fine(votes(0, 2, &third))
        .fine(gives_up(0, 3, 4, "more"))
        .fine(repeats(0, LATER, at(0, 4), "little"))
        .fine(gives_up(2, 1, 4, "little"))
        .fine(gives_up(LIAR, 1, 4, "little"))
        .fine(votes(1, 1, &old));
}
