//! Sets of replicas.

use crate::ReplicaId;
use borsh::io::{Error, ErrorKind, Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// Most validators an epoch can have.
pub const MAX_VALIDATORS: usize = 1024;

const WORDS: usize = MAX_VALIDATORS / 64;

/// A set of replicas out of exactly `n`: one bit each.
///
/// On the wire it is `n` as two bytes and then ⌈n/8⌉ bytes; unused bits must be zero, so that a
/// set has one encoding only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignerSet {
    replicas: u16,
    words: [u64; WORDS],
}

impl SignerSet {
    /// The empty set out of `replicas`.
    ///
    /// # Panics
    ///
    /// With more than [`MAX_VALIDATORS`], which no [`crate::ValidatorSet`] has.
    #[must_use]
    pub fn empty(replicas: usize) -> Self {
        assert!(
            replicas <= MAX_VALIDATORS,
            "{replicas} replicas are more than {MAX_VALIDATORS}"
        );
        Self {
            replicas: replicas as u16,
            words: [0; WORDS],
        }
    }

    /// Out of how many replicas this is a set.
    #[must_use]
    pub const fn replicas(&self) -> usize {
        self.replicas as usize
    }

    /// Adds a replica; says whether it was new.
    ///
    /// # Panics
    ///
    /// If `id` is not below [`Self::replicas`].
    pub fn insert(&mut self, id: ReplicaId) -> bool {
        assert!(
            id.0 < self.replicas,
            "{id:?} is not one of {} replicas",
            self.replicas
        );
        let (word, bit) = (id.index() / 64, 1u64 << (id.index() % 64));
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// Whether `id` is in the set.
    #[must_use]
    pub fn contains(&self, id: ReplicaId) -> bool {
        id.0 < self.replicas && self.words[id.index() / 64] >> (id.index() % 64) & 1 == 1
    }

    /// How many replicas are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Whether nobody is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The members, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        (0..self.replicas)
            .map(ReplicaId)
            .filter(|id| self.contains(*id))
    }
}

impl fmt::Debug for SignerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl BorshSerialize for SignerSet {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        self.replicas.serialize(writer)?;
        let bytes = self.words.iter().flat_map(|word| word.to_le_bytes());
        let used: Vec<u8> = bytes.take(self.replicas().div_ceil(8)).collect();
        writer.write_all(&used)
    }
}

impl BorshDeserialize for SignerSet {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let replicas = u16::deserialize_reader(reader)?;
        if usize::from(replicas) > MAX_VALIDATORS {
            return Err(Error::new(ErrorKind::InvalidData, "signer set too large"));
        }
        let mut set = Self::empty(replicas.into());
        let mut bytes = [0u8; MAX_VALIDATORS / 8];
        reader.read_exact(&mut bytes[..usize::from(replicas).div_ceil(8)])?;
        for (word, chunk) in set.words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(chunk.try_into().expect("chunks are of eight bytes"));
        }
        let beyond = (usize::from(replicas)..usize::from(replicas).next_multiple_of(8))
            .any(|bit| set.words[bit / 64] >> (bit % 64) & 1 == 1);
        if beyond {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "signer set has bits beyond its end",
            ));
        }
        Ok(set)
    }
}
