//! Signing with keys that are in this process.

use crate::counters::Meter;
use crate::{KeyError, ReplicaKeys};
use async_trait::async_trait;
use quorate_core::{
    KeyRole, ReplicaId, Scheme, SignError, Signer, Statement, Validator, ValidatorSet,
};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A scheme with real keys: what generic code needs to set up replicas on either.
pub trait KeyedScheme: Scheme {
    /// Decodes and checks the keys of an epoch's validators.
    ///
    /// # Errors
    ///
    /// With the first validator whose keys are refused.
    fn open(validators: Arc<ValidatorSet>) -> Result<Self, KeyError>;

    /// The public side of a replica's keys, as this scheme registers it.
    fn validator(keys: &ReplicaKeys, power: u64) -> Validator;

    /// Signs with the private keys. Equal statements get equal signatures.
    fn sign_with(keys: &ReplicaKeys, role: KeyRole, statement: Statement) -> Self::Signature;

    /// A signer for the validator whose keys these are; it counts what it signs with this
    /// scheme's counters.
    ///
    /// # Errors
    ///
    /// If the keys are not those of a validator.
    fn signer(&self, keys: Arc<ReplicaKeys>) -> Result<LocalSigner<Self>, NotAValidator>;
}

/// The keys belong to none of the epoch's validators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these keys are not those of a validator of this epoch")]
pub struct NotAValidator;

/// Signs as one replica, with keys in this process. Cheap to clone.
pub struct LocalSigner<S> {
    id: ReplicaId,
    keys: Arc<ReplicaKeys>,
    meter: Arc<Meter>,
    scheme: PhantomData<fn() -> S>,
}

impl<S> Clone for LocalSigner<S> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            keys: Arc::clone(&self.keys),
            meter: Arc::clone(&self.meter),
            scheme: PhantomData,
        }
    }
}

impl<S> fmt::Debug for LocalSigner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signer of {:?}", self.id)
    }
}

impl<S: KeyedScheme> LocalSigner<S> {
    /// The signer for the validator that has exactly these keys. The proof of possession is not
    /// compared: making it again would cost a signature, and it was checked with the set.
    pub(crate) fn of(
        validators: &ValidatorSet,
        keys: Arc<ReplicaKeys>,
        meter: Arc<Meter>,
    ) -> Result<Self, NotAValidator> {
        let id = validators
            .find(&keys.identity_public())
            .ok_or(NotAValidator)?;
        let voting = validators.get(id).and_then(|own| own.voting.as_ref());
        if voting.is_some_and(|own| own.key != keys.voting_public()) {
            return Err(NotAValidator);
        }
        Ok(Self {
            id,
            keys,
            meter,
            scheme: PhantomData,
        })
    }

    /// Whose keys these are.
    #[must_use]
    pub const fn id(&self) -> ReplicaId {
        self.id
    }

    /// Signs at once.
    #[must_use]
    pub fn sign_now(&self, role: KeyRole, statement: Statement) -> S::Signature {
        self.meter.made_signature();
        S::sign_with(&self.keys, role, statement)
    }
}

#[async_trait]
impl<S: KeyedScheme> Signer<S> for LocalSigner<S> {
    fn id(&self) -> ReplicaId {
        self.id
    }

    async fn sign(&self, key: KeyRole, statement: Statement) -> Result<S::Signature, SignError> {
        Ok(self.sign_now(key, statement))
    }
}
