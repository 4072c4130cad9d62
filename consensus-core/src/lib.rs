//! The contract of Quorate's consensus engines.
//!
//! An engine implements [`Protocol`]: a pure state machine that takes one [`Input`] at a time and
//! appends [`Output`]s to an [`Outbox`]. Everything that touches the world is a port, a trait in
//! [`ports`](Application): the application, the transport, the safety log, the block store. This
//! crate holds the contract, and what all engines share: quorum arithmetic, validator sets,
//! certificates, votes, evidence, the wire envelope, and the bounded intake.
//!
//! It has no runtime, clock, randomness, I/O or C code, and neither have the engines.

mod body;
mod certificate;
mod checkpoint;
mod decision;
mod digest;
mod evidence;
mod fault;
mod holding;
mod ids;
mod intake;
mod outbox;
mod payload;
mod ports;
mod protocol;
mod quorum;
mod scheme;
mod signers;
mod time;
mod validators;
mod verified;
mod votes;

#[cfg(feature = "testing")]
pub mod testing;
pub mod wire;

pub use body::{Body, Signing};
pub use certificate::QuorumCertificate;
pub use checkpoint::{CHECKPOINT_KIND, Checkpoint, CheckpointClaim};
pub use decision::Decision;
pub use digest::{Digest, DigestBuilder, Domain, Kind, Slot, Statement};
pub use evidence::{Evidence, EvidenceError};
pub use fault::{Fault, Note};
pub use holding::Holding;
pub use ids::{ChainId, Epoch, Height, Place, ReplicaId, Seq, Ticket, View};
pub use intake::{
    Authorship, Batch, BatchId, DropReason, Dropped, Intake, IntakeLimits, Offer, Quota, Settled,
};
pub use outbox::{Entry, Outbox, Output, Persist, Recipients, Send};
pub use payload::{ClientId, MalformedBatch, Payload, Request, RequestId, RequestRef, Requests};
pub use ports::{
    Application, BlockStore, Channel, Delivery, Destination, Frame, Refusal, SafetyLog,
    StorageError, StoredBlock, Traffic, Transport, TransportCounters, Verdict,
};
pub use protocol::{Input, Proof, Protocol, Recovered, Setup, Status, Triage};
pub use quorum::{QuorumPower, Threshold};
pub use scheme::{
    Claim, Claims, KeyRole, Scheme, SchemeCounters, SignError, SignatureData, Signer,
};
pub use signers::{MAX_VALIDATORS, SignerSet};
pub use time::{Time, Timers};
pub use validators::{
    LeaderSchedule, Rotation, Validator, ValidatorSet, ValidatorSetError, VotingKey,
};
pub use verified::{Signed, Verified};
pub use votes::{Added, VoteSet};
