//! What replicas say to each other beside their engine's messages.
//!
//! These travel on the service channel, which authenticates the sender; only checkpoint votes are
//! signed, because they are shown to third parties.

use borsh::BorshDeserialize;
use bytes::Bytes;
use quorate_core::wire::{Envelope, FIRST_SERVICE_KIND, WireError};
use quorate_core::{
    CHECKPOINT_KIND, Channel, CheckpointClaim, Decision, Digest, Domain, Frame, Height, Kind,
    Payload, Protocol, ReplicaId, Scheme,
};

/// Most decisions in one answer.
pub(crate) const DECISIONS_MAX: usize = 64;

/// Most bytes of payloads in one answer; one decision is always allowed.
pub(crate) const DECISIONS_BYTES: usize = 4 << 20;

/// Kinds of service messages. Part of the wire format.
mod kind {
    use super::{CHECKPOINT_KIND, FIRST_SERVICE_KIND, Kind};

    pub(super) const CHECKPOINT: Kind = CHECKPOINT_KIND;
    pub(super) const FORWARD: Kind = FIRST_SERVICE_KIND + 1;
    pub(super) const WAKE: Kind = FIRST_SERVICE_KIND + 2;
    pub(super) const FETCH_DECISIONS: Kind = FIRST_SERVICE_KIND + 3;
    pub(super) const DECISIONS: Kind = FIRST_SERVICE_KIND + 4;
    pub(super) const FETCH_PAYLOAD: Kind = FIRST_SERVICE_KIND + 5;
    pub(super) const PAYLOAD: Kind = FIRST_SERVICE_KIND + 6;
}

/// A message between replicas that is not the engine's.
#[derive(Debug)]
pub enum Service<P: Protocol> {
    /// The sender's state after a height, signed with its voting key.
    Checkpoint(CheckpointClaim, <P::Scheme as Scheme>::Signature),
    /// Clients' requests, as a batch, for the receiver to propose.
    Forward(Vec<u8>),
    /// The sender has requests and the chain is quiet: do not hold back empty blocks.
    Wake,
    /// Asks for the decisions from a height on.
    FetchDecisions(Height),
    /// Decisions at consecutive heights from the one asked for on, with their proofs; none if
    /// the sender has none.
    Decisions(Height, Vec<Decision<P>>),
    /// Asks for the payload with a digest.
    FetchPayload(Digest),
    /// The payload that was asked for.
    Payload(Payload),
}

impl<P: Protocol> Clone for Service<P> {
    fn clone(&self) -> Self {
        match self {
            Self::Checkpoint(claim, signature) => Self::Checkpoint(*claim, signature.clone()),
            Self::Forward(batch) => Self::Forward(batch.clone()),
            Self::Wake => Self::Wake,
            Self::FetchDecisions(height) => Self::FetchDecisions(*height),
            Self::Decisions(from, decisions) => Self::Decisions(*from, decisions.clone()),
            Self::FetchPayload(digest) => Self::FetchPayload(*digest),
            Self::Payload(payload) => Self::Payload(payload.clone()),
        }
    }
}

impl<P: Protocol> Service<P> {
    const fn kind(&self) -> Kind {
        match self {
            Self::Checkpoint(..) => kind::CHECKPOINT,
            Self::Forward(_) => kind::FORWARD,
            Self::Wake => kind::WAKE,
            Self::FetchDecisions(_) => kind::FETCH_DECISIONS,
            Self::Decisions(..) => kind::DECISIONS,
            Self::FetchPayload(_) => kind::FETCH_PAYLOAD,
            Self::Payload(_) => kind::PAYLOAD,
        }
    }

    /// Encodes the message of `sender` for the service channel.
    #[must_use]
    pub fn encode(&self, domain: &Domain, sender: ReplicaId) -> Frame {
        let kind = self.kind();
        let mut bytes = Envelope {
            domain: *domain,
            sender,
            kind,
        }
        .start(64);
        let written = match self {
            Self::Checkpoint(claim, signature) => borsh::to_writer(&mut bytes, claim)
                .and_then(|()| borsh::to_writer(&mut bytes, signature)),
            Self::Forward(batch) => {
                bytes.extend_from_slice(batch);
                Ok(())
            }
            Self::Wake => Ok(()),
            Self::FetchDecisions(height) => borsh::to_writer(&mut bytes, height),
            Self::Decisions(from, decisions) => borsh::to_writer(&mut bytes, from)
                .and_then(|()| borsh::to_writer(&mut bytes, decisions)),
            Self::FetchPayload(digest) => borsh::to_writer(&mut bytes, digest),
            Self::Payload(payload) => {
                bytes.extend_from_slice(payload.bytes());
                Ok(())
            }
        };
        written.expect("writing to memory does not fail");
        Frame {
            channel: Channel::Service,
            kind,
            bytes: Bytes::from(bytes),
        }
    }

    /// Decodes the content of a service message, to the last byte.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] if it is none.
    pub fn decode(kind: Kind, content: &[u8]) -> Result<Self, WireError> {
        fn whole<T: BorshDeserialize>(content: &[u8]) -> Result<T, WireError> {
            borsh::from_slice(content).map_err(|_| WireError::Malformed)
        }
        Ok(match kind {
            kind::CHECKPOINT => {
                let (claim, signature) = whole(content)?;
                Self::Checkpoint(claim, signature)
            }
            kind::FORWARD => Self::Forward(content.to_vec()),
            kind::WAKE if content.is_empty() => Self::Wake,
            kind::FETCH_DECISIONS => Self::FetchDecisions(whole(content)?),
            kind::DECISIONS => {
                let (from, decisions) = whole(content)?;
                Self::Decisions(from, decisions)
            }
            kind::FETCH_PAYLOAD => Self::FetchPayload(whole(content)?),
            kind::PAYLOAD => Self::Payload(Payload::new(content)),
            _ => return Err(WireError::Malformed),
        })
    }
}
