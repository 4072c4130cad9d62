//! Collects the replicas' signed checkpoints.

#[cfg(test)]
mod tests;

use quorate_core::{
    Checkpoint, CheckpointClaim, Height, QuorumCertificate, ReplicaId, Scheme, SignerSet,
    ValidatorSet,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// For how many checkpoint heights votes are kept.
const RANGE: u64 = 16;

/// This replica's state is not what a quorum has signed: a bug, or damage. It must stop voting,
/// and transfer the state of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// What this replica computed.
    pub own: CheckpointClaim,
    /// What the quorum signed, at the same height.
    pub quorum: CheckpointClaim,
}

/// Two checkpoints that one replica signed at one height: a contradiction, with both signatures.
#[derive(Clone, Debug)]
pub struct CheckpointConflict<S: Scheme> {
    /// Who.
    pub by: ReplicaId,
    /// What it signed first, which stands.
    pub first: (CheckpointClaim, S::Signature),
    /// What it signed then.
    pub second: (CheckpointClaim, S::Signature),
}

/// What a checkpoint vote has brought about.
#[derive(Clone, Debug)]
pub enum CheckpointEvent<S: Scheme> {
    /// A quorum has signed the state that this replica has as well.
    Stable(Arc<Checkpoint<S>>),
    /// A quorum has signed another state. Told once, until the state is restored.
    Diverged(Divergence),
    /// A replica has signed two states. Told once for each height.
    Conflict(Box<CheckpointConflict<S>>),
}

struct Vote<S: Scheme> {
    claim: CheckpointClaim,
    signature: S::Signature,
    standing: VoteStanding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum VoteStanding {
    Sound,
    /// Its author has signed something else as well.
    Contradicted,
}

/// What is known about one checkpoint height.
struct Slot<S: Scheme> {
    own: Option<CheckpointClaim>,
    votes: BTreeMap<ReplicaId, Vote<S>>,
}

impl<S: Scheme> Default for Slot<S> {
    fn default() -> Self {
        Self {
            own: None,
            votes: BTreeMap::new(),
        }
    }
}

impl<S: Scheme> Slot<S> {
    /// The claim that a quorum has signed. There cannot be two, with one vote for each replica.
    fn quorum(&self, validators: &ValidatorSet) -> Option<CheckpointClaim> {
        let mut powers: BTreeMap<_, u64> = BTreeMap::new();
        self.votes.iter().find_map(|(by, vote)| {
            let claim = vote.claim;
            let power = powers.entry((claim.payload, claim.state)).or_default();
            // Powers of distinct validators fit, because the set's total does.
            *power += validators.power(*by);
            (*power >= validators.quorum().quorum()).then_some(claim)
        })
    }

    fn checkpoint(&self, scheme: &S, claim: CheckpointClaim) -> Checkpoint<S> {
        let agreeing = || self.votes.iter().filter(|(_, vote)| vote.claim == claim);
        let mut signers = SignerSet::empty(scheme.validators().len());
        agreeing().for_each(|(by, _)| {
            signers.insert(*by);
        });
        let aggregate = scheme.aggregate(agreeing().map(|(by, vote)| (*by, &vote.signature)));
        Checkpoint {
            claim,
            certificate: QuorumCertificate { signers, aggregate },
        }
    }
}

/// The checkpoints of one epoch: every K heights each replica signs its state, and what a quorum
/// signs is stable, once this replica has that state too.
///
/// Pure: the caller verifies signatures before they come here, signs this replica's claims, and
/// sends them to everyone.
///
/// Votes are kept for at most 16 checkpoint heights above the stable one (or, if nothing has
/// become stable for long, around what this replica has executed), one for each replica and
/// height: the first counts, a second one that differs is a conflict. Of heights further ahead only
/// one number is kept for each replica, the highest it has signed, to know that we are behind.
pub struct Checkpoints<S: Scheme> {
    me: ReplicaId,
    scheme: S,
    interval: u64,
    slots: BTreeMap<Height, Slot<S>>,
    /// The highest height that each replica has signed.
    highest: Vec<Height>,
    /// The highest own claim.
    executed: Height,
    stable: Option<Arc<Checkpoint<S>>>,
    diverged: Option<Divergence>,
}

impl<S: Scheme> fmt::Debug for Checkpoints<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "checkpoints, stable at {}, own at {}",
            self.stable_height(),
            self.executed
        )
    }
}

