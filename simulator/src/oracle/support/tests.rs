use crate::fact::{Certificate, Fact};
use crate::oracle::history::{
    EARLIER, History, LATER, LIAR, PBFT, at, certificate, crashes, digest, promises, said, starts,
};
use quorate_core::{Height, ReplicaId, Threshold};

fn relies(certificate: Certificate) -> Fact {
    Fact::Relied {
        by: ReplicaId(0),
        certificate,
    }
}

/// Replicas 0, 1 and the liar have signed.
fn signed() -> History {
    let mut history = History::of("support", PBFT);
    history.all([0, 1, LIAR], |by| promises(by, 1, EARLIER, at(1, 2), "a"));
    history
}

#[test]
fn a_quorum_that_signed_supports() {
    let said = said(EARLIER, at(1, 2), "a");
    signed()
        .fine(relies(certificate(&said, &[0, 1, 3], Threshold::Quorum)))
        .fine(relies(certificate(&said, &[1, 3], Threshold::Weak)))
        .fine(relies(certificate(&said, &[1], Threshold::Any)));
}

#[test]
fn less_power_than_needed_does_not() {
    let said = said(EARLIER, at(1, 2), "a");
    let two = certificate(&said, &[0, 1], Threshold::Quorum);
    signed().fires(relies(two), "have power 2 and not 3");
    let one = certificate(&said, &[0], Threshold::Weak);
    signed().fires(relies(one), "have power 1 and not 2");
    let none = certificate(&said, &[], Threshold::Any);
    signed().fires(relies(none), "have power 0 and not 1");
}

#[test]
fn each_signer_counts_once_and_has_signed() {
    let said = said(EARLIER, at(1, 2), "a");
    let twice = certificate(&said, &[0, 1, 1], Threshold::Quorum);
    signed().fires(relies(twice), "r1 counts twice");
    let other = certificate(&said, &[0, 1, 2], Threshold::Quorum);
    signed().fires(relies(other), "r2 has not signed");
    let stranger = certificate(&said, &[0, 1, 4], Threshold::Quorum);
    signed().fires(relies(stranger), "r4 has not signed");
}

#[test]
fn exactly_this_was_signed() {
    for other in [
        said(EARLIER, at(1, 3), "a"),
        said(EARLIER, at(2, 2), "a"),
        said(EARLIER, at(1, 2), "b"),
        said(LATER, at(1, 2), "a"),
    ] {
        let other = certificate(&other, &[0, 1, 3], Threshold::Quorum);
        signed().fires(relies(other), "nobody has signed it");
    }
}

#[test]
fn a_signature_lost_in_a_crash_supports_nothing() {
    let said = said(EARLIER, at(1, 2), "a");
    let mut history = signed();
    history.fine(crashes(1, 0)).fine(starts(1, 2, 0));
    let certificate = certificate(&said, &[0, 1, 3], Threshold::Quorum);
    history.fires(relies(certificate), "r1 has not signed");
}

#[test]
fn decisions_and_checkpoints_need_a_quorum() {
    let said = said(EARLIER, at(1, 2), "a");
    let of = |threshold| certificate(&said, &[0, 1, 3], threshold);
    let decided = |certificates| Fact::Decided {
        by: ReplicaId(0),
        height: Height(1),
        payload: digest("a"),
        requests: None,
        certificates,
    };
    signed().fine(decided(vec![of(Threshold::Quorum)]));
    signed().fires(decided(vec![of(Threshold::Weak)]), "no certificate");
    signed().fires(decided(Vec::new()), "no certificate");
    let stable = |threshold| Fact::Stable {
        by: ReplicaId(0),
        height: Height(1),
        certificate: of(threshold),
    };
    signed().fine(stable(Threshold::Quorum));
    signed().fires(stable(Threshold::Weak), "no certificate");
}

fn shows(signers: &[u16]) -> Fact {
    Fact::Gathered {
        by: ReplicaId(0),
        signers: signers.iter().copied().map(ReplicaId).collect(),
    }
}

#[test]
fn what_lets_a_replica_go_on_is_a_quorum_of_distinct_replicas() {
    signed().fine(shows(&[0, 2, 3]));
    signed().fires(shows(&[0, 2]), "with power 2 and not 3");
    signed().fires(shows(&[0, 2, 2]), "r2 twice");
}
