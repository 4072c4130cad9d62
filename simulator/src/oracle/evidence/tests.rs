use crate::fact::{Fact, Said};
use crate::oracle::history::{EARLIER, History, LIAR, PBFT, at, promises, said};
use quorate_core::ReplicaId;

fn accuses(culprit: u16, first: Said, second: Said) -> Fact {
    Fact::Accused {
        by: ReplicaId(0),
        culprit: ReplicaId(culprit),
        first,
        second,
        holds: true,
    }
}

/// The liar has signed "a" and "b" in one slot, and "b" in another.
fn history() -> History {
    let mut history = History::of("evidence", PBFT);
    history
        .fine(promises(LIAR, 1, EARLIER, at(1, 0), "a"))
        .fine(promises(LIAR, 2, EARLIER, at(1, 0), "b"))
        .fine(promises(LIAR, 3, EARLIER, at(1, 1), "b"))
        .fine(promises(1, 1, EARLIER, at(1, 0), "a"));
    history
}

#[test]
fn two_statements_in_one_slot_accuse() {
    let [a, b] = ["a", "b"].map(|what| said(EARLIER, at(1, 0), what));
    history().fine(accuses(LIAR, a, b));
    let mut unproved = accuses(LIAR, a, b);
    if let Fact::Accused { holds, .. } = &mut unproved {
        *holds = false;
    }
    history().fires(unproved, "do not hold");
}

#[test]
fn nobody_correct_is_accused_or_blamed() {
    let [a, b] = ["a", "b"].map(|what| said(EARLIER, at(1, 0), what));
    history().fires(accuses(1, a, b), "who is correct");
    let blames = |by, peer| Fact::Blamed {
        by: ReplicaId(by),
        peer: ReplicaId(peer),
        fault: "flood".into(),
    };
    history().fine(blames(0, LIAR)).fine(blames(LIAR, 0));
    history().fires(blames(0, 1), "who is correct");
}

#[test]
fn other_statements_are_no_evidence() {
    let [a, b, c] = ["a", "b", "c"].map(|what| said(EARLIER, at(1, 0), what));
    let elsewhere = said(EARLIER, at(1, 1), "b");
    history().fires(accuses(LIAR, a, elsewhere), "no contradiction");
    history().fires(accuses(LIAR, b, b), "no contradiction");
    history().fires(accuses(LIAR, a, c), "not signed");
}
