//! What a replica must remember of its own promises.

use crate::{Block, Certificate, Lock, Timeout, TimeoutCertificate, Vote};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{Scheme, View};

/// An entry of the safety log.
///
/// [`Self::Voted`] and [`Self::TimedOut`] each hold everything: last vote, lock, highest
/// certificates. So the newest of them replaces all older ones, except for the blocks in them that
/// are not executed yet.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub enum Record<S: Scheme> {
    /// Proposed in a view, hence never again in it.
    Proposed(#[borsh(bound(serialize = "", deserialize = ""))] Box<Proposed<S>>),
    /// Voted for a block. Its payload is in the log before this entry, unless it is empty.
    Voted(#[borsh(bound(serialize = "", deserialize = ""))] Box<Voted<S>>),
    /// Gave up a view.
    TimedOut(#[borsh(bound(serialize = "", deserialize = ""))] Box<TimedOut<S>>),
}

/// A proposal's view, and why it could be made there.
///
/// The leader alone may know: votes came to it only, and timeouts may have. If it stops before its
/// own vote for the proposal is written, it is back in this view all the same, and has to show
/// the others the way there: they cannot give up the one below without it.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Proposed<S: Scheme> {
    /// The view.
    pub view: View,
    /// The highest certificate, on which the proposal stands.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub high_qc: Certificate<S>,
    /// How the view began, if not by that certificate.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub timeout: Option<TimeoutCertificate<S>>,
}

/// A vote, and what it depends on.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Voted<S: Scheme> {
    /// The vote.
    pub vote: Vote,
    /// The block, with the certificate for its parent.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub block: Block<S>,
    /// How the view began, if not by that certificate.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub timeout: Option<TimeoutCertificate<S>>,
    /// The highest certificate, if it is not that in the block.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub high_qc: Option<Certificate<S>>,
    /// The lock.
    pub lock: Lock,
}

/// A timeout, and what it depends on.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct TimedOut<S: Scheme> {
    /// The timeout as it was said, and is repeated. It holds the highest certificate.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub timeout: Timeout<S>,
    /// How the view began, if not by that certificate and if known.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub entered: Option<TimeoutCertificate<S>>,
    /// The last vote.
    pub vote: Option<Vote>,
    /// The lock.
    pub lock: Lock,
}
