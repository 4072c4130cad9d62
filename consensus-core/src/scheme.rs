//! How statements are signed, aggregated and checked: a port, filled by `quorate-crypto`.

use crate::{ReplicaId, SignerSet, Statement, Threshold, ValidatorSet};
use async_trait::async_trait;
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt::Debug;

/// Which of a replica's two keys signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyRole {
    /// The ed25519 identity key: for whatever is never aggregated.
    Identity,
    /// The voting key: for what is aggregated into certificates. In schemes with one key it is
    /// the identity key.
    Voting,
}

/// What signatures and aggregates must be able to do.
pub trait SignatureData:
    Clone + Debug + PartialEq + Eq + Send + Sync + BorshSerialize + BorshDeserialize + 'static
{
}

impl<T> SignatureData for T where
    T: Clone + Debug + PartialEq + Eq + Send + Sync + BorshSerialize + BorshDeserialize + 'static
{
}

/// How much cryptography a scheme has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchemeCounters {
    /// Single signatures checked; in a batch each counts one.
    pub signature_checks: u64,
    /// Certificates checked. One that is known already is not checked again and counts nothing,
    /// nor does one that is refused for its signer set.
    pub aggregate_checks: u64,
    /// Signatures made.
    pub signatures_made: u64,
}

/// How statements are signed, aggregated and checked, for the validators of one epoch.
///
/// A value holds the epoch's public keys. Cloning it is cheap.
pub trait Scheme: Clone + Debug + Send + Sync + 'static {
    /// Name for people and configuration: `ed25519`, `bls`.
    const NAME: &'static str;

    /// One replica's signature, by either key. Decoding bounds its size and may be lazy about
    /// everything else; [`Self::verify`] is not.
    type Signature: SignatureData;
    /// Signatures of several replicas on one statement, as one.
    type Aggregate: SignatureData;

    /// The validators whose keys this value holds.
    fn validators(&self) -> &ValidatorSet;

    /// For each message, whether all its claims hold. Implementations batch across messages.
    ///
    /// A [`Claim::Certified`] holds only if its signer set is out of exactly the epoch's
    /// validators, not empty, has the power that the claim asks for, and the aggregate is that of
    /// exactly these signers; all but the last are checked before any curve arithmetic.
    ///
    /// The verdict on a message never depends on what else is in the batch.
    fn verify(&self, messages: &[Claims<'_, Self>]) -> Vec<bool>;

    /// Combines verified signatures by voting keys on one statement, in ascending order of
    /// signers. Cheap; engines call it inline.
    fn aggregate<'a>(
        &self,
        parts: impl Iterator<Item = (ReplicaId, &'a Self::Signature)>,
    ) -> Self::Aggregate;

    /// What this value and its clones have done so far; zero where nobody counts.
    fn counters(&self) -> SchemeCounters {
        SchemeCounters::default()
    }
}

/// Signing failed; nothing was said. The replica goes on, silently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signing failed: {0}")]
pub struct SignError(pub String);

/// A replica's private keys, or a way to reach them.
///
/// Asynchronous and fallible, because keys may live in another process or machine. A local signer
/// returns at once. The driver runs it off its own task.
#[async_trait]
pub trait Signer<S: Scheme>: Send + Sync + 'static {
    /// Whose keys these are.
    fn id(&self) -> ReplicaId;

    /// Signs a statement. Equal statements get equal signatures.
    async fn sign(&self, key: KeyRole, statement: Statement) -> Result<S::Signature, SignError>;
}

/// One cryptographic claim.
#[derive(Clone, Debug)]
pub enum Claim<'a, S: Scheme> {
    /// One replica signed a statement.
    Signed {
        /// Who.
        by: ReplicaId,
        /// With which key.
        key: KeyRole,
        /// What.
        statement: Statement,
        /// The proof.
        signature: &'a S::Signature,
    },
    /// Each replica of a set signed a statement with its voting key.
    Certified {
        /// Who.
        by: &'a SignerSet,
        /// How much power they must have.
        threshold: Threshold,
        /// What.
        statement: Statement,
        /// The proof.
        aggregate: &'a S::Aggregate,
    },
}

/// The cryptographic claims of one message.
#[derive(Clone, Debug)]
pub struct Claims<'a, S: Scheme>(Vec<Claim<'a, S>>);

impl<S: Scheme> Default for Claims<'_, S> {
    fn default() -> Self {
        Self(Vec::with_capacity(2))
    }
}

impl<'a, S: Scheme> Claims<'a, S> {
    /// Adds a claim.
    pub fn push(&mut self, claim: Claim<'a, S>) {
        self.0.push(claim);
    }

    /// The claims, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Claim<'a, S>> {
        self.0.iter()
    }

    /// How many claims there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