impl<S: Scheme> Checkpoints<S> {
    /// No checkpoint yet, one to come every `interval` heights.
    ///
    /// # Panics
    ///
    /// If the interval is zero, or `me` is no validator of the scheme's epoch.
    #[must_use]
    pub fn new(me: ReplicaId, scheme: S, interval: u64) -> Self {
        assert!(interval > 0, "checkpoints need an interval");
        assert!(scheme.validators().contains(me), "{me:?} is no validator");
        let highest = vec![Height::GENESIS; scheme.validators().len()];
        Self {
            me,
            scheme,
            interval,
            slots: BTreeMap::new(),
            highest,
            executed: Height::GENESIS,
            stable: None,
            diverged: None,
        }
    }

    /// The stable checkpoint.
    #[must_use]
    pub const fn stable(&self) -> Option<&Arc<Checkpoint<S>>> {
        self.stable.as_ref()
    }

    fn stable_height(&self) -> Height {
        let stable = self.stable.as_ref();
        stable.map_or(Height::GENESIS, |stable| stable.claim.height)
    }

    /// Whether this replica has been found to differ from a quorum. While it is so, it must sign
    /// neither votes nor checkpoints.
    #[must_use]
    pub const fn diverged(&self) -> Option<&Divergence> {
        self.diverged.as_ref()
    }

    /// Votes at and below this height are of no interest.
    fn base(&self) -> Height {
        let half = self.interval.saturating_mul(RANGE / 2);
        Height(self.executed.0.saturating_sub(half)).max(self.stable_height())
    }

    fn is_kept(&self, height: Height) -> bool {
        let base = self.base();
        let top = base.0.saturating_add(self.interval.saturating_mul(RANGE));
        height > base && height.0 <= top
    }

    const fn is_aligned(&self, height: Height) -> bool {
        height.0 != 0 && height.0.is_multiple_of(self.interval)
    }

    /// Whether a vote is worth verifying, by what it says of itself.
    ///
    /// Heights that are no checkpoint heights are never wanted: no correct replica signs them.
    #[must_use]
    pub fn wants(&self, by: ReplicaId, claim: &CheckpointClaim) -> bool {
        let Some(highest) = self.highest.get(by.index()) else {
            return false;
        };
        if !self.is_aligned(claim.height) || claim.height <= self.base() {
            return false;
        }
        if !self.is_kept(claim.height) {
            return claim.height > *highest;
        }
        let slot = self.slots.get(&claim.height);
        slot.and_then(|slot| slot.votes.get(&by))
            .is_none_or(|vote| vote.standing == VoteStanding::Sound && vote.claim != *claim)
    }

    /// Whether a vote that is wanted is of a height so far ahead that all it can say is that this
    /// replica is behind.
    #[must_use]
    pub fn is_far(&self, claim: &CheckpointClaim) -> bool {
        !self.is_kept(claim.height)
    }

    /// Notes the state of this replica at a checkpoint height, durable or not.
    ///
    /// The caller signs it and sends it to everyone, unless the replica has diverged
    /// ([`Self::diverged`]), and brings the signature back with [`Self::own`]. What is not yet stable
    /// may be sent again: [`Self::unstable`].
    ///
    /// # Panics
    ///
    /// If the height is no checkpoint height.
    pub fn executed(&mut self, claim: CheckpointClaim) -> Option<CheckpointEvent<S>> {
        assert!(
            self.is_aligned(claim.height),
            "{:?} is no checkpoint height",
            claim.height
        );
        if claim.height <= self.base() {
            return None;
        }
        self.executed = self.executed.max(claim.height);
        self.slots.entry(claim.height).or_default().own = Some(claim);
        self.trim();
        self.settle(claim.height)
    }

    /// Adds this replica's own signed checkpoint.
    ///
    /// # Panics
    ///
    /// If the height is no checkpoint height.
    pub fn own(
        &mut self,
        claim: CheckpointClaim,
        signature: S::Signature,
    ) -> Option<CheckpointEvent<S>> {
        let event = self.executed(claim);
        // With the own vote there may be a quorum where there was none before.
        event.or_else(|| self.vote(self.me, claim, signature))
    }

