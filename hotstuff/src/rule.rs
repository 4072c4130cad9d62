//! When to vote, what to lock, what is decided: what distinguishes the two variants.

use crate::{Commits, Header};
use quorate_core::{Digest, Height, View};
use std::fmt::Debug;

/// The block that a replica will not vote against without a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
pub struct Lock {
    /// View of the block.
    pub view: View,
    /// Height of the block.
    pub height: Height,
    /// The block.
    pub block: Digest,
}

/// What a voting rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// View of the proposed block.
    pub view: View,
    /// View of the certificate in it.
    pub justify: View,
    /// If the proposal carries a certificate of timeouts: the view that was given up, and the
    /// highest certificate that its signers had.
    pub timeout: Option<(View, View)>,
    /// View of the voter's lock.
    pub lock: View,
    /// Whether the proposed block descends from the lock.
    pub extends_lock: bool,
}

/// A commit rule, with the voting and locking rules that make it safe. Pure functions.
///
/// That a replica votes once in a view, in ascending views, and never in a view that it has given
/// up, holds for every rule and is checked elsewhere.
pub trait CommitRule: Clone + Copy + Debug + Default + Send + Sync + 'static {
    /// The engine's name under this rule.
    const NAME: &'static str;
    /// The engine's number under this rule.
    const ENGINE: u8;

    /// Whether to vote.
    fn may_vote(ballot: &Ballot) -> bool;

    /// What a certificate for the block `certified`, named `id`, asks to lock. The caller keeps
    /// the highest: a lock never goes back.
    fn lock(certified: &Header, id: Digest) -> Lock;

    /// What a certificate for `block` decides, if anything. `parent` is the block below it.
    ///
    /// Only views count, never parent links alone: blocks of skipped views do not exist, so a
    /// child may be many views above its parent, and then decides nothing.
    fn commits(block: &Header, parent: &Header) -> Option<Commits>;
}

/// The block below `block`, decided unless it is the genesis.
pub(crate) fn parent_of(block: &Header) -> Option<Commits> {
    let height = block.height.previous();
    (height > Height::GENESIS).then_some(Commits {
        height,
        block: block.parent,
    })
}

/// Whether `view` follows directly on `parent`.
pub(crate) fn consecutive(parent: View, view: View) -> bool {
    parent.0.checked_add(1) == Some(view.0)
}
