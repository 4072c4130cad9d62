//! What is admitted to a mempool.

use quorate_core::ReplicaId;

/// What a mempool holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolLimits {
    /// Bytes of all requests together, each counted as it is encoded in a batch plus
    /// [`Self::HELD_OVERHEAD`]. Forwarded requests may fill half of it, so that peers never crowd
    /// out the clients of this replica. Default 64 MiB.
    pub bytes: usize,
    /// Bytes that the requests forwarded by one peer may take. Default 8 MiB.
    pub forwarded_bytes: usize,
    /// Longest request, encoded. Default 256 KiB.
    pub request_bytes: usize,
    /// Longest batch. At least [`Self::request_bytes`]. Default 256 KiB.
    pub batch_bytes: usize,
    /// Most requests in a batch. Default 8,192.
    pub batch_requests: usize,
}

impl MempoolLimits {
    /// What a held request costs beyond its encoding, rounded up: without it a flood of empty
    /// requests would take many times the memory that it is charged for.
    pub const HELD_OVERHEAD: usize = 192;
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            forwarded_bytes: 8 << 20,
            request_bytes: 256 << 10,
            batch_bytes: 256 << 10,
            batch_requests: 8192,
        }
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client of this replica.
    Local,
    /// Another replica, whose client it is.
    Forwarded(ReplicaId),
}

/// Why a request is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionError {
    /// It is here already.
    #[error("the request is waiting already")]
    Duplicate,
    /// It was decided not long ago. The reply table has the reply, or will have it.
    #[error("the request has been decided already")]
    Decided,
    /// Longer than [`MempoolLimits::request_bytes`].
    #[error("the request takes {len} bytes of at most {limit}")]
    TooLong {
        /// Its encoded length.
        len: usize,
        /// The most that is admitted.
        limit: usize,
    },
    /// Back-pressure: there is no room now. Try again when requests have been decided.
    #[error("the mempool is full: {held} of {limit} bytes")]
    Full {
        /// Bytes charged for what is held.
        held: usize,
        /// The most that is held.
        limit: usize,
    },
    /// A peer has forwarded more than its share. Its own clients wait there.
    #[error("replica {by} has forwarded {held} bytes of at most {limit}")]
    Quota {
        /// The peer.
        by: ReplicaId,
        /// Bytes charged to it, or to all peers together.
        held: usize,
        /// The most that is held.
        limit: usize,
    },
}
