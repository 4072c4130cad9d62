//! The ports: what a replica needs from the world, as traits. Engines use none of them.

use crate::{Digest, Fault, Height, Kind, ReplicaId, RequestRef, Seq};
use async_trait::async_trait;
use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Why the application refuses a request, for the client to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the application refuses the request: {0}")]
pub struct Refusal(pub String);

/// The replicated state machine: what the user of Quorate writes.
///
/// Only [`Self::execute`] has no default. Everything here must be deterministic: the same requests
/// in the same order give the same replies and the same state on every replica.
pub trait Application: Send + Sync + 'static {
    /// Executes one request, and returns the reply to its client. Called once for each request,
    /// in the decided order.
    fn execute(&mut self, height: Height, request: RequestRef<'_>) -> Vec<u8>;

    /// Whether a request may be ordered: its authenticity and its form.
    ///
    /// A pure function of the request, never of the state: replicas check at different times, and
    /// one that refuses what another accepted would blame an honest leader. A request that is
    /// valid but has become pointless is for `execute` to ignore.
    ///
    /// # Errors
    ///
    /// With the reason, if it must not be ordered.
    fn check(&self, request: RequestRef<'_>) -> Result<(), Refusal> {
        let _ = request;
        Ok(())
    }

    /// Answers a question about this replica's state, without consensus.
    fn query(&self, question: &[u8]) -> Vec<u8> {
        let _ = question;
        Vec::new()
    }

    /// Digest of the state, for checkpoints. By default the replica uses a running digest of all
    /// executed requests and their replies, which tells diverged replicas apart all the same.
    fn digest(&self) -> Option<Digest> {
        None
    }

    /// The whole state as bytes, for state transfer; `None` if it is not supported.
    fn snapshot(&self) -> Option<Vec<u8>> {
        None
    }

    /// Replaces the state by a snapshot.
    ///
    /// # Errors
    ///
    /// If the bytes are no snapshot.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Refusal> {
        let _ = snapshot;
        Err(Refusal("this application has no snapshots".into()))
    }

    /// The validators of the next epoch, asked for at heights where epochs change; `None` keeps
    /// them.
    fn validators_after(&self, height: Height) -> Option<Vec<crate::Validator>> {
        let _ = height;
        None
    }
}

impl Application for Box<dyn Application> {
    fn execute(&mut self, height: Height, request: RequestRef<'_>) -> Vec<u8> {
        (**self).execute(height, request)
    }

    fn check(&self, request: RequestRef<'_>) -> Result<(), Refusal> {
        (**self).check(request)
    }

    fn query(&self, question: &[u8]) -> Vec<u8> {
        (**self).query(question)
    }

    fn digest(&self) -> Option<Digest> {
        (**self).digest()
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        (**self).snapshot()
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Refusal> {
        (**self).restore(snapshot)
    }

    fn validators_after(&self, height: Height) -> Option<Vec<crate::Validator>> {
        (**self).validators_after(height)
    }
}

/// A storage failure. After one, the replica stops speaking: what it said may not be remembered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The operating system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What is on disk is not what was written. The replica must not sign anything: it may have
    /// forgotten a promise.
    #[error("{path} is corrupt at byte {offset}: {what}; this replica must not vote with it")]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// Another process uses the files.
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
    /// The database behind the block store failed.
    #[error("block store {path}: {what}")]
    Database {
        /// Which file.
        path: PathBuf,
        /// What it said.
        what: String,
    },
    /// An earlier operation failed, so this one was not attempted.
    #[error("an earlier failure has closed the storage")]
    Closed,
}

/// The safety log: one FIFO of entries, and one watermark below which all are durable.
///
/// Blocking; the replica runs it on a thread of its own. Group commit is the caller's: many
/// appends, one [`Self::sync`].
pub trait SafetyLog: Send + 'static {
    /// Appends an entry. `seq` is one more than that of the entry before.
    ///
    /// # Errors
    ///
    /// If it cannot be written. The log is then closed for good.
    fn append(&mut self, seq: Seq, entry: &[u8]) -> Result<(), StorageError>;

    /// Makes everything appended durable; returns the last entry's place.
    ///
    /// # Errors
    ///
    /// If it cannot be made durable. The log is then closed for good: what a failed sync left on
    /// disk is unknown.
    fn sync(&mut self) -> Result<Seq, StorageError>;

    /// Entries before `seq` may be forgotten, at the log's convenience.
    ///
    /// # Errors
    ///
    /// If the system refuses to remove a file.
    fn prune(&mut self, seq: Seq) -> Result<(), StorageError>;
}

