//! Signer sets and their one encoding.

use borsh::BorshDeserialize;
use proptest::prelude::*;
use quorate_core::{MAX_VALIDATORS, ReplicaId, SignerSet};
use std::collections::BTreeSet;

fn decode(bytes: &[u8]) -> Option<SignerSet> {
    SignerSet::try_from_slice(bytes).ok()
}

fn set(replicas: usize, members: impl IntoIterator<Item = u16>) -> SignerSet {
    let mut set = SignerSet::empty(replicas);
    for id in members {
        set.insert(ReplicaId(id));
    }
    set
}

#[test]
fn the_encoding_is_a_length_and_a_bitmap() {
    assert_eq!(borsh::to_vec(&set(4, [0, 3])).unwrap(), [4, 0, 0b1001]);
    assert_eq!(borsh::to_vec(&set(9, [8])).unwrap(), [9, 0, 0, 1]);
    assert_eq!(borsh::to_vec(&set(0, [])).unwrap(), [0, 0]);
    assert_eq!(borsh::to_vec(&set(MAX_VALIDATORS, [])).unwrap().len(), 130);
}

#[test]
fn other_encodings_are_refused() {
    assert!(decode(&[4, 0, 0b1001]).is_some());
    // A bit beyond the end, a byte too many, one too few, no length.
    assert!(decode(&[4, 0, 0b1_0000]).is_none());
    assert!(decode(&[4, 0, 0b1001, 0]).is_none());
    assert!(decode(&[4, 0]).is_none());
    assert!(decode(&[4]).is_none());
    assert!(decode(&[]).is_none());
    // Too large: refused before anything is read.
    assert!(decode(&[1, 4]).is_none());
    assert!(decode(&[0xff; 8195]).is_none());
}

#[test]
fn members_are_counted_once() {
    let mut set = SignerSet::empty(70);
    assert!(set.is_empty());
    assert!(set.insert(ReplicaId(69)));
    assert!(!set.insert(ReplicaId(69)));
    assert_eq!((set.len(), set.replicas()), (1, 70));
    assert!(!set.contains(ReplicaId(70)) && !set.contains(ReplicaId(u16::MAX)));
    assert_eq!(format!("{set:?}"), "{r69}");
}

#[test]
#[should_panic(expected = "is not one of 4 replicas")]
fn strangers_do_not_fit() {
    SignerSet::empty(4).insert(ReplicaId(4));
}

#[test]
#[should_panic(expected = "are more than 1024")]
fn too_many_do_not_fit() {
    let _ = SignerSet::empty(MAX_VALIDATORS + 1);
}

proptest! {
    #[test]
    fn it_is_a_set(replicas in 1..=MAX_VALIDATORS, ids in prop::collection::vec(any::<u16>(), 0..64)) {
        let members: BTreeSet<u16> = ids.into_iter().map(|id| id % replicas as u16).collect();
        let set = set(replicas, members.iter().copied());
        prop_assert_eq!(set.len(), members.len());
        let listed: Vec<_> = set.iter().map(|id| id.0).collect();
        prop_assert_eq!(&listed, &members.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(decode(&borsh::to_vec(&set).unwrap()), Some(set));
    }

    #[test]
    fn what_can_be_read_has_one_encoding(mut bytes in prop::collection::vec(any::<u8>(), 0..140)) {
        // Half of the time a length that can be right.
        if let Some(high) = bytes.get_mut(1).filter(|high| **high >= 128) {
            *high = 0;
        }
        if let Some(set) = decode(&bytes) {
            prop_assert_eq!(borsh::to_vec(&set).unwrap(), bytes);
        }
    }
}
