//! Signature schemes for Quorate: ed25519 and BLS12-381.
//!
//! Both implement [`quorate_core::Scheme`], so that every engine runs on either. [`Ed25519`] is
//! cheap for each signature, and its certificates are vectors of signatures. [`Bls`] adds votes up
//! into one signature of 48 bytes, whose check costs the same for any number of signers. What is
//! never aggregated is signed with the ed25519 identity key in both.
//!
//! A scheme is made from a validator set, whose keys it decodes and checks once. It verifies
//! batches across messages, names the culprits of a batch that fails, and remembers the
//! certificates that it has found to hold. The verdict on a message never depends on the batch.
//!
//! ```
//! use quorate_core::{Claim, Claims, Digest, KeyRole, Scheme, Statement, ValidatorSet};
//! use quorate_crypto::{Bls, KeyedScheme, ReplicaKeys};
//! use std::sync::Arc;
//!
//! let keys: Vec<_> = (0..4).map(|seed| Arc::new(ReplicaKeys::from_seed(&[seed; 32]))).collect();
//! let validators = keys.iter().map(|keys| Bls::validator(keys, 1)).collect();
//! let scheme = Bls::new(Arc::new(ValidatorSet::new(validators)?))?;
//!
//! let statement = Statement(Digest([7; 32]));
//! let signer = scheme.signer(Arc::clone(&keys[2]))?;
//! let signature = signer.sign_now(KeyRole::Voting, statement);
//! let mut claims = Claims::default();
//! claims.push(Claim::Signed {
//!     by: signer.id(),
//!     key: KeyRole::Voting,
//!     statement,
//!     signature: &signature,
//! });
//! assert_eq!(scheme.verify(&[claims]), [true]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bisect;
mod bls;
mod cache;
mod coefficients;
mod counters;
mod docket;
mod ed25519;
mod error;
mod hex;
mod keys;
mod signer;

pub use bls::{Bls, BlsAggregate, BlsSignature, VoteSignature};
pub use ed25519::{Ed25519, Ed25519Aggregate, Ed25519Signature};
pub use error::{KeyError, KeyFault};
pub use keys::{KeyFileError, NoRandomness, ReplicaKeys};
pub use signer::{KeyedScheme, LocalSigner, NotAValidator};
