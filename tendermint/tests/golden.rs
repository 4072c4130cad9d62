//! Encodings and statements are format. A change here breaks every stored log and every peer:
//! raise `WIRE`, and then run once with `UPDATE_GOLDEN=1`.

use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Decision, Digest, Domain, Epoch, Height, KeyRole, Payload, Protocol,
    QuorumCertificate, ReplicaId, Scheme, SignerSet, View,
};
use quorate_tendermint::{
    Body, Certificate, CommitProof, Phase, Polka, Proposal, Record, Tendermint, Value, Vote,
};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

const DOMAIN: Domain = Domain {
    engine: Tendermint::<Mock>::ENGINE,
    wire: Tendermint::<Mock>::WIRE,
    chain: ChainId(0x0102_0304_0506_0708),
    epoch: Epoch(3),
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

/// Compares lines of `name = hex` with a file, or writes it if asked to.
fn assert_golden(file: &str, lines: &[(&str, Vec<u8>)]) {
    let mut text = String::new();
    for (name, bytes) in lines {
        writeln!(text, "{name} = {}", hex(bytes)).expect("writing to a string does not fail");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(&path).expect("the golden file is there");
    assert_eq!(text, golden, "{file} has changed");
}

fn payload() -> Payload {
    Payload::new(&b"golden"[..])
}

fn vote(round: u64) -> Vote {
    Vote {
        height: Height(0x1122),
        round: View(round),
        value: Value::of(*payload().digest()),
    }
}

fn nil() -> Vote {
    Vote {
        value: Value::NIL,
        ..vote(2)
    }
}

fn certificate(phase: Phase, round: u64) -> QuorumCertificate<Mock> {
    let scheme = Mock::new(mock_validators(&[1; 4]), [42; 32]);
    let statement = vote(round).statement(phase, &DOMAIN);
    let mut signers = SignerSet::empty(4);
    let parts: Vec<_> = [0, 2, 3]
        .map(|id| {
            signers.insert(ReplicaId(id));
            let signature = scheme.sign(ReplicaId(id), KeyRole::Voting, statement);
            (ReplicaId(id), signature)
        })
        .into();
    QuorumCertificate {
        signers,
        aggregate: scheme.aggregate(parts.iter().map(|(by, signature)| (*by, signature))),
    }
}

fn polka() -> Polka<Mock> {
    Polka {
        round: View(1),
        certificate: certificate(Phase::Prevote, 1),
    }
}

fn proposal(polka: Option<Polka<Mock>>) -> Body<Mock> {
    Body::Proposal(Proposal {
        height: Height(0x1122),
        round: View(2),
        payload: payload(),
        polka,
    })
}

fn bodies() -> Vec<(&'static str, Body<Mock>)> {
    vec![
        ("proposal", proposal(None)),
        ("re-proposal", proposal(Some(polka()))),
        ("prevote", Body::Prevote(vote(2))),
        ("prevote nil", Body::Prevote(nil())),
        ("precommit", Body::Precommit(vote(2))),
        ("precommit nil", Body::Precommit(nil())),
        (
            "certificate",
            Body::Certificate(Certificate {
                phase: Phase::Precommit,
                vote: vote(1),
                certificate: certificate(Phase::Precommit, 1),
            }),
        ),
    ]
}

fn encoded(value: &impl borsh::BorshSerialize) -> Vec<u8> {
    borsh::to_vec(value).expect("writing to memory does not fail")
}

#[test]
fn bodies_keep_their_encoding() {
    let bodies = bodies();
    let lines: Vec<_> = bodies
        .iter()
        .map(|(name, body)| (*name, encoded(body)))
        .collect();
    assert_golden("bodies.hex", &lines);
    for ((name, body), (_, bytes)) in bodies.iter().zip(&lines) {
        let back: Body<Mock> = borsh::from_slice(bytes).expect("it was just encoded");
        assert_eq!(encoded(&back), *bytes, "{name}");
        assert_eq!(back.signing(), body.signing(), "{name}");
        for cut in 0..bytes.len() {
            assert!(
                borsh::from_slice::<Body<Mock>>(&bytes[..cut]).is_err(),
                "{name}"
            );
        }
    }
}

#[test]
fn statements_keep_their_digests_and_differ() {
    let bodies = bodies();
    let statement = |body: &Body<Mock>| body.signing().statement(&DOMAIN).0.0.to_vec();
    let lines: Vec<_> = bodies
        .iter()
        .map(|(name, body)| (*name, statement(body)))
        .collect();
    assert_golden("statements.hex", &lines);
    for (index, (name, one)) in lines.iter().enumerate() {
        for (other, two) in &lines[..index] {
            assert_ne!(one, two, "{name} and {other} sign the same");
        }
    }
}

#[test]
fn records_keep_their_encoding() {
    let digest: Digest = *payload().digest();
    let (height, round) = (Height(0x1122), View(2));
    let proposed = |polka| Record::Proposed {
        height,
        round,
        payload: digest,
        polka,
    };
    let records = [
        ("proposed", proposed(None)),
        ("re-proposed", proposed(Some(polka()))),
        ("prevoted", Record::Prevoted(vote(2))),
        (
            "precommitted",
            Record::Precommitted {
                vote: vote(1),
                polka: Some(polka()),
            },
        ),
        (
            "precommitted nil",
            Record::Precommitted {
                vote: nil(),
                polka: None,
            },
        ),
        (
            "valid",
            Record::Valid {
                height,
                value: Value::of(digest),
                polka: polka(),
            },
        ),
    ];
    let lines: Vec<_> = records
        .iter()
        .map(|(name, record)| (*name, encoded(record)))
        .collect();
    assert_golden("records.hex", &lines);
    for (_, bytes) in &lines {
        let back: Record<Mock> = borsh::from_slice(bytes).expect("it was just encoded");
        assert_eq!(encoded(&back), *bytes);
        assert_eq!(back.height(), height);
    }
}

#[test]
fn decisions_keep_their_encoding_and_prove_themselves() {
    let decision = Decision::<Tendermint<Mock>> {
        height: Height(0x1122),
        payload: payload(),
        proof: Arc::new(CommitProof {
            round: View(1),
            certificate: certificate(Phase::Precommit, 1),
        }),
    };
    assert_golden("decision.hex", &[("decision", encoded(&decision))]);
    let scheme = Mock::new(mock_validators(&[1; 4]), [42; 32]);
    assert_eq!(decision.verify(&DOMAIN, &scheme), Ok(()));
    let wrong = |change: fn(&mut Decision<Tendermint<Mock>>)| {
        let mut other = decision.clone();
        change(&mut other);
        other.verify(&DOMAIN, &scheme).is_err()
    };
    assert!(wrong(|it| it.height = Height(0x1123)));
    assert!(wrong(|it| it.payload = Payload::empty()));
    assert!(wrong(|it| Arc::make_mut(&mut it.proof).round = View(2)));
    assert!(wrong(|it| {
        // A polka is no commit certificate.
        Arc::make_mut(&mut it.proof).certificate = certificate(Phase::Prevote, 1);
    }));
    let other_chain = Domain {
        chain: ChainId(1),
        ..DOMAIN
    };
    assert!(decision.verify(&other_chain, &scheme).is_err());
}