    /// Adds a verified vote.
    pub fn vote(
        &mut self,
        by: ReplicaId,
        claim: CheckpointClaim,
        signature: S::Signature,
    ) -> Option<CheckpointEvent<S>> {
        if !self.wants(by, &claim) {
            return None;
        }
        let highest = &mut self.highest[by.index()];
        *highest = claim.height.max(*highest);
        if !self.is_kept(claim.height) {
            return None;
        }
        let slot = self.slots.entry(claim.height).or_default();
        if let Some(first) = slot.votes.get_mut(&by) {
            first.standing = VoteStanding::Contradicted;
            return Some(CheckpointEvent::Conflict(Box::new(CheckpointConflict {
                by,
                first: (first.claim, first.signature.clone()),
                second: (claim, signature),
            })));
        }
        let vote = Vote {
            claim,
            signature,
            standing: VoteStanding::Sound,
        };
        slot.votes.insert(by, vote);
        self.settle(claim.height)
    }

    /// Votes that are kept: one of each replica in each of 16 checkpoint heights at most.
    #[must_use]
    pub fn votes(&self) -> usize {
        self.slots.values().map(|slot| slot.votes.len()).sum()
    }

    /// Compares what a quorum has signed at a height with our own state.
    fn settle(&mut self, height: Height) -> Option<CheckpointEvent<S>> {
        if self.diverged.is_some() {
            return None;
        }
        let slot = self.slots.get(&height)?;
        let own = slot.own?;
        let quorum = slot.quorum(self.scheme.validators())?;
        if own != quorum {
            let divergence = Divergence { own, quorum };
            self.diverged = Some(divergence);
            return Some(CheckpointEvent::Diverged(divergence));
        }
        let stable = Arc::new(slot.checkpoint(&self.scheme, quorum));
        self.stable = Some(Arc::clone(&stable));
        self.trim();
        Some(CheckpointEvent::Stable(stable))
    }

    fn trim(&mut self) {
        self.slots = self.slots.split_off(&self.base().next());
    }

    /// Starts from a stable checkpoint whose state this replica has: after a restart, or after a
    /// state transfer, which also ends a divergence. The caller has verified it.
    pub fn restored(&mut self, checkpoint: Arc<Checkpoint<S>>) {
        let height = checkpoint.claim.height;
        self.diverged = None;
        // Own claims were made from a state that is no longer ours.
        self.slots.values_mut().for_each(|slot| slot.own = None);
        self.executed = height;
        self.stable = Some(checkpoint);
        self.trim();
    }

    /// The newest own claim that has not become stable, to be sent again when nothing happens.
    #[must_use]
    pub fn unstable(&self) -> Option<(CheckpointClaim, &S::Signature)> {
        let slots = self.slots.values().rev();
        slots
            .filter_map(|slot| slot.votes.get(&self.me))
            .map(|vote| (vote.claim, &vote.signature))
            .next()
    }

    /// The highest checkpoint that a quorum has signed and this replica has not executed: what
    /// state transfer may trust.
    #[must_use]
    pub fn ahead(&self) -> Option<Checkpoint<S>> {
        let mut slots = self.slots.values().rev();
        slots.find_map(|slot| {
            let unknown = slot.own.is_none().then_some(slot)?;
            let claim = unknown.quorum(self.scheme.validators())?;
            Some(unknown.checkpoint(&self.scheme, claim))
        })
    }

    /// A height that a correct replica has executed, if it is more than an interval above `own`:
    /// replicas with a weak quorum of the power have each signed it or a higher one.
    #[must_use]
    pub fn behind(&self, own: Height) -> Option<Height> {
        let validators = self.scheme.validators();
        let mut claimed: Vec<_> = validators
            .ids()
            .map(|by| (self.highest[by.index()], validators.power(by)))
            .collect();
        claimed.sort_unstable_by(|first, second| second.cmp(first));
        let mut power = 0;
        let attested = claimed.into_iter().find_map(|(height, own)| {
            power += own;
            (power >= validators.quorum().weak()).then_some(height)
        })?;
        (attested.0 > own.0.saturating_add(self.interval)).then_some(attested)
    }
}
