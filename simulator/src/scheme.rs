//! The signature schemes of simulated replicas.

use quorate_core::testing::{Mock, MockSigner, mock_validators};
use quorate_core::{Scheme, Signer, Validator, ValidatorSet};
use quorate_crypto::{Bls, Ed25519, KeyedScheme, LocalSigner, ReplicaKeys};
use std::sync::Arc;

/// The scheme and the signers of one cluster.
#[derive(Debug)]
pub struct Keys<S: SimulatedScheme> {
    /// The public keys.
    pub validators: Arc<ValidatorSet>,
    /// The scheme over them.
    pub scheme: S,
    /// The private keys, in the order of the replicas.
    pub signers: Vec<S::Signer>,
}

/// A scheme that the simulator can run: its keys come from a seed.
pub trait SimulatedScheme: Scheme {
    /// Signs as one replica; always ready at once.
    type Signer: Signer<Self>;

    /// The keys of replicas with these powers. Equal arguments give equal keys.
    ///
    /// # Panics
    ///
    /// If the powers make no validator set.
    fn keys(seed: u64, powers: &[u64]) -> Keys<Self>;
}

impl SimulatedScheme for Mock {
    type Signer = MockSigner;

    fn keys(seed: u64, powers: &[u64]) -> Keys<Self> {
        let validators = mock_validators(powers);
        let mut secret = [7; 32];
        secret[..8].copy_from_slice(&seed.to_le_bytes());
        let scheme = Self::new(Arc::clone(&validators), secret);
        let signers = validators.ids().map(|id| scheme.signer(id)).collect();
        Keys {
            validators,
            scheme,
            signers,
        }
    }
}

impl SimulatedScheme for Ed25519 {
    type Signer = LocalSigner<Self>;

    fn keys(seed: u64, powers: &[u64]) -> Keys<Self> {
        keyed(seed, powers)
    }
}

impl SimulatedScheme for Bls {
    type Signer = LocalSigner<Self>;

    fn keys(seed: u64, powers: &[u64]) -> Keys<Self> {
        keyed(seed, powers)
    }
}

/// Real keys, made from the seed.
fn keyed<S>(seed: u64, powers: &[u64]) -> Keys<S>
where
    S: KeyedScheme + SimulatedScheme<Signer = LocalSigner<S>>,
{
    let secret = |index: usize| {
        let mut secret = [9; 32];
        secret[..8].copy_from_slice(&seed.to_le_bytes());
        secret[8..16].copy_from_slice(&(index as u64).to_le_bytes());
        Arc::new(ReplicaKeys::from_seed(&secret))
    };
    let keys: Vec<_> = (0..powers.len()).map(secret).collect();
    let validator =
        |(keys, power): (&Arc<ReplicaKeys>, &u64)| -> Validator { S::validator(keys, *power) };
    let validators = keys.iter().zip(powers).map(validator).collect();
    let validators = ValidatorSet::new(validators).expect("the powers make a set");
    let validators = Arc::new(validators);
    let scheme = S::open(Arc::clone(&validators)).expect("the keys are well made");
    let signers = keys.into_iter().map(|keys| {
        let signer = scheme.signer(keys);
        signer.expect("the keys are those of a validator")
    });
    let signers = signers.collect();
    Keys {
        validators,
        scheme,
        signers,
    }
}
