use crate::fact::Fact;
use crate::oracle::history::{History, LIAR, PBFT, decides, digest, request};
use quorate_core::{Height, ReplicaId};

fn submitted() -> History {
    let mut history = History::of("validity", PBFT);
    for name in ["x", "y"] {
        history.fine(Fact::Submitted {
            request: request(name),
            body: digest(name),
        });
    }
    history
}

#[test]
fn what_was_submitted_may_be_decided() {
    submitted()
        .fine(decides(0, 1, "a", &["x", "y"]))
        .fine(decides(1, 1, "a", &["x", "y"]))
        .fine(decides(0, 2, "empty", &[]))
        .fine(decides(LIAR, 3, "b", &["z"]));
    submitted().fires(decides(0, 1, "a", &["x", "z"]), "nobody has submitted");
}

#[test]
fn with_that_body() {
    let decided = |body| Fact::Decided {
        by: ReplicaId(0),
        height: Height(1),
        payload: digest("a"),
        requests: Some(vec![(request("x"), digest(body))]),
        certificates: Vec::new(),
    };
    submitted().fine(decided("x"));
    submitted().fires(decided("y"), "nobody has submitted");
}

#[test]
fn a_payload_is_a_batch_and_not_nothing() {
    let garbage = Fact::Decided {
        by: ReplicaId(0),
        height: Height(1),
        payload: digest("a"),
        requests: None,
        certificates: Vec::new(),
    };
    submitted().fires(garbage, "no batch");
    submitted().fires(decides(0, 1, "nil", &[]), "which is nothing");
}
