use crate::oracle::history::{
    EARLIER, History, LIAR, PBFT, at, crashes, promises, repeats, sends, starts, syncs,
};

#[test]
fn one_digest_in_a_slot() {
    let mut history = History::of("contradiction", PBFT);
    history
        .fine(promises(0, 1, EARLIER, at(1, 0), "a"))
        .fine(repeats(0, EARLIER, at(1, 0), "a"))
        .fine(promises(0, 2, EARLIER, at(1, 1), "b"))
        .fine(promises(0, 3, EARLIER, at(2, 0), "b"))
        .fine(promises(1, 1, EARLIER, at(1, 0), "b"));
    history
        .fine(promises(LIAR, 1, EARLIER, at(1, 0), "a"))
        .fine(promises(LIAR, 2, EARLIER, at(1, 0), "b"));
    history.fires(promises(0, 4, EARLIER, at(1, 0), "b"), "has signed");
}

#[test]
fn what_a_crash_took_back_was_never_said() {
    let mut history = History::of("contradiction", PBFT);
    history
        .fine(promises(0, 1, EARLIER, at(1, 0), "a"))
        .fine(crashes(0, 0))
        .fine(starts(0, 2, 0))
        .fine(promises(0, 1, EARLIER, at(1, 0), "b"));
    history.fires(promises(0, 2, EARLIER, at(1, 0), "a"), "has signed");
}

#[test]
fn what_is_durable_stays() {
    for survives in [syncs(0, 1), syncs(0, 0)] {
        let mut history = History::of("contradiction", PBFT);
        history
            .fine(promises(0, 1, EARLIER, at(1, 0), "a"))
            .fine(survives)
            .fine(crashes(0, 1))
            .fine(starts(0, 2, 0))
            .fine(repeats(0, EARLIER, at(1, 0), "a"));
        history.fires(promises(0, 2, EARLIER, at(1, 0), "b"), "has signed");
    }
}

#[test]
fn what_has_left_stays_although_its_record_is_lost() {
    let mut history = History::of("contradiction", PBFT);
    history
        .fine(promises(0, 1, EARLIER, at(1, 0), "a"))
        .fine(sends(0, EARLIER, at(1, 0), "a"))
        .fine(crashes(0, 0))
        .fine(starts(0, 2, 0));
    history.fires(promises(0, 1, EARLIER, at(1, 0), "b"), "has signed");
}
