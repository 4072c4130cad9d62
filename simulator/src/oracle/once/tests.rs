use crate::fact::Fact;
use crate::oracle::history::{History, LIAR, PBFT, crashes, decides, digest, request, starts};
use quorate_core::{Height, ReplicaId};

fn executes(by: u16, height: u64, name: &str) -> Fact {
    Fact::Executed {
        by: ReplicaId(by),
        height: Height(height),
        request: request(name),
    }
}

fn is_in(by: u16, height: u64, state: &str) -> Fact {
    Fact::State {
        by: ReplicaId(by),
        height: Height(height),
        state: digest(state),
    }
}

/// Three heights are decided, and the first replica has executed them.
fn history() -> History {
    let mut history = History::of("exactly-once", PBFT);
    history
        .all(0..3, |by| is_in(by, 0, "none"))
        .fine(decides(0, 1, "a", &["x", "y"]))
        .fine(decides(0, 2, "empty", &[]))
        .fine(decides(0, 3, "b", &["x", "z"]))
        .fine(executes(0, 1, "x"))
        .fine(executes(0, 1, "y"))
        .fine(is_in(0, 1, "xy"))
        .fine(is_in(0, 2, "xy"))
        .fine(executes(0, 3, "z"))
        .fine(is_in(0, 3, "xyz"));
    history
}

#[test]
fn all_execute_the_same() {
    let mut history = history();
    history
        .fine(executes(1, 1, "x"))
        .fine(executes(1, 1, "y"))
        .fine(executes(1, 3, "z"))
        .fine(is_in(1, 3, "xyz"))
        .fine(executes(LIAR, 1, "y"));
}

#[test]
fn nothing_twice() {
    let mut history = history();
    history
        .fine(decides(0, 4, "c", &["x", "y"]))
        .fires(executes(0, 4, "x"), "has done so at h1");
    let mut history = self::history();
    history.fires(executes(0, 3, "z"), "h3 again");
}

#[test]
fn in_one_order() {
    history().fires(executes(1, 1, "y"), "others");
    let mut skips = history();
    skips.fine(executes(1, 1, "x"));
    skips.fires(executes(1, 3, "z"), "executes 1 requests at h1");
    let mut skips_all = history();
    skips_all.fires(is_in(1, 3, "z"), "executes 0 requests at h1");
    let mut adds = history();
    adds.fine(executes(1, 1, "x")).fine(executes(1, 1, "y"));
    adds.fires(executes(1, 2, "z"), "others do not");
}

#[test]
fn what_is_decided_there() {
    let mut history = history();
    history.fine(decides(0, 4, "c", &["w"]));
    history.fires(executes(0, 4, "v"), "not decided at h4");
}

#[test]
fn states_are_equal() {
    let mut history = history();
    history.fine(executes(1, 1, "x")).fine(executes(1, 1, "y"));
    history.fires(is_in(1, 1, "yx"), "in state");
}

#[test]
fn a_restarted_replica_executes_again_what_its_store_has() {
    let mut history = history();
    history
        .fine(crashes(0, 0))
        .fine(starts(0, 2, 2))
        .fine(executes(0, 1, "x"))
        .fine(executes(0, 1, "y"))
        .fine(is_in(0, 2, "xy"))
        .fine(executes(0, 3, "z"))
        .fine(is_in(0, 3, "xyz"));
    // Or before it says that it has started; or not at all.
    history
        .fine(crashes(0, 0))
        .fine(executes(0, 1, "x"))
        .fine(executes(0, 1, "y"))
        .fine(starts(0, 3, 2))
        .fine(executes(0, 3, "z"))
        .fine(crashes(0, 0))
        .fine(starts(0, 4, 2))
        .fine(executes(0, 3, "z"));
    history.fires(executes(0, 1, "x"), "h1 again");
}

#[test]
fn a_restarted_replica_skips_nothing_that_its_store_lacks() {
    let mut history = history();
    history
        .fine(executes(1, 1, "x"))
        .fine(crashes(1, 0))
        .fine(starts(1, 2, 0));
    history.fires(executes(1, 3, "z"), "executes 0 requests at h1");
}
