use crate::fact::Fact;
use crate::oracle::history::{
    EARLIER, History, LIAR, PBFT, at, certificate, crashes, said, starts,
};
use quorate_core::{Height, ReplicaId, Threshold};

fn stores(by: u16, height: u64) -> Fact {
    Fact::Stored {
        by: ReplicaId(by),
        height: Height(height),
    }
}

fn stable(by: u16, height: u64) -> Fact {
    Fact::Stable {
        by: ReplicaId(by),
        height: Height(height),
        certificate: certificate(&said(EARLIER, at(1, 0), "a"), &[], Threshold::Quorum),
    }
}

#[test]
fn nothing_is_forgotten_before_it_is_stored() {
    let mut history = History::of("retention", PBFT);
    history
        .fine(starts(0, 1, 0))
        .fine(stores(0, 1))
        .fine(stores(0, 2))
        .fine(stable(0, 2))
        .fine(stable(LIAR, 9));
    history.fires(stable(0, 3), "has stored h2");
}

#[test]
fn the_store_has_no_gaps() {
    let mut history = History::of("retention", PBFT);
    history
        .fine(starts(0, 1, 3))
        .fine(stores(0, 4))
        .fine(stores(0, 4));
    history.fires(stores(0, 6), "after h4");
}

#[test]
fn what_is_stored_survives() {
    let mut history = History::of("retention", PBFT);
    history
        .fine(stores(0, 1))
        .fine(stores(0, 2))
        .fine(crashes(0, 0))
        .fine(starts(0, 2, 2))
        .fine(crashes(0, 0))
        .fine(starts(0, 3, 3))
        .fine(crashes(0, 0));
    history.fires(starts(0, 4, 2), "had stored h3");
}
