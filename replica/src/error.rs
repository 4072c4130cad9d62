//! What can go wrong with a replica.

use crate::AdmissionError;
use quorate_core::{Height, Refusal, StorageError};

/// Why a replica does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The log or the block store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An entry of the safety log cannot be understood.
    #[error(
        "entry {0} of the safety log was written by another engine or version; start this \
         replica with the engine that wrote it, or in an empty directory under a new key"
    )]
    ForeignLog(u64),
    /// A stored block cannot be understood.
    #[error("the stored block at height {0} was written by another engine or version")]
    ForeignBlock(Height),
    /// The stored snapshot cannot be restored.
    #[error("the stored snapshot cannot be restored: {0}")]
    Snapshot(String),
    /// The blocks that the application needs are not in the store.
    #[error("the block store lacks height {0}, which the application needs to catch up")]
    MissingBlock(Height),
    /// The longest message is shorter than what replicas say to each other.
    #[error(
        "`frame_bytes` is {found}, but a block or an answer may take {least} bytes; set it to at \
         least {least}, the same on all replicas"
    )]
    FrameBytes {
        /// [`crate::ReplicaConfig::frame_bytes`].
        found: usize,
        /// What it must be at least.
        least: usize,
    },
    /// The operating system refuses a thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Why a request was not executed, as far as this replica knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The application refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its number is too far ahead of the client's oldest open request.
    #[error("the client may use sequence numbers up to {end} now")]
    BeyondWindow {
        /// The last number that may be used now.
        end: u64,
    },
    /// The replicas have forgotten the client, and cannot tell whether it was executed.
    #[error("the replicas have forgotten this client; go on above sequence number {floor}")]
    Forgotten {
        /// Numbers up to here are used up.
        floor: u64,
    },
    /// It was not admitted.
    #[error(transparent)]
    NotAdmitted(#[from] AdmissionError),
    /// The replica has stopped. The request may or may not be executed by the others.
    #[error("the replica has stopped; the request may or may not be executed")]
    Stopped,
}
