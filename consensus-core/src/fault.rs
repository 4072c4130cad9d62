//! What peers do wrong, and what happens that is worth telling.

use crate::{Height, View};

/// What a peer did that no correct peer does. One variant for each way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Sent bytes that are no message.
    Malformed,
    /// Sent a message longer than the limit.
    Oversized,
    /// Spoke another version of the encoding. Not punished: it may be newer.
    UnknownVersion,
    /// Spoke of another chain.
    WrongChain,
    /// Spoke for another engine.
    WrongEngine,
    /// Spoke of another epoch. Not punished: it may be behind or ahead.
    WrongEpoch,
    /// Is no validator of this epoch, or speaks for one that it is not.
    Stranger,
    /// Sent a signature or certificate that does not hold.
    BadSignature,
    /// Sent more than its share of what is kept for later.
    Flood,
    /// Spoke as leader of a view that it does not lead.
    NotLeader,
    /// Said two things that contradict each other.
    Equivocation,
    /// A certificate does not certify what the message needs.
    BadCertificate,
    /// A proposal does not follow from what justifies it.
    Unjustified,
    /// The fields of a message contradict each other.
    Inconsistent,
    /// Proposed what the application refuses.
    InvalidPayload,
    /// Answered with something else than what was asked.
    BadAnswer,
}

impl Fault {
    /// Whether it proves intent or a bug, so that the peer should lose standing.
    #[must_use]
    pub const fn is_punishable(self) -> bool {
        !matches!(self, Self::UnknownVersion | Self::WrongEpoch)
    }

    /// Name for counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Oversized => "oversized",
            Self::UnknownVersion => "unknown_version",
            Self::WrongChain => "wrong_chain",
            Self::WrongEngine => "wrong_engine",
            Self::WrongEpoch => "wrong_epoch",
            Self::Stranger => "stranger",
            Self::BadSignature => "bad_signature",
            Self::Flood => "flood",
            Self::NotLeader => "not_leader",
            Self::Equivocation => "equivocation",
            Self::BadCertificate => "bad_certificate",
            Self::Unjustified => "unjustified",
            Self::Inconsistent => "inconsistent",
            Self::InvalidPayload => "invalid_payload",
            Self::BadAnswer => "bad_answer",
        }
    }
}

/// A fact about progress, for traces and metrics. It never influences the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Moved to a view or round.
    Entered(Height, View),
    /// Gave up on a view or round.
    TimedOut(Height, View),
    /// Holds a certificate that locks it.
    Locked(Height, View),
    /// Decided a height in a view.
    Decided(Height, View),
}
