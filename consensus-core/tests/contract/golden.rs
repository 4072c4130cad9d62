//! Golden files: an encoding or a hash that changes fails here. With `UPDATE_GOLDEN=1` the files
//! are rewritten; then raise the wire version, and say why.

use crate::keys::Keys;
use crate::toy::Say;
use quorate_core::wire::encode;
use quorate_core::{
    CheckpointClaim, ClientId, Digest, Height, Payload, Place, ReplicaId, RequestId, RequestRef,
    SignerSet, Slot, View,
};
use std::fmt::Write;
use std::path::Path;

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(32) {
        for byte in line {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    text
}

#[track_caller]
fn golden(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = path.join(name).with_extension("hex");
    let found = hex(bytes);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).expect("golden files can be written");
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("tests/golden/{name}.hex: {error}"));
    assert_eq!(found, expected, "{name} is not encoded as it was");
}

#[test]
fn messages() {
    let keys = Keys::new(&[1; 4]);
    let digest = *Payload::new(b"payload".to_vec()).digest();
    let vote = Say::Vote(Height(0x1122_3344), digest);
    golden(
        "envelope-vote",
        &encode(&keys.domain, &keys.sign(ReplicaId(2), vote)),
    );
    let proposal = Say::Propose(Height(7), Payload::new(b"payload".to_vec()));
    golden(
        "envelope-propose",
        &encode(&keys.domain, &keys.sign(ReplicaId(1), proposal)),
    );
}

#[test]
fn signer_sets() {
    let mut bytes = Vec::new();
    for replicas in [1usize, 4, 8, 9, 64, 100, 1024] {
        let mut set = SignerSet::empty(replicas);
        for id in (0..replicas as u16).step_by(3) {
            set.insert(ReplicaId(id));
        }
        bytes.extend(borsh::to_vec(&set).unwrap());
    }
    golden("signer-sets", &bytes);
}

#[test]
fn batches_and_payloads() {
    let mut batch = Vec::new();
    for (client, sequence, body) in [(1, 1, &b"first"[..]), (u128::MAX, u64::MAX, b"")] {
        let client = ClientId(client);
        let id = RequestId { client, sequence };
        RequestRef { id, body }.append_to(&mut batch);
    }
    golden("batch", &batch);
    golden("payload-digest", &Payload::new(batch).digest().0);
    golden("empty-payload-digest", &Payload::empty().digest().0);
}

#[test]
fn statements() {
    let keys = Keys::new(&[1; 4]);
    let slot = Slot {
        kind: 5,
        place: Place::new(Height(0x0a0b_0c0d), View(0x0102)),
    };
    let statement = keys.domain.statement(slot, &Digest([0x42; 32]));
    golden("statement", &statement.0.0);
    let claim = CheckpointClaim {
        height: Height(64),
        payload: Digest([1; 32]),
        state: Digest([2; 32]),
    };
    golden("checkpoint-statement", &claim.statement(&keys.domain).0.0);
    golden("checkpoint-claim", &borsh::to_vec(&claim).unwrap());
    let validators = quorate_core::testing::mock_validators(&[1, 2, 3]);
    golden("validators-digest", &validators.digest().0);
}
