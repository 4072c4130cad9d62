//! Executes decisions: in order, each request once.

mod check;
#[cfg(test)]
mod tests;

use crate::{ReplyLimits, ReplyTable, RequestStatus};
use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;
pub use check::{PayloadCheck, PayloadRefusal};
use quorate_core::{
    Application, CheckpointClaim, Digest, Height, Payload, RequestId, RequestRef, Requests,
};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What became of a request in a decided block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was executed now, with this reply.
    Executed(Bytes),
    /// It had been executed before, and nothing happened now: the reply of that time, if it is
    /// still kept.
    Repeated(Option<Bytes>),
    /// It was not executed, because the client is too far ahead of its oldest open request.
    BeyondWindow {
        /// The last sequence number that the client may use now.
        end: u64,
    },
    /// It was not executed, because the client was forgotten; see [`ReplyTable`].
    Forgotten {
        /// The client goes on above this sequence number.
        floor: u64,
    },
}

impl Outcome {
    /// The reply, if the request has been executed, now or before, and the reply is there.
    #[must_use]
    pub fn reply(self) -> Option<Bytes> {
        match self {
            Self::Executed(reply) => Some(reply),
            Self::Repeated(reply) => reply,
            Self::BeyondWindow { .. } | Self::Forgotten { .. } => None,
        }
    }
}

/// What executing a decision has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The height of the decision.
    pub height: Height,
    /// What became of each request of the block, in order.
    pub replies: Vec<(RequestId, Outcome)>,
    /// At checkpoint heights, the digest of the state after it.
    pub state: Option<Digest>,
}

/// Why a snapshot cannot be installed. Unless it says so, nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The bytes are no snapshot of an executor.
    #[error("the bytes are no snapshot")]
    Malformed,
    /// The snapshot is of another height than the checkpoint, or not above what has been executed.
    #[error("the snapshot of height {snapshot} is not what is wanted at {wanted}")]
    Height {
        /// The snapshot's.
        snapshot: Height,
        /// The checkpoint's.
        wanted: Height,
    },
    /// The application has no digest of its own, so nothing proves that the snapshot is right.
    #[error("the application has no digest that could prove a snapshot right")]
    Unproved,
    /// The application refuses it.
    #[error("{0}")]
    Refused(quorate_core::Refusal),
    /// The state is not the one that the quorum signed. The application holds it all the same:
    /// another snapshot must be restored before anything is executed.
    #[error("the snapshot's state {found} is not the signed {signed}")]
    WrongState {
        /// The digest of what was restored.
        found: Digest,
        /// The digest in the checkpoint.
        signed: Digest,
    },
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Snapshot {
    height: Height,
    running: Digest,
    replies: Vec<u8>,
    application: Vec<u8>,
}

/// Looks requests up in the reply table of an [`Executor`] from other threads.
///
/// It waits for at most one request's execution, and never holds execution up for longer than a
/// lookup.
#[derive(Clone)]
pub struct Replies(Arc<RwLock<ReplyTable>>);

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("replies")
    }
}

impl Replies {
    /// Whether a request has been executed, or may be.
    #[must_use]
    pub fn status(&self, id: RequestId) -> RequestStatus {
        read(&self.0).status(id)
    }
}

/// The application and the reply table behind one owner, which executes decisions in order.
///
/// The application is behind a lock, taken for writing for one request at a time, so that
/// [`PayloadCheck`] and queries can use it from other threads between two requests. A panic of the
/// application is not caught: its state is then unknown, and everything that touches it afterwards
/// panics too.
pub struct Executor<A> {
    application: Arc<RwLock<A>>,
    replies: Arc<RwLock<ReplyTable>>,
    limits: ReplyLimits,
    /// Stands for the state of applications that have no digest of their own.
    running: Digest,
    height: Height,
    interval: u64,
}

impl<A> fmt::Debug for Executor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "executor at {}", self.height)
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read()
        .expect("the application or its executor panicked")
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write()
        .expect("the application or its executor panicked")
}

impl<A: Application> Executor<A> {
    /// An executor at genesis, that digests the state every `interval` heights.
    ///
    /// # Panics
    ///
    /// If the interval is zero.
    #[must_use]
    pub fn new(application: A, limits: ReplyLimits, interval: u64) -> Self {
        assert!(interval > 0, "checkpoints need an interval");
        Self {
            application: Arc::new(RwLock::new(application)),
            replies: Arc::new(RwLock::new(ReplyTable::new(limits))),
            limits,
            running: Digest::ZERO,
            height: Height::GENESIS,
            interval,
        }
    }

    /// The last height executed.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// The application, shared: whoever locks it keeps requests from being executed.
    #[must_use]
    pub fn application(&self) -> Arc<RwLock<A>> {
        Arc::clone(&self.application)
    }

