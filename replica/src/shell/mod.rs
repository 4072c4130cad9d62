//! The tokio shell: carries out what the driver decides.
//!
//! ```text
//!  transport ──> inbound task ──> driver task ──> transport
//!                                  │  ▲   │ ▲
//!               clients ──────────>│  │   │ └── verification pool (rayon), signing tasks
//!                                  ▼  │   ▼
//!                            log thread   execution thread ──> store thread
//! ```
//!
//! Nothing on the driver's task waits for a disk, a signature or the application.

mod admission;
mod execution;
mod forwards;
mod inbound;
mod logging;
mod serving;
mod shares;
mod start;
mod store;
mod task;
mod verification;

pub(crate) use admission::{Admitted, Room};
pub use start::{Parts, start, thread_pool};

use quorate_core::{Height, Place, ReplicaId, Time};
use std::time::Instant;

/// The most that a single peer has made this replica do at a time, since it started. Each has a
/// bound of its own for each peer, so that none crowds out the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerWork {
    /// Reads of the block store. At most 2.
    pub reads: usize,
    /// Checkpoint votes whose signatures were being checked. At most 32 of the peer's own, and 32
    /// that it passed on.
    pub checkpoint_checks: usize,
    /// Bytes of forwarded requests that waited for the application's check, or for the driver
    /// after it; each batch counts 1 KiB more than it has. At most 16 MiB.
    pub forwarded_bytes: usize,
}

/// Where a replica stands, for operators and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicaStatus {
    /// This replica.
    pub me: ReplicaId,
    /// What the engine is working on.
    pub place: Place,
    /// Who leads there.
    pub leader: ReplicaId,
    /// Highest decided height.
    pub decided: Height,
    /// Highest executed height.
    pub executed: Height,
    /// Height of the newest stable checkpoint.
    pub stable: Height,
    /// Bytes of requests that wait to be executed.
    pub pending_bytes: usize,
    /// What peers have made it do.
    pub peer_work: PeerWork,
    /// Contradictions of peers found since the start.
    pub evidence: u64,
    /// Why this replica has stopped voting, if it has.
    pub failure: Option<String>,
}

/// Reads the time for a driver: nanoseconds since the replica started.
#[derive(Clone, Copy, Debug)]
struct Clock(Instant);

impl Clock {
    fn now(&self) -> Time {
        Time::ZERO.after(self.0.elapsed())
    }

    fn instant(&self, time: Time) -> tokio::time::Instant {
        (self.0 + time.since(Time::ZERO)).into()
    }
}
