use crate::fact::Fact;
use crate::oracle::Phases;
use crate::oracle::history::{
    EARLIER, History, LATER, LIAR, PBFT, TENDERMINT, TWO_CHAIN, at, crashes, promises, repeats,
    starts, syncs,
};
use quorate_core::{Place, ReplicaId};

const NAME: &str = "monotony";

fn stands(by: u16, place: Place, lock: Option<Place>) -> Fact {
    Fact::Stands {
        by: ReplicaId(by),
        place,
        lock,
    }
}

fn stood(phases: Phases) -> History {
    let mut history = History::of(NAME, phases);
    history
        .fine(stands(0, at(1, 0), None))
        .fine(stands(0, at(3, 2), None))
        .fine(stands(1, at(1, 0), None));
    history
}

#[test]
fn nobody_goes_back_within_a_run() {
    for phases in [PBFT, TENDERMINT, TWO_CHAIN] {
        stood(phases).fine(stands(0, at(3, 3), None));
        stood(phases).fires(stands(0, at(3, 1), None), "goes back");
        stood(phases).fires(stands(0, at(2, 5), None), "goes back");
        stood(phases)
            .fine(crashes(0, 0))
            .fine(starts(0, 2, 0))
            .fine(stands(0, at(1, 0), None))
            .fine(stands(LIAR, at(2, 2), None))
            .fine(stands(LIAR, at(1, 1), None));
    }
}

#[test]
fn only_rounds_begin_anew_with_a_height() {
    stood(TENDERMINT).fine(stands(0, at(4, 0), None));
    stood(PBFT).fires(stands(0, at(4, 0), None), "goes back");
    stood(TWO_CHAIN).fires(stands(0, at(4, 0), None), "goes back");
}

#[test]
fn locks_stay() {
    let locked = || {
        let mut history = History::of(NAME, TENDERMINT);
        history.fine(stands(0, at(1, 2), Some(at(1, 1))));
        history
    };
    locked().fine(stands(0, at(1, 3), Some(at(1, 3))));
    locked().fine(stands(0, at(2, 0), None));
    locked().fires(stands(0, at(1, 3), Some(at(1, 0))), "the lock");
    locked().fires(stands(0, at(1, 3), None), "the lock");
    let mut history = History::of(NAME, TWO_CHAIN);
    history.fine(stands(0, at(1, 2), Some(at(0, 1))));
    history.fires(stands(0, at(2, 3), Some(at(0, 0))), "the lock");
}

#[test]
fn promises_stay_in_or_above_the_view() {
    let promised = || {
        let mut history = History::of(NAME, PBFT);
        history
            .fine(promises(0, 1, EARLIER, at(5, 1), "a"))
            .fine(promises(0, 2, 4, at(0, 3), "view change"));
        history
    };
    promised()
        .fine(promises(0, 3, EARLIER, at(1, 3), "b"))
        .fine(repeats(0, EARLIER, at(5, 1), "a"))
        .fine(promises(1, 1, EARLIER, at(5, 1), "a"));
    promised().fires(promises(0, 3, LATER, at(5, 1), "a"), "has promised in");
    // Across a restart, if the promise was durable.
    promised()
        .fine(syncs(0, 1))
        .fine(crashes(0, 1))
        .fine(starts(0, 2, 0))
        .fine(promises(0, 2, LATER, at(5, 1), "a"));
    let mut durable = promised();
    durable
        .fine(syncs(0, 2))
        .fine(crashes(0, 2))
        .fine(starts(0, 2, 0));
    durable.fires(promises(0, 3, LATER, at(5, 1), "a"), "has promised in");
}

#[test]
fn no_vote_in_a_view_that_was_given_up() {
    let mut history = History::of(NAME, TWO_CHAIN);
    history
        .fine(promises(0, 1, EARLIER, at(0, 4), "a"))
        .fine(promises(0, 2, LATER, at(0, 4), "timeout"))
        .fine(promises(0, 3, LATER, at(0, 4), "timeout with more"))
        .fine(promises(1, 1, LATER, at(0, 5), "timeout"))
        .fine(promises(1, 2, 1, at(0, 6), "proposal"));
    history.fires(promises(1, 3, EARLIER, at(0, 5), "b"), "has promised in");
    let mut history = History::of(NAME, TWO_CHAIN);
    history.fine(promises(0, 1, LATER, at(0, 4), "timeout"));
    history.fires(promises(0, 2, EARLIER, at(0, 4), "a"), "has given up");
}

#[test]
fn promises_stay_in_or_above_the_round_of_their_height() {
    let mut history = History::of(NAME, TENDERMINT);
    history
        .fine(promises(0, 1, EARLIER, at(7, 2), "a"))
        .fine(promises(0, 2, LATER, at(7, 2), "a"))
        .fine(promises(0, 3, EARLIER, at(8, 0), "b"))
        // A restarted replica may have lost what it decided, but not what it promised.
        .fine(crashes(0, 3))
        .fine(starts(0, 2, 6))
        .fine(promises(0, 4, EARLIER, at(7, 3), "nil"));
    history.fires(promises(0, 5, LATER, at(7, 1), "nil"), "has voted in");
}
