//! The envelope: what is not for us is refused, each for its own reason.

use crate::keys::Keys;
use crate::toy::{Say, Toy, VOTE};
use proptest::prelude::*;
use quorate_core::wire::{Envelope, WireError, decode, encode};
use quorate_core::{
    ChainId, Digest, Domain, Epoch, Fault, Height, Payload, Protocol, ReplicaId, Signed,
};

const LIMIT: usize = 4096;

fn message(keys: &Keys) -> Vec<u8> {
    let body = Say::Vote(Height(7), Digest::ZERO);
    encode(&keys.domain, &keys.sign(ReplicaId(2), body)).to_vec()
}

fn read(keys: &Keys, bytes: &[u8]) -> Result<Signed<Toy>, WireError> {
    let (envelope, content) = Envelope::open(&keys.domain, LIMIT, bytes)?;
    decode(&envelope, content)
}

#[test]
fn messages_come_back() {
    let keys = Keys::new(&[1; 4]);
    for body in [
        Say::Vote(Height(7), Digest::ZERO),
        Say::Propose(Height(8), Payload::new(vec![9; 100])),
        Say::Ping(Height(u64::MAX), 0),
    ] {
        let signed = keys.sign(ReplicaId(3), body);
        let bytes = encode(&keys.domain, &signed);
        assert_eq!(read(&keys, &bytes).unwrap(), signed);
        let (envelope, content) = Envelope::open(&keys.domain, LIMIT, &bytes).unwrap();
        assert_eq!(envelope.sender, ReplicaId(3));
        assert_eq!(content.len() + Envelope::LEN, bytes.len());
    }
}

#[test]
fn each_wrong_field_has_its_own_error() {
    let keys = Keys::new(&[1; 4]);
    let domain = keys.domain;
    let cases = [
        (
            Domain {
                engine: 5,
                ..domain
            },
            WireError::Engine(5),
            Fault::WrongEngine,
        ),
        (
            Domain { wire: 5, ..domain },
            WireError::Version(5),
            Fault::UnknownVersion,
        ),
        (
            Domain {
                chain: ChainId(5),
                ..domain
            },
            WireError::Chain(ChainId(5)),
            Fault::WrongChain,
        ),
        (
            Domain {
                epoch: Epoch(5),
                ..domain
            },
            WireError::Epoch(Epoch(5)),
            Fault::WrongEpoch,
        ),
    ];
    for (domain, error, fault) in cases {
        let other = Keys {
            domain,
            ..keys.clone()
        };
        assert_eq!(read(&keys, &message(&other)), Err(error));
        assert_eq!(error.fault(), fault);
    }
    let bytes = message(&keys);
    let short = Envelope::open(&keys.domain, bytes.len() - 1, &bytes);
    let oversized = WireError::Oversized(bytes.len());
    assert_eq!(short.unwrap_err(), oversized);
    assert_eq!(oversized.fault(), Fault::Oversized);
    assert!(Envelope::open(&keys.domain, bytes.len(), &bytes).is_ok());
}

#[test]
fn what_is_no_message_is_malformed() {
    let keys = Keys::new(&[1; 4]);
    let bytes = message(&keys);
    for len in 0..bytes.len() {
        assert_eq!(
            read(&keys, &bytes[..len]),
            Err(WireError::Malformed),
            "{len}"
        );
    }
    let mut trailing = bytes.clone();
    trailing.push(0);
    assert_eq!(read(&keys, &trailing), Err(WireError::Malformed));
    // A kind that its body does not have.
    let mut other = bytes.clone();
    assert_eq!(other[21], VOTE);
    other[21] = 1;
    assert_eq!(read(&keys, &other), Err(WireError::Malformed));
    // A variant that does not exist.
    let mut unknown = bytes;
    unknown[Envelope::LEN] = 77;
    assert_eq!(read(&keys, &unknown), Err(WireError::Malformed));
    assert_eq!(WireError::Malformed.fault(), Fault::Malformed);
}

#[test]
fn a_length_that_lies_allocates_nothing_much() {
    let keys = Keys::new(&[1; 4]);
    let proposal = Say::Propose(Height(1), Payload::new(vec![1; 8]));
    let mut bytes = encode(&keys.domain, &keys.sign(ReplicaId(0), proposal)).to_vec();
    let len = Envelope::LEN + 1 + 8;
    assert_eq!(bytes[len..len + 4], [8, 0, 0, 0]);
    bytes[len..len + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&keys, &bytes), Err(WireError::Malformed));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        keep in 0..=Envelope::LEN + 2,
    ) {
        let keys = Keys::new(&[1; 4]);
        let mut bytes = message(&keys)[..keep].to_vec();
        bytes.extend_from_slice(&noise);
        if let Ok(signed) = read(&keys, &bytes) {
            // What can be read has one encoding.
            prop_assert_eq!(encode(&keys.domain, &signed).to_vec(), bytes);
        }
    }

    #[test]
    fn one_changed_byte_is_another_message_or_none(at in 0..79usize, flip in 1..=255u8) {
        let keys = Keys::new(&[1; 4]);
        let bytes = message(&keys);
        prop_assert_eq!(bytes.len(), 79);
        let mut changed = bytes.clone();
        changed[at] ^= flip;
        if let Ok(signed) = read(&keys, &changed) {
            let checked = quorate_core::Verified::check(&keys.domain, &keys.scheme, vec![signed]);
            prop_assert!(checked[0].is_err(), "byte {at} is not covered by the signature");
        }
    }
}

#[test]
fn the_toy_is_where_the_tests_think() {
    assert_eq!((Toy::ENGINE, Toy::WIRE), (99, 1));
}