/// A decided block as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StoredBlock {
    /// Its place in the order.
    pub height: Height,
    /// Digest of its payload.
    pub payload: Digest,
    /// The encoded decision: payload and proof.
    pub decision: Vec<u8>,
}

/// Decided blocks, by height, and the replica's stable checkpoint.
///
/// Blocking; calls come from blocking threads.
pub trait BlockStore: Send + Sync + 'static {
    /// Stores blocks. Durable when it returns.
    ///
    /// # Errors
    ///
    /// If they cannot be stored.
    fn put(&self, blocks: &[StoredBlock]) -> Result<(), StorageError>;

    /// The block at a height.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    fn get(&self, height: Height) -> Result<Option<StoredBlock>, StorageError>;

    /// The block whose payload has this digest: the highest one, if there are several.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    fn find(&self, payload: &Digest) -> Result<Option<StoredBlock>, StorageError>;

    /// Lowest and highest stored height.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    fn bounds(&self) -> Result<Option<(Height, Height)>, StorageError>;

    /// Forgets the blocks below `height`.
    ///
    /// # Errors
    ///
    /// If it fails.
    fn prune(&self, height: Height) -> Result<(), StorageError>;

    /// Stores the replica's newest stable checkpoint, encoded. Durable when it returns.
    ///
    /// # Errors
    ///
    /// If it cannot be stored.
    fn put_checkpoint(&self, checkpoint: &[u8]) -> Result<(), StorageError>;

    /// The checkpoint stored last.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StorageError>;
}

/// Which of a peer's streams a frame travels on. Frames on different channels do not wait for
/// each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Votes, timeouts, certificates: small, and never behind anything large.
    Votes,
    /// Proposals with their payloads.
    Blocks,
    /// Everything that is not consensus: forwarded requests, checkpoints, catch-up.
    Service,
}

impl Channel {
    /// All channels.
    pub const ALL: [Self; 3] = [Self::Votes, Self::Blocks, Self::Service];
}

/// Who gets a frame. Never the sender itself: the driver delivers its own copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Every other validator.
    Others,
    /// One validator.
    One(ReplicaId),
}

/// An encoded message on its way.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Which stream it travels on.
    pub channel: Channel,
    /// Its kind, for counters.
    pub kind: Kind,
    /// The bytes, envelope included.
    pub bytes: Bytes,
}

/// A frame that has arrived.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The validator that handed it to us: the author on a direct stream, perhaps only a relay
    /// in gossip.
    pub from: ReplicaId,
    /// Whether `from` is vouched for as the author.
    pub direct: bool,
    /// Where it arrived.
    pub channel: Channel,
    /// The bytes.
    pub bytes: Bytes,
    /// Names the delivery in [`Transport::judge`]; `None` if no verdict is wanted.
    pub ticket: Option<u64>,
}

/// What the intake thinks of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Good: gossip may pass it on.
    Accept,
    /// Neither good nor bad, such as stale: not passed on.
    Ignore,
    /// Bad: not passed on, and held against whoever sent it.
    Reject,
}

/// Messages and bytes handed to the transport or delivered by it, one for each recipient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages.
    pub messages: u64,
    /// Their encoded bytes.
    pub bytes: u64,
}

/// What a transport has counted since it started.
#[derive(Clone, Debug, Default)]
pub struct TransportCounters {
    /// Sent, by kind: one for each recipient.
    pub sent: BTreeMap<Kind, Traffic>,
    /// Received, by kind.
    pub received: BTreeMap<Kind, Traffic>,
    /// Frames that did not fit a peer's queue, by peer.
    pub dropped: BTreeMap<ReplicaId, u64>,
    /// Faults seen by the transport or reported to it, by cause.
    pub faults: BTreeMap<Fault, u64>,
    /// Validators connected now.
    pub connected: usize,
}

/// Carries frames between the validators.
///
/// Unreliable by contract: a frame may be lost, doubled or late. `send` never waits; each peer has
/// a bounded queue for each channel, so that a slow peer delays nobody else.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Queues a frame.
    fn send(&self, to: Destination, frame: Frame);

    /// Waits for deliveries, and appends at least one and at most `limit` to `into`. Returns
    /// `false` when the transport has shut down. One task at a time calls this.
    async fn receive(&self, into: &mut Vec<Delivery>, limit: usize) -> bool;

    /// Reports what became of a delivery that has a ticket.
    fn judge(&self, ticket: u64, verdict: Verdict);

    /// Holds a fault against a peer. Enough of them end its connection for a while.
    fn penalize(&self, peer: ReplicaId, fault: Fault);

    /// What has been counted so far.
    fn counters(&self) -> TransportCounters;

    /// Closes every connection. [`Self::receive`] returns `false` from then on.
    async fn shut_down(&self);
}
