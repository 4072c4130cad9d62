//! What becomes of messages in an intake.

use crate::{Fault, Protocol, ReplicaId, Signed, Verdict, Verified};

/// Why a message is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// Its author is no validator, or not the peer that vouches for it.
    Stranger,
    /// The engine has no use for it any more.
    Stale,
    /// It is too far ahead to keep.
    TooFar,
    /// The engine says that no correct replica sends it.
    Refused,
    /// The same is here already, from the same peer, or has just been checked.
    Duplicate,
    /// The peer has as many unchecked messages here for the same slot as it may have.
    Crowded,
    /// The peer's share is used up.
    Quota,
    /// A signature from this peer has failed since the engine last decided.
    Barred,
    /// One of its signatures or certificates does not hold.
    BadSignature,
}

/// A message is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Why.
    pub reason: DropReason,
    /// What to hold against the peer that sent it (author or relay); `None` if it may be correct.
    pub fault: Option<Fault>,
}

impl Dropped {
    pub(super) const fn blameless(reason: DropReason) -> Self {
        Self {
            reason,
            fault: None,
        }
    }

    /// What to tell gossip: [`Verdict::Reject`] if no correct peer passes it on.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self.reason {
            DropReason::Stranger | DropReason::BadSignature => Verdict::Reject,
            _ => Verdict::Ignore,
        }
    }
}

/// What became of an offered message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It waits to be checked. Its tag comes back in a [`Settled`].
    Queued,
    /// It waits for the engine to get there. Its tag comes back in a [`Settled`], perhaps much
    /// later.
    Later,
    /// It is dropped.
    Dropped(Dropped),
}

/// Names a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchId(pub(super) u64);

/// Messages to be checked together, with [`Verified::check`].
#[derive(Debug)]
pub struct Batch<P: Protocol> {
    /// Returned with the verdicts.
    pub id: BatchId,
    /// What to check.
    pub messages: Vec<Signed<P>>,
}

/// What became of a message that had been [`Offer::Queued`] or kept for [`Offer::Later`].
#[derive(Debug)]
pub struct Settled<P: Protocol> {
    /// The tag that it was offered with.
    pub tag: u64,
    /// The peer that sent it.
    pub from: ReplicaId,
    /// The message, for the engine; or that it is dropped.
    pub result: Result<Verified<P>, Dropped>,
}
