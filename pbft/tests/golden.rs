//! Encodings of bodies, records and proofs, and what they sign. A change here breaks the wire or
//! the disk: then `Pbft::WIRE` must change too. `UPDATE_GOLDEN=1` writes the files anew.

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Checkpoint, CheckpointClaim, Digest, Domain, Epoch, Height, KeyRole,
    Payload, Protocol, QuorumCertificate, ReplicaId, Scheme, SignerSet, Statement, View,
};
use quorate_pbft::{
    Body, CommitCertificate, InView, Lagging, NewView, Pbft, PrePrepare, PreparedCertificate,
    Record, SignedNewView, SignedViewChange, ViewChange, Vote,
};
use std::fmt::Write;
use std::path::Path;

fn scheme() -> Mock {
    Mock::new(mock_validators(&[1; 4]), [7; 32])
}

fn digest(number: u8) -> Digest {
    Digest([number; 32])
}

fn signature(by: u16) -> <Mock as Scheme>::Signature {
    scheme().sign(ReplicaId(by), KeyRole::Identity, Statement(digest(1)))
}

fn certificate() -> QuorumCertificate<Mock> {
    let mut signers = SignerSet::empty(4);
    for id in [0, 1, 3] {
        signers.insert(ReplicaId(id));
    }
    let parts = [0, 1, 3].map(|id| (ReplicaId(id), signature(id)));
    let parts = parts.iter().map(|(id, signature)| (*id, signature));
    let aggregate = scheme().aggregate(parts);
    QuorumCertificate { signers, aggregate }
}

fn vote() -> Vote {
    Vote {
        view: View(2),
        height: Height(3),
        digest: digest(4),
    }
}

fn prepared() -> PreparedCertificate<Mock> {
    PreparedCertificate {
        height: Height(9),
        view: View(1),
        digest: digest(5),
        certificate: certificate(),
    }
}

fn view_change() -> ViewChange<Mock> {
    let claim = CheckpointClaim {
        height: Height(8),
        payload: digest(6),
        state: digest(7),
    };
    let stable = Some(Checkpoint {
        claim,
        certificate: certificate(),
    });
    ViewChange {
        view: View(2),
        stable,
        prepared: vec![prepared()],
    }
}

fn new_view() -> NewView<Mock> {
    let signed = |by| SignedViewChange {
        by: ReplicaId(by),
        view_change: view_change(),
        signature: signature(by),
    };
    NewView {
        view: View(2),
        view_changes: vec![signed(0), signed(2)],
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory does not fail");
        text
    })
}

fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = path.join(name).with_extension("hex");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, format!("{found}\n")).expect("the golden folder is writable");
    }
    let expected = std::fs::read_to_string(&path).expect("the golden file exists");
    assert_eq!(expected.trim_end(), found, "{name} is encoded otherwise");
}

fn round_trip<T: BorshSerialize + BorshDeserialize>(name: &str, value: &T) {
    let bytes = borsh::to_vec(value).expect("writing to memory does not fail");
    golden(name, &hex(&bytes));
    let back = T::try_from_slice(&bytes).expect("it decodes");
    assert_eq!(borsh::to_vec(&back).expect("it encodes"), bytes);
    assert!(T::try_from_slice(&bytes[..bytes.len() - 1]).is_err());
}

fn bodies() -> Vec<(&'static str, Body<Mock>)> {
    let pre_prepare = PrePrepare {
        view: View(2),
        height: Height(3),
        payload: Payload::new(b"payload".to_vec()),
    };
    let lagging = Lagging {
        view: View(1),
        height: Height(7),
    };
    let in_view = InView {
        view: View(2),
        reproposed: Height(9),
    };
    let copy = SignedNewView {
        by: ReplicaId(2),
        new_view: new_view(),
        signature: signature(2),
    };
    vec![
        ("body-pre-prepare", Body::PrePrepare(pre_prepare)),
        ("body-prepare", Body::Prepare(vote())),
        ("body-commit", Body::Commit(vote())),
        ("body-view-change", Body::ViewChange(view_change())),
        ("body-new-view", Body::NewView(new_view())),
        ("body-lagging", Body::Lagging(lagging)),
        ("body-in-view", Body::InView(in_view)),
        ("body-new-view-copy", Body::NewViewCopy(copy)),
    ]
}

#[test]
fn bodies_are_encoded_as_ever() {
    for (name, body) in bodies() {
        round_trip(name, &body);
    }
}

#[test]
fn statements_are_as_ever_and_all_different() {
    let domain = Domain {
        engine: Pbft::<Mock>::ENGINE,
        wire: Pbft::<Mock>::WIRE,
        chain: ChainId(5),
        epoch: Epoch(6),
    };
    let mut text = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for (name, body) in bodies() {
        let statement = body.signing().statement(&domain);
        assert!(seen.insert(statement), "{name} signs what another signs");
        writeln!(text, "{name} {}", statement.0).expect("writing to memory does not fail");
    }
    golden("statements", text.trim_end());
}

#[test]
fn a_pre_prepare_signs_what_a_prepare_signs() {
    let payload = Payload::new(b"payload".to_vec());
    let prepare = Body::<Mock>::Prepare(Vote {
        digest: *payload.digest(),
        ..vote()
    });
    let pre_prepare = Body::<Mock>::PrePrepare(PrePrepare {
        view: View(2),
        height: Height(3),
        payload,
    });
    assert_eq!(prepare.signing(), pre_prepare.signing());
}

#[test]
fn records_are_encoded_as_ever() {
    let accepted = Record::Accepted {
        view: View(2),
        height: Height(3),
        digest: digest(4),
    };
    round_trip::<Record<Mock>>("record-accepted", &accepted);
    round_trip("record-prepared", &Record::Prepared(prepared()));
    round_trip("record-view-change", &Record::ViewChange(view_change()));
    let entered = Record::Entered {
        new_view: new_view(),
        signature: Some(signature(2)),
    };
    round_trip("record-entered", &entered);
    let in_view = Record::<Mock>::InView {
        view: View(2),
        reproposed: Height(9),
    };
    round_trip("record-in-view", &in_view);
}

#[test]
fn proofs_are_encoded_as_ever() {
    let proof = CommitCertificate {
        view: View(2),
        certificate: certificate(),
    };
    round_trip("proof", &proof);
}
