use crate::fact::Fact;
use crate::oracle::history::{History, PBFT};
use quorate_core::ReplicaId;

#[test]
fn no_more_than_the_bound() {
    let holds = |amount| Fact::Holds {
        by: ReplicaId(0),
        what: "votes",
        amount,
        bound: 10,
    };
    let mut history = History::of("bounds", PBFT);
    history.fine(holds(10));
    history.fires(holds(11), "11 votes");
}
