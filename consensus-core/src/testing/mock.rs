//! A scheme whose signatures are keyed hashes.

use crate::{
    Claim, Claims, KeyRole, ReplicaId, Scheme, SignError, Signer, SignerSet, Statement, Validator,
    ValidatorSet, ValidatorSetError,
};
use async_trait::async_trait;
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

/// Equal or weighted validators without real keys.
///
/// # Panics
///
/// If the powers make no validator set.
#[must_use]
pub fn mock_validators(powers: &[u64]) -> Arc<ValidatorSet> {
    let validators = mock_validator_set(powers);
    Arc::new(validators.expect("the test's powers make a set"))
}

/// As [`mock_validators`], of powers that nobody has looked at.
///
/// # Errors
///
/// If the powers make no validator set.
pub fn mock_validator_set(powers: &[u64]) -> Result<ValidatorSet, ValidatorSetError> {
    let validator = |(index, power): (usize, &u64)| {
        let mut identity = [0u8; 32];
        identity[..8].copy_from_slice(&(index as u64).to_le_bytes());
        Validator {
            identity,
            voting: None,
            power: *power,
        }
    };
    ValidatorSet::new(powers.iter().enumerate().map(validator).collect())
}

/// A keyed hash of signer, key and statement. Without the scheme's secret it cannot be guessed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MockSignature([u8; 16]);

/// The signatures of all signers, hashed together with the signer set.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MockAggregate([u8; 16]);

/// A scheme for tests: fast, attributable, and unforgeable for code that only has what it is
/// given.
#[derive(Clone, Debug)]
pub struct Mock {
    validators: Arc<ValidatorSet>,
    secret: [u8; 32],
}

impl Mock {
    /// A scheme for these validators. Schemes with different secrets reject each other.
    #[must_use]
    pub const fn new(validators: Arc<ValidatorSet>, secret: [u8; 32]) -> Self {
        Self { validators, secret }
    }

    /// The signature of `by`.
    #[must_use]
    pub fn sign(&self, by: ReplicaId, key: KeyRole, statement: Statement) -> MockSignature {
        let mut bytes = [0u8; 35];
        bytes[..2].copy_from_slice(&by.0.to_le_bytes());
        bytes[2] = matches!(key, KeyRole::Voting).into();
        bytes[3..].copy_from_slice(&statement.0.0);
        let hash = blake3::keyed_hash(&self.secret, &bytes);
        MockSignature(
            hash.as_bytes()[..16]
                .try_into()
                .expect("sixteen of thirty-two bytes"),
        )
    }

    /// A signer with the keys of one replica.
    #[must_use]
    pub fn signer(&self, id: ReplicaId) -> MockSigner {
        MockSigner {
            scheme: self.clone(),
            id,
        }
    }

    fn combine<'a>(parts: impl Iterator<Item = (ReplicaId, &'a MockSignature)>) -> MockAggregate {
        let mut hasher = blake3::Hasher::new_derive_key("quorate 2026 mock aggregate v1");
        for (by, signature) in parts {
            hasher.update(&by.0.to_le_bytes());
            hasher.update(&signature.0);
        }
        let hash = hasher.finalize();
        MockAggregate(
            hash.as_bytes()[..16]
                .try_into()
                .expect("sixteen of thirty-two bytes"),
        )
    }

    fn certifies(&self, by: &SignerSet, statement: Statement, aggregate: &MockAggregate) -> bool {
        let parts: Vec<_> = by
            .iter()
            .map(|id| (id, self.sign(id, KeyRole::Voting, statement)))
            .collect();
        Self::combine(parts.iter().map(|(id, signature)| (*id, signature))) == *aggregate
    }

    fn holds(&self, claim: &Claim<'_, Self>) -> bool {
        match claim {
            Claim::Signed {
                by,
                key,
                statement,
                signature,
            } => self.validators.contains(*by) && self.sign(*by, *key, *statement) == **signature,
            Claim::Certified {
                by,
                threshold,
                statement,
                aggregate,
            } => {
                self.validators.reaches(by, *threshold) && self.certifies(by, *statement, aggregate)
            }
        }
    }
}

impl Scheme for Mock {
    const NAME: &'static str = "mock";
    type Signature = MockSignature;
    type Aggregate = MockAggregate;

    fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    fn verify(&self, messages: &[Claims<'_, Self>]) -> Vec<bool> {
        messages
            .iter()
            .map(|claims| claims.iter().all(|claim| self.holds(claim)))
            .collect()
    }

    fn aggregate<'a>(
        &self,
        parts: impl Iterator<Item = (ReplicaId, &'a MockSignature)>,
    ) -> MockAggregate {
        Self::combine(parts)
    }
}

/// Signs as one replica.
#[derive(Clone, Debug)]
pub struct MockSigner {
    scheme: Mock,
    id: ReplicaId,
}

#[async_trait]
impl Signer<Mock> for MockSigner {
    fn id(&self) -> ReplicaId {
        self.id
    }

    async fn sign(&self, key: KeyRole, statement: Statement) -> Result<MockSignature, SignError> {
        Ok(self.scheme.sign(self.id, key, statement))
    }
}
