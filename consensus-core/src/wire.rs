//! The envelope around everything that replicas send each other.
//!
//! ```text
//! engine u8 | wire version u16 | chain u64 | epoch u64 | sender u16 | kind u8 | content
//! ```
//!
//! All integers are little endian. The content of an engine's message is its body and then the
//! signature, both in borsh, to the last byte. Golden files in `tests/golden` hold examples.

use crate::{Body, ChainId, Domain, Epoch, Fault, Kind, Protocol, ReplicaId, Signed};
use borsh::BorshDeserialize;
use bytes::Bytes;

/// First kind that belongs to the replica and not to its engine.
pub const FIRST_SERVICE_KIND: Kind = 128;

/// Where a message belongs, and who claims to have sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Engine, version, chain and epoch.
    pub domain: Domain,
    /// Who claims to have sent it. For an engine's message the signature proves it, for others
    /// the connection does.
    pub sender: ReplicaId,
    /// What it is.
    pub kind: Kind,
}

/// Why bytes are not a message for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Shorter than an envelope, or not what its kind says.
    #[error("the bytes are no message")]
    Malformed,
    /// Longer than the limit.
    #[error("the message of {0} bytes is longer than the limit")]
    Oversized(usize),
    /// Another version of the encoding.
    #[error("wire version {0} is not ours")]
    Version(u16),
    /// Another engine.
    #[error("engine {0} is not ours")]
    Engine(u8),
    /// Another chain.
    #[error("chain {0} is not ours")]
    Chain(ChainId),
    /// Another epoch.
    #[error("epoch {0} is not ours")]
    Epoch(Epoch),
}

impl WireError {
    /// How the sender is to be blamed.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Malformed => Fault::Malformed,
            Self::Oversized(_) => Fault::Oversized,
            Self::Version(_) => Fault::UnknownVersion,
            Self::Engine(_) => Fault::WrongEngine,
            Self::Chain(_) => Fault::WrongChain,
            Self::Epoch(_) => Fault::WrongEpoch,
        }
    }
}

impl Envelope {
    /// Length of an encoded envelope.
    pub const LEN: usize = 22;

    /// Starts a message: the encoded envelope, to which the content is appended.
    #[must_use]
    pub fn start(&self, capacity: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LEN + capacity);
        bytes.push(self.domain.engine);
        bytes.extend_from_slice(&self.domain.wire.to_le_bytes());
        bytes.extend_from_slice(&self.domain.chain.0.to_le_bytes());
        bytes.extend_from_slice(&self.domain.epoch.0.to_le_bytes());
        bytes.extend_from_slice(&self.sender.0.to_le_bytes());
        bytes.push(self.kind);
        bytes
    }

    /// Reads an envelope, and checks that it is for `domain`. Returns it and the content.
    ///
    /// # Errors
    ///
    /// If the bytes are no envelope, longer than `limit`, or for another domain.
    pub fn open<'a>(
        domain: &Domain,
        limit: usize,
        bytes: &'a [u8],
    ) -> Result<(Self, &'a [u8]), WireError> {
        if bytes.len() > limit {
            return Err(WireError::Oversized(bytes.len()));
        }
        let (head, content) = bytes
            .split_at_checked(Self::LEN)
            .ok_or(WireError::Malformed)?;
        let mut rest = head;
        let mut read = || Self::read(&mut rest);
        let envelope = read().ok_or(WireError::Malformed)?;
        let found = envelope.domain;
        // In this order, because a version may change what follows it.
        if found.engine != domain.engine {
            return Err(WireError::Engine(found.engine));
        }
        if found.wire != domain.wire {
            return Err(WireError::Version(found.wire));
        }
        if found.chain != domain.chain {
            return Err(WireError::Chain(found.chain));
        }
        if found.epoch != domain.epoch {
            return Err(WireError::Epoch(found.epoch));
        }
        Ok((envelope, content))
    }

    fn read(rest: &mut &[u8]) -> Option<Self> {
        let engine = u8::deserialize(rest).ok()?;
        let wire = u16::deserialize(rest).ok()?;
        let chain = ChainId::deserialize(rest).ok()?;
        let epoch = Epoch::deserialize(rest).ok()?;
        let sender = ReplicaId::deserialize(rest).ok()?;
        let kind = Kind::deserialize(rest).ok()?;
        Some(Self {
            domain: Domain {
                engine,
                wire,
                chain,
                epoch,
            },
            sender,
            kind,
        })
    }
}

/// Encodes an engine's message.
#[must_use]
pub fn encode<P: Protocol>(domain: &Domain, signed: &Signed<P>) -> Bytes {
    let kind = signed.body.kind();
    let payload = signed.body.payload().map_or(0, crate::Payload::len);
    let envelope = Envelope {
        domain: *domain,
        sender: signed.by,
        kind,
    };
    let mut bytes = envelope.start(256 + payload);
    borsh::to_writer(&mut bytes, &signed.body).expect("writing to memory does not fail");
    borsh::to_writer(&mut bytes, &signed.signature).expect("writing to memory does not fail");
    bytes.into()
}

/// Decodes the content of an engine's message, to the last byte.
///
/// # Errors
///
/// [`WireError::Malformed`] if it is no message of the kind that its envelope says.
pub fn decode<P: Protocol>(envelope: &Envelope, content: &[u8]) -> Result<Signed<P>, WireError> {
    let mut rest = content;
    let body = P::Body::deserialize(&mut rest).map_err(|_| WireError::Malformed)?;
    let signature = BorshDeserialize::deserialize(&mut rest).map_err(|_| WireError::Malformed)?;
    if !rest.is_empty() || body.kind() != envelope.kind {
        return Err(WireError::Malformed);
    }
    Ok(Signed {
        by: envelope.sender,
        body,
        signature,
    })
}
