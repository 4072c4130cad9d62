//! The BLS12-381 scheme: certificates are one point.
//!
//! Signatures are in G1 (48 bytes), keys in G2 (96 bytes). Votes are BLS signatures; everything
//! else is signed with the ed25519 identity key.

mod batch;
mod curve;
mod signature;

pub use signature::{BlsAggregate, BlsSignature, VoteSignature};

use crate::cache::Cache;
use crate::counters::Meter;
use crate::docket::{CheckId, Docket, Screened};
use crate::ed25519::curve::PublicKey as IdentityKey;
use crate::{KeyError, KeyFault, KeyedScheme, LocalSigner, NotAValidator, ReplicaKeys};
use blst::BLST_ERROR;
use blst::min_sig::PublicKey;
use quorate_core::{
    Claim, Claims, Digest, KeyRole, ReplicaId, Scheme, SchemeCounters, SignerSet, Statement,
    Threshold, Validator, ValidatorSet, VotingKey,
};
use std::fmt;
use std::sync::Arc;

/// Domain of votes. The suffix is the ciphersuite of RFC 9380 that hashes to the curve.
pub(crate) const VOTE: &[u8] = b"QUORATE-V1-VOTE_BLS12381G1_XMD:SHA-256_SSWU_RO_";
/// Domain of proofs of possession, so that no vote is one.
pub(crate) const POSSESSION: &[u8] = b"QUORATE-V1-POSSESSION_BLS12381G1_XMD:SHA-256_SSWU_RO_";

/// Most certificates remembered in each of the cache's two generations: 32 bytes each.
const CERTIFICATES: usize = 4096;
/// Most sums of keys remembered in each of the cache's two generations: some 320 bytes each.
const KEY_SUMS: usize = 256;

/// What a proof of possession signs: the voting key, and whose it is. The identity is there so
/// that nobody can register another replica's key and proof as its own.
pub(crate) fn possession(key: &[u8; 96], identity: &[u8; 32]) -> [u8; 128] {
    let mut message = [0; 128];
    message[..96].copy_from_slice(key);
    message[96..].copy_from_slice(identity);
    message
}

/// Votes are BLS12-381 signatures in G1, everything else ed25519.
///
/// Cloning is cheap; clones share keys, caches and counters.
#[derive(Clone)]
pub struct Bls(Arc<Inner>);

struct Inner {
    validators: Arc<ValidatorSet>,
    digest: Digest,
    identities: Vec<IdentityKey>,
    voting: Vec<PublicKey>,
    /// Certificates found to hold. Their signers' power is checked anew each time.
    certificates: Cache<CheckId, ()>,
    /// Sums of the keys of signer sets whose certificates held.
    sums: Cache<SignerSet, PublicKey>,
    meter: Arc<Meter>,
}

impl fmt::Debug for Bls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bls for {} validators", self.0.voting.len())
    }
}

