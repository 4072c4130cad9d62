//! Entries of the safety log as they are written: a tag, and the record or payload.

use borsh::BorshSerialize;
use quorate_core::{Entry, Payload, Protocol};

const RECORD: u8 = 0;
const PAYLOAD: u8 = 1;

/// Encodes an entry.
///
/// # Panics
///
/// If the engine's record cannot be serialised, which is the engine's bug.
#[must_use]
pub fn encode<P: Protocol>(entry: &Entry<P>) -> Vec<u8> {
    match entry {
        Entry::Record(record) => {
            let mut bytes = vec![RECORD];
            record
                .serialize(&mut bytes)
                .expect("writing to memory does not fail");
            bytes
        }
        Entry::Payload(payload) => {
            let mut bytes = Vec::with_capacity(1 + payload.len());
            bytes.push(PAYLOAD);
            bytes.extend_from_slice(payload.bytes());
            bytes
        }
    }
}

/// Decodes an entry; `None` if another version or another engine wrote it.
#[must_use]
pub fn decode<P: Protocol>(bytes: &[u8]) -> Option<Entry<P>> {
    match bytes.split_first()? {
        (&RECORD, record) => borsh::from_slice(record).ok().map(Entry::Record),
        (&PAYLOAD, payload) => Some(Entry::Payload(Payload::new(payload))),
        _ => None,
    }
}
