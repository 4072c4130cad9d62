use crate::fact::Fact;
use crate::oracle::history::{History, LIAR, PBFT, crashes, decides, starts};
use quorate_core::{ReplicaId, Time};
use std::time::Duration;

fn healed() -> Fact {
    Fact::Healed {
        replicas: [0, 1, LIAR].map(ReplicaId).to_vec(),
        within: Duration::from_secs(10),
    }
}

fn history() -> History {
    let mut history = History::of("liveness", PBFT);
    history
        .fine(decides(2, 1, "a", &[]))
        .fine(decides(2, 2, "b", &[]));
    history.at_second(5).fine(healed());
    history
}

#[test]
fn all_decide_in_time() {
    let mut history = history();
    history
        .at_second(15)
        .all([0, 1], |by| decides(by, 3, "c", &[]))
        .at_second(100)
        .fine(Fact::Ended);
}

#[test]
fn one_does_not() {
    let mut late = history();
    late.at_second(15).fine(decides(0, 3, "c", &[]));
    late.at_second(16);
    late.fires(decides(1, 3, "c", &[]), "{r1}");
    let mut ended = history();
    ended.at_second(15).fine(decides(0, 3, "c", &[]));
    ended.fires(Fact::Ended, "{r1}");
}

#[test]
fn what_others_had_decided_is_not_new() {
    let mut history = history();
    history.fine(decides(0, 3, "c", &[]));
    history
        .fine(decides(1, 1, "a", &[]))
        .fine(decides(1, 2, "b", &[]));
    history.fires(Fact::Ended, "{r1}");
}

#[test]
fn nobody_waits_for_nothing() {
    let waits = |deadline, outstanding| Fact::Waits {
        by: ReplicaId(0),
        deadline,
        outstanding,
    };
    let mut history = History::of("liveness", PBFT);
    history
        .fine(waits(None, 0))
        .fine(starts(0, 1, 0))
        .fine(waits(Some(Time::ZERO), 0))
        .fine(waits(None, 1))
        .fine(crashes(0, 0))
        .fine(waits(None, 0))
        .fine(starts(0, 2, 0));
    history.fires(waits(None, 0), "no deadline");
}