/// A check that claims need.
enum Check<'a> {
    Identity(ReplicaId, Statement, &'a [u8; 64]),
    Voting(ReplicaId, Statement, &'a VoteSignature),
    Certificate(&'a SignerSet, Statement, &'a [u8; 48]),
}

/// Decodes a voting key and checks its proof of possession.
fn register(validator: &Validator) -> Result<PublicKey, KeyFault> {
    let VotingKey { key, proof } = validator.voting.as_ref().ok_or(KeyFault::VotingMissing)?;
    let bytes: &[u8; 96] = key[..].try_into().map_err(|_| KeyFault::VotingEncoding)?;
    let key = PublicKey::uncompress(bytes).map_err(|_| KeyFault::VotingEncoding)?;
    key.validate().map_err(|error| match error {
        BLST_ERROR::BLST_PK_IS_INFINITY => KeyFault::VotingInfinity,
        _ => KeyFault::VotingSubgroup,
    })?;
    let proof = proof[..].try_into().ok().and_then(curve::decode);
    let message = possession(bytes, &validator.identity);
    let proved = proof.is_some_and(|proof| {
        proof.verify(false, &message, POSSESSION, &[], &key, false) == BLST_ERROR::BLST_SUCCESS
    });
    proved.then_some(key).ok_or(KeyFault::VotingProof)
}

impl Bls {
    /// Decodes and checks the validators' keys, and their proofs of possession: some 2 ms each.
    ///
    /// # Errors
    ///
    /// If an identity key is not canonical or not of prime order, or a voting key is missing, not
    /// canonical, infinity, outside the subgroup, or without a proof for this very replica.
    pub fn new(validators: Arc<ValidatorSet>) -> Result<Self, KeyError> {
        let decode = |(id, validator): (ReplicaId, &Validator)| {
            let keys = IdentityKey::new(&validator.identity)
                .and_then(|identity| Ok((identity, register(validator)?)));
            keys.map_err(|fault| KeyError {
                validator: id,
                fault,
            })
        };
        let keys: Result<Vec<_>, _> = validators.iter().map(decode).collect();
        let (identities, voting) = keys?.into_iter().unzip();
        Ok(Self(Arc::new(Inner {
            digest: validators.digest(),
            validators,
            identities,
            voting,
            certificates: Cache::new(CERTIFICATES),
            sums: Cache::new(KEY_SUMS),
            meter: Arc::default(),
        })))
    }

    /// What this value, its clones and its signers have done so far.
    #[must_use]
    pub fn counters(&self) -> SchemeCounters {
        self.0.meter.read()
    }

    fn screen<'a>(&self, claim: &Claim<'a, Self>) -> Screened<Check<'a>> {
        match *claim {
            Claim::Signed {
                by,
                key,
                statement,
                signature,
            } => self.screen_signature(by, key, statement, signature),
            Claim::Certified {
                by,
                threshold,
                statement,
                aggregate,
            } => self.screen_certificate(by, threshold, statement, aggregate),
        }
    }

    fn screen_signature<'a>(
        &self,
        by: ReplicaId,
        key: KeyRole,
        statement: Statement,
        signature: &'a BlsSignature,
    ) -> Screened<Check<'a>> {
        if !self.0.validators.contains(by) {
            return Screened::Refused;
        }
        let (check, bytes): (_, &[u8]) = match (key, signature) {
            (KeyRole::Identity, BlsSignature::Identity(bytes)) => {
                (Check::Identity(by, statement, bytes), bytes)
            }
            (KeyRole::Voting, BlsSignature::Voting(vote)) => {
                (Check::Voting(by, statement, vote), vote.as_bytes())
            }
            _ => return Screened::Refused,
        };
        // The kinds differ in length, which is part of the hash.
        let id = Digest::builder("quorate 2026 bls signature check v1")
            .digest(&statement.0)
            .number(by.0.into())
            .bytes(bytes)
            .finish();
        Screened::Check(id.0, check)
    }

    fn screen_certificate<'a>(
        &self,
        by: &'a SignerSet,
        threshold: Threshold,
        statement: Statement,
        aggregate: &'a BlsAggregate,
    ) -> Screened<Check<'a>> {
        if !self.0.validators.reaches(by, threshold) {
            return Screened::Refused;
        }
        let signers = borsh::to_vec(by).expect("writing to memory does not fail");
        let id = Digest::builder("quorate 2026 bls certificate check v1")
            .digest(&statement.0)
            .bytes(&signers)
            .bytes(&aggregate.0)
            .finish();
        if self.0.certificates.get(&id.0).is_some() {
            return Screened::Known;
        }
        Screened::Check(id.0, Check::Certificate(by, statement, &aggregate.0))
    }

    /// The sum of the signers' voting keys.
    fn key_of(&self, signers: &SignerSet) -> Option<PublicKey> {
        let known = self.0.sums.get(signers);
        let keys = || signers.iter().map(|id| &self.0.voting[id.index()]);
        known.or_else(|| curve::sum_keys(keys()))
    }

    /// Remembers what has been found to hold, and nothing else, so that forged certificates
    /// cannot drive real ones out.
    fn remember(&self, id: CheckId, signers: &SignerSet) {
        self.0.certificates.insert(id, ());
        if self.0.sums.get(signers).is_none()
            && let Some(sum) = self.key_of(signers)
        {
            self.0.sums.insert(*signers, sum);
        }
    }
}

impl Scheme for Bls {
    const NAME: &'static str = "bls";
    type Signature = BlsSignature;
    type Aggregate = BlsAggregate;

    fn validators(&self) -> &ValidatorSet {
        &self.0.validators
    }

    fn verify(&self, messages: &[Claims<'_, Self>]) -> Vec<bool> {
        let docket = Docket::new(messages, |claim| self.screen(claim));
        let held = batch::judge(self, &docket.checks);
        for ((id, check), held) in docket.checks.iter().zip(&held) {
            if let Check::Certificate(signers, ..) = check
                && *held
            {
                self.remember(*id, signers);
            }
        }
        docket.verdicts(&held)
    }

    /// # Panics
    ///
    /// If a part is not a vote's signature that has been verified, or made, here.
    fn aggregate<'a>(
        &self,
        parts: impl Iterator<Item = (ReplicaId, &'a BlsSignature)>,
    ) -> BlsAggregate {
        let points: Vec<_> = parts
            .map(|(by, signature)| match signature {
                BlsSignature::Voting(vote) => vote.point().expect("verified votes are points"),
                BlsSignature::Identity(_) => panic!("{by:?}: an identity signature is no vote"),
            })
            .collect();
        BlsAggregate(curve::sum_signatures(&points))
    }

    fn counters(&self) -> SchemeCounters {
        self.counters()
    }
}

impl KeyedScheme for Bls {
    fn open(validators: Arc<ValidatorSet>) -> Result<Self, KeyError> {
        Self::new(validators)
    }

    fn validator(keys: &ReplicaKeys, power: u64) -> Validator {
        Validator {
            identity: keys.identity_public(),
            voting: Some(keys.voting_key()),
            power,
        }
    }

    fn sign_with(keys: &ReplicaKeys, role: KeyRole, statement: Statement) -> BlsSignature {
        match role {
            KeyRole::Identity => BlsSignature::Identity(keys.sign_identity(statement)),
            KeyRole::Voting => BlsSignature::Voting(VoteSignature::of(keys.sign_voting(statement))),
        }
    }

    fn signer(&self, keys: Arc<ReplicaKeys>) -> Result<LocalSigner<Self>, NotAValidator> {
        LocalSigner::of(&self.0.validators, keys, Arc::clone(&self.0.meter))
    }
}
