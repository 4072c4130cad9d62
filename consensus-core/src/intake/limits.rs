//! How much an intake holds.

/// Whether the connection that a message came on proves who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorship {
    /// It came directly from the peer that it names as its author: a direct stream.
    Vouched,
    /// The peer may only pass it on: gossip. A correct peer passes on only what it has checked.
    Relayed,
}

/// Most messages, and most of their encoded bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Messages.
    pub messages: usize,
    /// Bytes, as given to [`crate::Intake::offer`]. At least twice the longest message.
    pub bytes: usize,
}

/// How much an [`crate::Intake`] holds: for each peer these quotas, in each of its two roles
/// ([`Authorship`]). With n validators that is at most 2·n·(`queue` + `later`), of which an
/// attacker gets what its own connections get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntakeLimits {
    /// For what waits to be checked, and what is being checked.
    pub queue: Quota,
    /// For what is about heights or views that the engine has not reached ([`crate::Triage::Later`]).
    /// Once the engine is there, these messages may exceed `queue`, up to both together.
    pub later: Quota,
    /// Most batches that are being checked at a time.
    pub batches: usize,
}

impl Default for IntakeLimits {
    /// For each peer and role 1,024 messages or 8 MiB to check, 4,096 messages or 8 MiB for later;
    /// 4 batches.
    fn default() -> Self {
        Self {
            queue: Quota {
                messages: 1024,
                bytes: 8 << 20,
            },
            later: Quota {
                messages: 4096,
                bytes: 8 << 20,
            },
            batches: 4,
        }
    }
}
