//! The ed25519 scheme: certificates are vectors of signatures.

pub(crate) mod batch;
pub(crate) mod curve;

use crate::cache::Cache;
use crate::counters::Meter;
use crate::docket::{CheckId, Docket, Screened};
use crate::{KeyError, KeyFault, KeyedScheme, LocalSigner, NotAValidator, ReplicaKeys};
use borsh::io::{Error, ErrorKind, Read, Result as IoResult};
use borsh::{BorshDeserialize, BorshSerialize};
use curve::{Equation, PublicKey};
use quorate_core::{
    Claim, Claims, Digest, KeyRole, MAX_VALIDATORS, ReplicaId, Scheme, SchemeCounters, SignerSet,
    Statement, Threshold, Validator, ValidatorSet,
};
use std::fmt;
use std::sync::Arc;

/// Most certificates remembered in each of the cache's two generations: 32 bytes each.
const CERTIFICATES: usize = 4096;

/// An ed25519 signature, unchecked.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ed25519Signature(pub [u8; 64]);

impl fmt::Debug for Ed25519Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519 signature {:02x?}…", &self.0[..4])
    }
}

/// The signatures of several replicas on one statement: one for each bit of the signer set, in
/// ascending order of signers.
///
/// On the wire it is their number as two bytes, at most [`MAX_VALIDATORS`], and then 64 bytes
/// each.
#[derive(Clone, PartialEq, Eq)]
pub struct Ed25519Aggregate(Vec<[u8; 64]>);

impl Ed25519Aggregate {
    /// How many signatures there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none. No certificate with none holds.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Ed25519Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ed25519 signatures", self.0.len())
    }
}

impl BorshSerialize for Ed25519Aggregate {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> IoResult<()> {
        let count = u16::try_from(self.0.len()).expect("no more signatures than validators");
        count.serialize(writer)?;
        writer.write_all(self.0.as_flattened())
    }
}

impl BorshDeserialize for Ed25519Aggregate {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let count = usize::from(u16::deserialize_reader(reader)?);
        if count > MAX_VALIDATORS {
            return Err(Error::new(ErrorKind::InvalidData, "too many signatures"));
        }
        // At most 64 KiB, so that a lie about the number costs no more than that.
        let mut signatures = vec![[0; 64]; count];
        reader.read_exact(signatures.as_flattened_mut())?;
        Ok(Self(signatures))
    }
}

/// Votes and everything else are signed with the ed25519 identity key.
///
/// The verdict on a signature is that of the cofactored equation, alone and in a batch alike
/// (`docs/adr/0002-ed25519-verdicts.md`). Cloning is cheap; clones share keys, cache and counters.
#[derive(Clone)]
pub struct Ed25519(Arc<Inner>);

struct Inner {
    validators: Arc<ValidatorSet>,
    digest: Digest,
    keys: Vec<PublicKey>,
    /// Certificates found to hold. Their signers' power is checked anew each time.
    certificates: Cache<CheckId, ()>,
    meter: Arc<Meter>,
}

impl fmt::Debug for Ed25519 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519 for {} validators", self.0.keys.len())
    }
}

/// A check that claims need: a signature, or all the signatures of a certificate.
struct Check<'a> {
    certified: bool,
    statement: Statement,
    signatures: Vec<(ReplicaId, &'a [u8; 64])>,
}

