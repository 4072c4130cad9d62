//! A replica's private keys.

mod file;

pub use file::KeyFileError;

use crate::bls::{POSSESSION, VOTE, possession};
use blst::min_sig::{SecretKey, Signature};
use ed25519_dalek::{Signer as _, SigningKey};
use quorate_core::{Statement, VotingKey};
use std::fmt;
use zeroize::Zeroizing;

/// A replica's two private keys. Wiped from memory when dropped, and never printed.
pub struct ReplicaKeys {
    identity: SigningKey,
    voting: SecretKey,
}

impl fmt::Debug for ReplicaKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("private keys of ")?;
        let public = self.identity_public();
        public[..4]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The operating system gave no randomness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness for keys: {0}")]
pub struct NoRandomness(pub String);

impl ReplicaKeys {
    /// New keys, from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// If the operating system has none to give.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|error| NoRandomness(error.to_string()))?;
        Ok(Self::from_seed(&seed))
    }

    /// The keys that follow from 32 bytes, always the same. Whoever knows the seed has the keys.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let derive = |context| Zeroizing::new(blake3::derive_key(context, seed));
        let identity = derive("quorate 2026 identity key v1");
        let voting = derive("quorate 2026 voting key v1");
        Self {
            identity: SigningKey::from_bytes(&identity),
            voting: SecretKey::key_gen(voting.as_ref(), &[]).expect("32 bytes are enough"),
        }
    }

    /// The keys with these private halves; `None` if the second is not a BLS private key (zero,
    /// or not below the group's order; big endian).
    #[must_use]
    pub fn from_secrets(identity: &[u8; 32], voting: &[u8; 32]) -> Option<Self> {
        Some(Self {
            identity: SigningKey::from_bytes(identity),
            voting: SecretKey::from_bytes(voting).ok()?,
        })
    }

    /// The public identity key.
    #[must_use]
    pub fn identity_public(&self) -> [u8; 32] {
        self.identity.verifying_key().to_bytes()
    }

    /// The private identity key (the seed of RFC 8032), for the network's key pair. It is wiped
    /// when dropped; copies are the caller's to wipe.
    #[must_use]
    pub fn identity_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.identity.to_bytes())
    }

    /// The public voting key of the BLS scheme, compressed.
    #[must_use]
    pub fn voting_public(&self) -> [u8; 96] {
        self.voting.sk_to_pk().compress()
    }

    /// The public voting key with the proof that this replica has the private half.
    #[must_use]
    pub fn voting_key(&self) -> VotingKey {
        let key = self.voting_public();
        let message = possession(&key, &self.identity_public());
        VotingKey {
            key: key.to_vec(),
            proof: self
                .voting
                .sign(&message, POSSESSION, &[])
                .compress()
                .to_vec(),
        }
    }

    fn voting_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.voting.to_bytes())
    }

    pub(crate) fn sign_identity(&self, statement: Statement) -> [u8; 64] {
        self.identity.sign(&statement.0.0).to_bytes()
    }

    pub(crate) fn sign_voting(&self, statement: Statement) -> Signature {
        self.voting.sign(&statement.0.0, VOTE, &[])
    }
}
