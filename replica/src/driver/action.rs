//! What goes into the driver, and what it wants done.

use super::SignTicket;
use crate::Service;
use quorate_core::{Batch, BatchId};
use quorate_core::{
    Checkpoint, CheckpointClaim, Decision, Destination, Digest, Evidence, Fault, Height, Note,
    Payload, Persist, Protocol, ReplicaId, Request, RequestId, Scheme, Seq, SignError, Signed,
    Ticket, Verdict, Verified,
};
use std::sync::Arc;

/// An engine's message as it was delivered.
#[derive(Debug)]
pub struct Received<P: Protocol> {
    /// The validator that delivered it.
    pub from: ReplicaId,
    /// Whether the transport vouches that `from` is its author.
    pub direct: bool,
    /// The message.
    pub signed: Signed<P>,
    /// Its encoded length.
    pub bytes: usize,
    /// Names the delivery where the transport wants a verdict.
    pub ticket: Option<u64>,
}

/// A checkpoint, who signed it, and the signature.
pub type CheckpointVote<P> = (
    ReplicaId,
    CheckpointClaim,
    <<P as Protocol>::Scheme as Scheme>::Signature,
);

/// A checkpoint vote as it was delivered.
#[derive(Debug)]
pub struct ReceivedCheckpoint<P: Protocol> {
    /// The validator that delivered it.
    pub from: ReplicaId,
    /// Whether the transport vouches that `from` is its author.
    pub direct: bool,
    /// The vote, with the author that it names.
    pub vote: CheckpointVote<P>,
    /// Names the delivery where the transport wants a verdict.
    pub ticket: Option<u64>,
}

/// A batch of messages whose signatures have been checked.
#[derive(Debug)]
pub struct CheckedBatch<P: Protocol> {
    /// Which batch ([`Batch::id`]).
    pub id: BatchId,
    /// For each message in order: the verified message, or the one that failed.
    pub results: Vec<Result<Verified<P>, Signed<P>>>,
    /// For the payloads in the batch: whether the application accepts them.
    pub payloads: Vec<(Digest, bool)>,
}

/// Something that happened to the replica.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<P: Protocol> {
    /// An engine's message arrived.
    Received(Received<P>),
    /// A service message arrived; its connection vouches for its sender. A checkpoint vote that
    /// comes like this is its sender's.
    Service(ReplicaId, Service<P>),
    /// Answers [`Action::Verify`].
    Checked(CheckedBatch<P>),
    /// Answers [`Action::Sign`].
    Signed(SignTicket, Result<Verified<P>, SignError>),
    /// Answers [`Action::Append`]: the log is durable up to here.
    Durable(Seq),
    /// The time from [`super::Driver::deadline`] may have passed.
    Tick,
    /// Clients of this replica have submitted requests, and the application admits them.
    Submitted(Vec<Request>),
    /// A peer has forwarded requests, and the application admits them.
    Forwarded(ReplicaId, Vec<Request>),
    /// Answers [`Action::CheckPayload`].
    PayloadChecked(Ticket, bool),
    /// Answers [`Action::SignCheckpoint`].
    CheckpointSigned(CheckpointClaim, <P::Scheme as Scheme>::Signature),
    /// A checkpoint vote arrived, perhaps by way of others.
    Checkpoint(ReceivedCheckpoint<P>),
    /// Answers [`Action::VerifyCheckpoint`], if the signature holds.
    CheckpointVerified(ReplicaId, CheckpointClaim, <P::Scheme as Scheme>::Signature),
    /// Answers [`Action::VerifyCheckpoint`], if the signature does not hold.
    CheckpointRefused(ReplicaId, CheckpointClaim, <P::Scheme as Scheme>::Signature),
    /// [`Action::ServeDecisions`] or [`Action::FindPayload`] has brought a peer so many bytes.
    Served(ReplicaId, usize),
    /// A peer has asked for more than the shell does for one peer at a time; it was refused.
    Exceeded(ReplicaId),
    /// Answers [`Action::VerifyDecisions`]: those before the first bad one, and the fault in it.
    DecisionsVerified(ReplicaId, Vec<Decision<P>>, Option<Fault>),
    /// Answers [`Action::FindPayload`] for this replica: it is in the block store.
    PayloadFound(Payload),
    /// Answers [`Action::FindPayload`] for this replica: it is not in the block store.
    PayloadMissing(Digest),
    /// Answers [`Action::Execute`]. At checkpoint heights it comes with what to sign.
    Executed(Height, Option<CheckpointClaim>),
    /// Answers [`Action::Execute`]: the decisions up to here are in the block store, durably.
    Stored(Height),
}

/// Something that the replica wants done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Action<P: Protocol> {
    /// Append to the safety log; after all actions at hand, sync it, and say [`Event::Durable`].
    Append(Persist<P>),
    /// Sign a body, off the driver's thread.
    Sign(SignTicket, P::Body),
    /// Send a message; the driver has delivered its own copy already.
    Transmit(Destination, Verified<P>),
    /// Send a service message.
    SendService(Destination, Service<P>),
    /// Check signatures, and the payloads among the messages, off the driver's thread.
    Verify(Batch<P>),
    /// Check whether a payload is acceptable, off the driver's thread.
    CheckPayload(Ticket, Payload),
    /// Execute and store a decision. They come in order, without gaps.
    Execute(Decision<P>),
    /// Sign a checkpoint with the voting key.
    SignCheckpoint(CheckpointClaim),
    /// Check the signature of a checkpoint vote.
    VerifyCheckpoint(ReplicaId, CheckpointClaim, <P::Scheme as Scheme>::Signature),
    /// Check the proofs of decisions.
    VerifyDecisions(ReplicaId, Vec<Decision<P>>),
    /// Look in the block store for decisions from a height on, and send them to a replica.
    ServeDecisions(ReplicaId, Height),
    /// Look in the block store for a payload: for a peer, or for this replica.
    FindPayload(Option<ReplicaId>, Digest),
    /// A checkpoint is stable: keep it, and forget blocks that it makes superfluous.
    Stable(Arc<Checkpoint<P::Scheme>>),
    /// This replica's state differs from what a quorum signed. It has stopped voting.
    Diverged(CheckpointClaim),
    /// Log entries before this one may be forgotten.
    Prune(Seq),
    /// Report or keep evidence.
    Evidence(Box<Evidence<P>>),
    /// Hold a fault against a peer.
    Penalize(ReplicaId, Fault),
    /// Tell the transport what became of a delivery.
    Judge(u64, Verdict),
    /// A request of this replica's clients will not be ordered.
    Refused(RequestId, crate::AdmissionError),
    /// A fact about progress.
    Note(Note),
}