    /// The reply table, for other threads.
    #[must_use]
    pub fn replies(&self) -> Replies {
        Replies(Arc::clone(&self.replies))
    }

    /// Takes the application out, if nobody else shares it.
    #[must_use]
    pub fn into_application(self) -> Option<A> {
        let lock = Arc::into_inner(self.application)?;
        Some(lock.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Executes the decision at the next height.
    ///
    /// Requests that were executed before are skipped, and so are those beyond their client's
    /// window and those of forgotten clients: which ones depends on earlier decisions only, so
    /// every replica skips the same. A batch that is malformed from some byte on, which no check
    /// lets through, is executed up to there.
    ///
    /// # Panics
    ///
    /// If `height` is not the next one: decisions have one owner, which has then lost count. And if
    /// the application panics.
    pub fn execute(&mut self, height: Height, payload: &Payload) -> Executed {
        assert_eq!(height, self.height.next(), "decisions come in order");
        self.height = height;
        let mut running = Digest::builder("quorate 2026 executed block v1")
            .digest(&self.running)
            .number(height.0)
            .digest(payload.digest());
        let mut replies = Vec::new();
        for request in Requests::new(payload.bytes()).map_while(Result::ok) {
            let outcome = self.execute_request(request);
            if let Outcome::Executed(reply) = &outcome {
                // The place in the block names the request.
                running = running.number(replies.len() as u64).bytes(reply);
            }
            replies.push((request.id, outcome));
        }
        if !replies.is_empty() {
            self.running = running.finish();
        }
        let state = height.0.is_multiple_of(self.interval);
        Executed {
            height,
            replies,
            state: state.then(|| self.state_digest()),
        }
    }

    fn execute_request(&mut self, request: RequestRef<'_>) -> Outcome {
        match read(&self.replies).status(request.id) {
            RequestStatus::Fresh => {}
            RequestStatus::Executed(reply) => return Outcome::Repeated(reply),
            RequestStatus::BeyondWindow { end } => return Outcome::BeyondWindow { end },
            RequestStatus::Forgotten { floor } => return Outcome::Forgotten { floor },
        }
        let reply = Bytes::from(write(&self.application).execute(self.height, request));
        write(&self.replies).executed(self.height, request.id, reply.clone());
        Outcome::Executed(reply)
    }

    /// Digest of everything that execution depends on: the height, the application's state, and
    /// the reply table (without which a replica that has recovered would execute requests again).
    #[must_use]
    pub fn state_digest(&self) -> Digest {
        let builder = Digest::builder("quorate 2026 replica state v1").number(self.height.0);
        let own = read(&self.application).digest();
        let builder = match &own {
            Some(digest) => builder.number(1).digest(digest),
            None => builder.number(0).digest(&self.running),
        };
        builder.digest(&write(&self.replies).digest()).finish()
    }

    /// Everything that [`Self::restore`] needs, as bytes; `None` if the application has no
    /// snapshots.
    #[must_use]
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        let application = read(&self.application).snapshot()?;
        let snapshot = Snapshot {
            height: self.height,
            running: self.running,
            replies: read(&self.replies).encode(),
            application,
        };
        Some(borsh::to_vec(&snapshot).expect("writing to memory does not fail"))
    }

    /// Replaces the state by a snapshot, which must be the state that a quorum has signed.
    ///
    /// # Errors
    ///
    /// If it is not, or the application cannot prove or take it.
    pub fn restore(&mut self, bytes: &[u8], signed: &CheckpointClaim) -> Result<(), RestoreError> {
        let snapshot: Snapshot = borsh::from_slice(bytes).map_err(|_| RestoreError::Malformed)?;
        if snapshot.height != signed.height || snapshot.height <= self.height {
            return Err(RestoreError::Height {
                snapshot: snapshot.height,
                wanted: signed.height,
            });
        }
        let table = ReplyTable::decode(self.limits, &snapshot.replies)
            .map_err(|_| RestoreError::Malformed)?;
        let mut application = write(&self.application);
        if application.digest().is_none() {
            return Err(RestoreError::Unproved);
        }
        let restored = application.restore(&snapshot.application);
        drop(application);
        restored.map_err(RestoreError::Refused)?;
        let before = (self.height, self.running);
        let old = std::mem::replace(&mut *write(&self.replies), table);
        (self.height, self.running) = (snapshot.height, snapshot.running);
        let found = self.state_digest();
        if found == signed.state {
            return Ok(());
        }
        (self.height, self.running) = before;
        *write(&self.replies) = old;
        Err(RestoreError::WrongState {
            found,
            signed: signed.state,
        })
    }
}

impl<A: Application> Executor<A> {
    /// A handle that checks proposed payloads from other threads, by the given limits.
    #[must_use]
    pub fn payload_check(&self, limits: crate::MempoolLimits) -> PayloadCheck<A> {
        PayloadCheck::new(Arc::clone(&self.application), limits)
    }
}
