use crate::oracle::history::{
    EARLIER, History, PBFT, appends, at, crashes, promises, repeats, sends, starts, syncs,
};

#[test]
fn nothing_leaves_before_its_record_is_durable() {
    let mut history = History::of("durability", PBFT);
    history
        .fine(appends(0, 1))
        .fine(promises(0, 1, EARLIER, at(1, 0), "a"))
        .fine(appends(0, 2))
        .fine(promises(0, 2, EARLIER, at(2, 0), "b"))
        .fine(syncs(0, 1))
        .fine(sends(0, EARLIER, at(1, 0), "a"));
    history.fires(sends(0, EARLIER, at(2, 0), "b"), "durable up to s1");
}

#[test]
fn a_repeated_promise_waits_for_its_first_record() {
    let mut history = History::of("durability", PBFT);
    history
        .fine(appends(0, 1))
        .fine(promises(0, 1, EARLIER, at(1, 0), "a"))
        .fine(repeats(0, EARLIER, at(1, 0), "a"));
    history.fires(sends(0, EARLIER, at(1, 0), "a"), "durable up to s0");
}

#[test]
fn what_is_signed_was_promised() {
    let mut history = History::of("durability", PBFT);
    history.fires(repeats(0, EARLIER, at(1, 0), "a"), "not promised");
    let mut history = History::of("durability", PBFT);
    history.fires(promises(0, 1, EARLIER, at(1, 0), "a"), "ends at s0");
    let mut history = History::of("durability", PBFT);
    history
        .fine(appends(0, 1))
        .fine(promises(0, 1, EARLIER, at(1, 0), "a"));
    history.fires(sends(1, EARLIER, at(1, 0), "a"), "not signed");
}

#[test]
fn a_crash_forgets_what_was_not_durable() {
    let promised = || {
        let mut history = History::of("durability", PBFT);
        history
            .fine(appends(0, 1))
            .fine(promises(0, 1, EARLIER, at(1, 0), "a"));
        history
    };
    let mut history = promised();
    history
        .fine(crashes(0, 1))
        .fine(starts(0, 2, 0))
        .fine(repeats(0, EARLIER, at(1, 0), "a"))
        .fine(sends(0, EARLIER, at(1, 0), "a"));
    let mut history = promised();
    history.fine(crashes(0, 0)).fine(starts(0, 2, 0));
    history.fires(repeats(0, EARLIER, at(1, 0), "a"), "not promised");
}

#[test]
fn a_crash_may_come_between_record_and_signature() {
    let mut history = History::of("durability", PBFT);
    history
        .fine(appends(0, 1))
        .fine(crashes(0, 1))
        .fine(starts(0, 2, 0))
        .fine(repeats(0, EARLIER, at(1, 0), "a"))
        .fine(sends(0, EARLIER, at(1, 0), "a"));
    history.fires(repeats(0, EARLIER, at(2, 0), "b"), "not promised");
}
