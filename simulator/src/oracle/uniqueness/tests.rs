use crate::oracle::history::{EARLIER, History, LIAR, PBFT, at, crashes, promises, starts};
use crate::oracle::{Oracles, Trial};
use quorate_core::ReplicaId;

#[test]
fn two_quorums_in_one_slot() {
    let mut history = History::of("uniqueness", PBFT);
    history
        .all([0, 1, LIAR], |by| promises(by, 1, EARLIER, at(1, 0), "a"))
        .all([2, LIAR], |by| promises(by, 2, EARLIER, at(1, 0), "b"));
    // Each of the quorum contradicts itself, which is for another oracle to say.
    history.fires(promises(1, 2, EARLIER, at(1, 0), "b"), "is certified for");
}

#[test]
fn two_quorums_in_different_slots() {
    let mut history = History::of("uniqueness", PBFT);
    for (place, what) in [(at(1, 0), "a"), (at(1, 1), "b"), (at(2, 0), "b")] {
        history.all([0, 1, LIAR], |by| promises(by, 1, EARLIER, place, what));
    }
}

#[test]
fn a_signature_lost_in_a_crash_does_not_count() {
    let mut history = History::of("uniqueness", PBFT);
    history
        .all([0, 1, LIAR], |by| promises(by, 1, EARLIER, at(1, 0), "a"))
        .fine(crashes(1, 0))
        .fine(starts(1, 2, 0))
        .all([1, 2, LIAR], |by| promises(by, 2, EARLIER, at(1, 0), "b"));
}

#[test]
fn too_many_liars_make_no_promise_of_it() {
    let oracles = Oracles::new(&Trial {
        powers: vec![1; 4],
        adversaries: [2, 3].map(ReplicaId).into(),
        phases: PBFT,
    });
    assert!(!oracles.names().contains(&"uniqueness"));
    assert!(oracles.names().contains(&"support"));
}
