//! Hashes, and what exactly is signed.

use crate::{ChainId, Epoch, Place};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// A BLAKE3 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Thirty-two zero bytes. Nothing hashes to it; engines use it for "nothing", such as nil.
    pub const ZERO: Self = Self([0; 32]);

    /// Starts a hash in a domain of its own: equal inputs in different domains never collide.
    ///
    /// `domain` is part of the format. It is written once, in the code, and never changes.
    #[must_use]
    pub fn builder(domain: &'static str) -> DigestBuilder {
        DigestBuilder {
            domain,
            short: Vec::with_capacity(SHORT),
            long: None,
        }
    }

    /// First eight hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.0[..4]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Inputs up to so many bytes are hashed in one piece.
const SHORT: usize = 256;

/// Hashes explicit fields. Integers are fixed-width little endian; bytes carry their length.
#[derive(Clone, Debug)]
pub struct DigestBuilder {
    domain: &'static str,
    /// What has been added, as long as it is short: a hasher is two kilobytes, and moves with
    /// every field.
    short: Vec<u8>,
    long: Option<Box<blake3::Hasher>>,
}

impl DigestBuilder {
    fn add(&mut self, bytes: &[u8]) {
        if let Some(long) = &mut self.long {
            long.update(bytes);
        } else if self.short.len() + bytes.len() <= SHORT {
            self.short.extend_from_slice(bytes);
        } else {
            let mut long = blake3::Hasher::new_derive_key(self.domain);
            long.update(&self.short).update(bytes);
            self.long = Some(Box::new(long));
        }
    }

    /// Adds an integer as eight bytes.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.add(&number.to_le_bytes());
        self
    }

    /// Adds a digest as thirty-two bytes.
    #[must_use]
    pub fn digest(mut self, digest: &Digest) -> Self {
        self.add(&digest.0);
        self
    }

    /// Adds bytes of any length, preceded by their length in eight bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.add(&(bytes.len() as u64).to_le_bytes());
        self.add(bytes);
        self
    }

    /// The hash of everything added.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(match self.long {
            Some(long) => *long.finalize().as_bytes(),
            None => blake3::derive_key(self.domain, &self.short),
        })
    }
}

/// What a replica signs: a digest of fixed-width fields that say where the statement belongs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Statement(pub Digest);

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {:?}", self.0)
    }
}

/// Kind of a message or of a signed statement, unique within an engine.
///
/// Engines number theirs from 1 to 127. From 128 on they belong to the replica: checkpoints,
/// forwarded requests, catch-up.
pub type Kind = u8;

/// The slot that a statement fills: what it is, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// What kind of statement.
    pub kind: Kind,
    /// Height and view it is about.
    pub place: Place,
}

/// Everything that a signed statement says about where it belongs, other than its [`Slot`].
///
/// One for each engine, chain and epoch. A statement made in one is worthless in any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Number of the engine ([`crate::Protocol::ENGINE`]).
    pub engine: u8,
    /// Version of the engine's encoding ([`crate::Protocol::WIRE`]).
    pub wire: u16,
    /// The chain.
    pub chain: ChainId,
    /// The epoch, hence the validator set.
    pub epoch: Epoch,
}

impl Domain {
    /// The statement that `digest` fills `slot` here.
    ///
    /// Every field has a fixed width, so no two different statements have equal bytes.
    #[must_use]
    pub fn statement(&self, slot: Slot, digest: &Digest) -> Statement {
        let mut bytes = [0u8; 68];
        bytes[0] = self.engine;
        bytes[1..3].copy_from_slice(&self.wire.to_le_bytes());
        bytes[3..11].copy_from_slice(&self.chain.0.to_le_bytes());
        bytes[11..19].copy_from_slice(&self.epoch.0.to_le_bytes());
        bytes[19] = slot.kind;
        bytes[20..28].copy_from_slice(&slot.place.height.0.to_le_bytes());
        bytes[28..36].copy_from_slice(&slot.place.view.0.to_le_bytes());
        bytes[36..68].copy_from_slice(&digest.0);
        Statement(Digest(blake3::derive_key(
            "quorate 2026 statement v1",
            &bytes,
        )))
    }
}