impl Ed25519 {
    /// Decodes and checks the validators' keys.
    ///
    /// # Errors
    ///
    /// If an identity key is not canonical or not of prime order, or if a validator has a voting
    /// key, which this scheme does not use.
    pub fn new(validators: Arc<ValidatorSet>) -> Result<Self, KeyError> {
        let decode = |(id, validator): (ReplicaId, &Validator)| {
            let key = match validator.voting {
                None => PublicKey::new(&validator.identity),
                Some(_) => Err(KeyFault::VotingUnexpected),
            };
            key.map_err(|fault| KeyError {
                validator: id,
                fault,
            })
        };
        let keys = validators.iter().map(decode).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Inner {
            digest: validators.digest(),
            validators,
            keys,
            certificates: Cache::new(CERTIFICATES),
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
                statement,
                signature,
                ..
            } if self.0.validators.contains(by) => {
                let id = Digest::builder("quorate 2026 ed25519 signature check v1")
                    .digest(&statement.0)
                    .number(by.0.into())
                    .bytes(&signature.0)
                    .finish();
                let signatures = vec![(by, &signature.0)];
                Screened::Check(
                    id.0,
                    Check {
                        certified: false,
                        statement,
                        signatures,
                    },
                )
            }
            Claim::Signed { .. } => Screened::Refused,
            Claim::Certified {
                by,
                threshold,
                statement,
                aggregate,
            } => self.screen_certificate(by, threshold, statement, aggregate),
        }
    }

    fn screen_certificate<'a>(
        &self,
        by: &'a SignerSet,
        threshold: Threshold,
        statement: Statement,
        aggregate: &'a Ed25519Aggregate,
    ) -> Screened<Check<'a>> {
        if !self.0.validators.reaches(by, threshold) || by.len() != aggregate.len() {
            return Screened::Refused;
        }
        let signers = borsh::to_vec(by).expect("writing to memory does not fail");
        let id = Digest::builder("quorate 2026 ed25519 certificate check v1")
            .digest(&statement.0)
            .bytes(&signers)
            .bytes(aggregate.0.as_flattened())
            .finish();
        if self.0.certificates.get(&id.0).is_some() {
            return Screened::Known;
        }
        let check = Check {
            certified: true,
            statement,
            signatures: by.iter().zip(&aggregate.0).collect(),
        };
        Screened::Check(id.0, check)
    }

    /// The equations of a check, or `None` if a signature's encoding is refused.
    fn equations(&self, check: &Check<'_>) -> Option<Vec<Equation<'_>>> {
        let message = &check.statement.0.0;
        let signatures = check.signatures.iter();
        signatures
            .map(|(by, signature)| self.0.keys[by.index()].equation(message, signature))
            .collect()
    }

    /// Whether each check holds.
    fn judge(&self, checks: &[(CheckId, Check<'_>)]) -> Vec<bool> {
        let certified = checks.iter().filter(|(_, check)| check.certified).count();
        self.0.meter.checked_aggregates(certified);
        self.0.meter.checked_signatures(checks.len() - certified);
        let groups: Vec<_> = checks
            .iter()
            .map(|(id, check)| (*id, self.equations(check)))
            .collect();
        batch::judge(&self.0.digest.0, &groups)
    }
}

impl Scheme for Ed25519 {
    const NAME: &'static str = "ed25519";
    type Signature = Ed25519Signature;
    type Aggregate = Ed25519Aggregate;

    fn validators(&self) -> &ValidatorSet {
        &self.0.validators
    }

    fn verify(&self, messages: &[Claims<'_, Self>]) -> Vec<bool> {
        let docket = Docket::new(messages, |claim| self.screen(claim));
        let held = self.judge(&docket.checks);
        for ((id, check), held) in docket.checks.iter().zip(&held) {
            if check.certified && *held {
                self.0.certificates.insert(*id, ());
            }
        }
        docket.verdicts(&held)
    }

    fn aggregate<'a>(
        &self,
        parts: impl Iterator<Item = (ReplicaId, &'a Ed25519Signature)>,
    ) -> Ed25519Aggregate {
        Ed25519Aggregate(parts.map(|(_, signature)| signature.0).collect())
    }

    fn counters(&self) -> SchemeCounters {
        self.counters()
    }
}

impl KeyedScheme for Ed25519 {
    fn open(validators: Arc<ValidatorSet>) -> Result<Self, KeyError> {
        Self::new(validators)
    }

    fn validator(keys: &ReplicaKeys, power: u64) -> Validator {
        Validator {
            identity: keys.identity_public(),
            voting: None,
            power,
        }
    }

    fn sign_with(keys: &ReplicaKeys, _: KeyRole, statement: Statement) -> Ed25519Signature {
        Ed25519Signature(keys.sign_identity(statement))
    }

    fn signer(&self, keys: Arc<ReplicaKeys>) -> Result<LocalSigner<Self>, NotAValidator> {
        LocalSigner::of(&self.0.validators, keys, Arc::clone(&self.0.meter))
    }
}
