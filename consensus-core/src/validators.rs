//! Who takes part, and with how much power.

use crate::{Digest, MAX_VALIDATORS, Place, QuorumPower, ReplicaId, SignerSet, Threshold};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// One validator: its keys and its voting power.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Validator {
    /// ed25519 public key: signs whatever is never aggregated, and is the network identity.
    pub identity: [u8; 32],
    /// Public key of the voting scheme, in that scheme's compressed encoding; `None` where votes
    /// are signed with the identity key.
    pub voting: Option<VotingKey>,
    /// Voting power, at least 1.
    pub power: u64,
}

/// A voting key with the proof that its owner has the private half.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct VotingKey {
    /// The compressed public key.
    pub key: Vec<u8>,
    /// Proof of possession. Without it, a key made from others' keys could forge aggregates.
    pub proof: Vec<u8>,
}

/// Why a list of validators is not a validator set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValidatorSetError {
    /// A set needs at least one validator.
    #[error("the validator set is empty")]
    Empty,
    /// More than [`MAX_VALIDATORS`].
    #[error("{0} validators are more than the {MAX_VALIDATORS} that a set can have")]
    TooMany(usize),
    /// A validator without power has no say, and does not belong in the set.
    #[error("validator {0} has no power")]
    NoPower(ReplicaId),
    /// The total power does not fit 63 bits.
    #[error("the validators' total power exceeds {}", i64::MAX)]
    PowerOverflow,
    /// Two validators share a key.
    #[error("validators {0} and another share a key")]
    DuplicateKey(ReplicaId),
}

/// The validators of an epoch, in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    validators: Vec<Validator>,
    power: QuorumPower,
}

impl ValidatorSet {
    /// Checks a list of validators.
    ///
    /// # Errors
    ///
    /// If the list is empty, too long, has a key twice, a validator without power, or a total
    /// power above 2⁶³−1.
    pub fn new(validators: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        if validators.len() > MAX_VALIDATORS {
            return Err(ValidatorSetError::TooMany(validators.len()));
        }
        let (mut identities, mut voting) = (BTreeSet::new(), BTreeSet::new());
        let mut total = 0u64;
        for (index, validator) in validators.iter().enumerate() {
            let id = ReplicaId(index as u16);
            if validator.power == 0 {
                return Err(ValidatorSetError::NoPower(id));
            }
            total = total
                .checked_add(validator.power)
                .filter(|total| i64::try_from(*total).is_ok())
                .ok_or(ValidatorSetError::PowerOverflow)?;
            let new_voting = validator
                .voting
                .as_ref()
                .is_none_or(|own| voting.insert(&own.key));
            if !identities.insert(validator.identity) || !new_voting {
                return Err(ValidatorSetError::DuplicateKey(id));
            }
        }
        let power = QuorumPower::of(total).ok_or(ValidatorSetError::Empty)?;
        Ok(Self { validators, power })
    }

    /// How many validators there are; at least one.
    #[must_use]
    #[allow(
        clippy::len_without_is_empty,
        reason = "a validator set is never empty"
    )]
    pub fn len(&self) -> usize {
        self.validators.len()
    }

    /// The thresholds of this set.
    #[must_use]
    pub const fn quorum(&self) -> &QuorumPower {
        &self.power
    }

    /// One validator.
    #[must_use]
    pub fn get(&self, id: ReplicaId) -> Option<&Validator> {
        self.validators.get(id.index())
    }

    /// Whether `id` is in the set.
    #[must_use]
    pub fn contains(&self, id: ReplicaId) -> bool {
        id.index() < self.validators.len()
    }

    /// Power of one validator; zero for a stranger.
    #[must_use]
    pub fn power(&self, id: ReplicaId) -> u64 {
        self.get(id).map_or(0, |validator| validator.power)
    }

    /// All replicas, in order.
    pub fn ids(&self) -> impl Iterator<Item = ReplicaId> + use<> {
        (0..self.validators.len() as u16).map(ReplicaId)
    }

    /// All validators, in order.
    pub fn iter(&self) -> impl Iterator<Item = (ReplicaId, &Validator)> {
        self.ids().zip(&self.validators)
    }

    /// Power of a set of replicas; `None` if it is not a set out of exactly these validators.
    #[must_use]
    pub fn power_of(&self, signers: &SignerSet) -> Option<u64> {
        (signers.replicas() == self.len()).then(|| signers.iter().map(|id| self.power(id)).sum())
    }

    /// Whether the signers' power reaches the threshold.
    #[must_use]
    pub fn reaches(&self, signers: &SignerSet, threshold: Threshold) -> bool {
        self.power_of(signers)
            .is_some_and(|power| power >= self.power.needed(threshold))
    }

    /// The validator with this identity key.
    #[must_use]
    pub fn find(&self, identity: &[u8; 32]) -> Option<ReplicaId> {
        self.iter()
            .find(|(_, validator)| validator.identity == *identity)
            .map(|(id, _)| id)
    }

    /// Names the set: a digest of every key and power in order.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let bytes = borsh::to_vec(&self.validators).expect("writing to memory does not fail");
        Digest::builder("quorate 2026 validator set v1")
            .bytes(&bytes)
            .finish()
    }
}

/// Who leads (proposes) where. A pure function that all replicas share.
pub trait LeaderSchedule: Debug + Send + Sync {
    /// The leader of a place. PBFT and HotStuff look at the view only.
    fn leader(&self, place: Place) -> ReplicaId;
}

/// Every validator leads in turn, in proportion to its power.
///
/// Turn k belongs to the validator at the fraction k·φ mod 1 of the total power (φ the golden
/// ratio), a sequence of low discrepancy: in any stretch of some hundreds of turns each validator
/// has its share to within four (the bound grows with the logarithm of the stretch). With equal
/// powers it is plain round-robin, k mod n. Turn k of PBFT and HotStuff is the view, of Tendermint
/// height + round.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// `bounds[i]` is the power of validators 0 to i together.
    bounds: Vec<u64>,
    equal: bool,
    by_height: bool,
}

impl Rotation {
    /// Turns by view: for PBFT and HotStuff.
    #[must_use]
    pub fn by_view(validators: &ValidatorSet) -> Self {
        let mut sum = 0;
        let bounds = validators.iter().map(|(_, validator)| {
            sum += validator.power;
            sum
        });
        let bounds = bounds.collect();
        let first = validators.power(ReplicaId(0));
        let equal = validators
            .iter()
            .all(|(_, validator)| validator.power == first);
        Self {
            bounds,
            equal,
            by_height: false,
        }
    }

    /// Turns by height and round: for Tendermint.
    #[must_use]
    pub fn by_height(validators: &ValidatorSet) -> Self {
        Self {
            by_height: true,
            ..Self::by_view(validators)
        }
    }
}

impl LeaderSchedule for Rotation {
    fn leader(&self, place: Place) -> ReplicaId {
        /// 2⁶⁴ divided by the golden ratio.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let base = if self.by_height { place.height.0 } else { 0 };
        let turn = base.wrapping_add(place.view.0);
        if self.equal {
            return ReplicaId((turn % self.bounds.len() as u64) as u16);
        }
        let total = u128::from(self.bounds[self.bounds.len() - 1]);
        let point = ((u128::from(turn.wrapping_mul(STEP)) * total) >> 64) as u64;
        ReplicaId(self.bounds.partition_point(|bound| *bound <= point) as u16)
    }
}
