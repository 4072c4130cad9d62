//! The verification equation, for one statement and for many.

use blst::min_sig::{AggregatePublicKey, AggregateSignature, PublicKey, Signature};
use blst::{BLST_ERROR, MultiPoint, Pairing, blst_p1_affine, blst_p2_affine};
use quorate_core::Statement;
use std::collections::BTreeMap;

/// Bits of a weight.
const WEIGHT: usize = 128;

/// Decodes a signature: canonical, on the curve, in the subgroup, and not infinity.
pub(super) fn decode(bytes: &[u8; 48]) -> Option<Signature> {
    let signature = Signature::uncompress(bytes).ok()?;
    signature.validate(true).ok()?;
    Some(signature)
}

/// What must hold: e(signature, g₂) = e(H(message), key).
#[derive(Clone, Copy, Debug)]
pub(super) struct Equation {
    pub(super) message: Statement,
    pub(super) key: PublicKey,
    pub(super) signature: Signature,
}

impl Equation {
    fn holds(&self, domain: &[u8]) -> bool {
        let Self {
            message,
            key,
            signature,
        } = self;
        signature.verify(false, &message.0.0, domain, &[], key, false) == BLST_ERROR::BLST_SUCCESS
    }
}

/// Whether all equations hold, with one pairing for each different message, and one.
///
/// The equations are added up with a weight for each. Those on one message become one, of the
/// weighted sums of keys and of signatures: plain sums would accept bad signatures that cancel.
pub(super) fn all_hold(domain: &[u8], equations: &[Equation], weights: &[[u8; 16]]) -> bool {
    if let [only] = equations {
        return only.holds(domain);
    }
    let mut messages: BTreeMap<Statement, Vec<usize>> = BTreeMap::new();
    for (index, equation) in equations.iter().enumerate() {
        messages.entry(equation.message).or_default().push(index);
    }
    let mut pairing = Pairing::new(true, domain);
    for (message, members) in messages {
        let message = &message.0.0;
        let outcome = if let [only] = members[..] {
            let Equation { key, signature, .. } = &equations[only];
            let key: &blst_p2_affine = key.into();
            let signature: &blst_p1_affine = signature.into();
            let weight = &weights[only];
            pairing.mul_n_aggregate(key, false, signature, false, weight, WEIGHT, message, &[])
        } else {
            let pick = |index: &usize| equations[*index];
            let keys: Vec<_> = members.iter().map(|index| pick(index).key).collect();
            let signatures: Vec<_> = members.iter().map(|index| pick(index).signature).collect();
            let weights: Vec<_> = members.iter().map(|index| weights[*index]).collect();
            let key = keys.mult(weights.as_flattened(), WEIGHT).to_public_key();
            let signature = signatures
                .mult(weights.as_flattened(), WEIGHT)
                .to_signature();
            let key: &blst_p2_affine = (&key).into();
            let signature: &blst_p1_affine = (&signature).into();
            pairing.aggregate(key, false, signature, false, message, &[])
        };
        if outcome != BLST_ERROR::BLST_SUCCESS {
            return false;
        }
    }
    pairing.commit();
    pairing.finalverify(None)
}

/// The sum of keys that have been checked; `None` of none, or if it is infinity.
pub(super) fn sum_keys<'a>(keys: impl Iterator<Item = &'a PublicKey>) -> Option<PublicKey> {
    let keys: Vec<_> = keys.collect();
    let sum = AggregatePublicKey::aggregate(&keys, false).ok()?;
    let sum = sum.to_public_key();
    // The keys are in the subgroup, hence the sum is; what this asks is whether it is infinity.
    (sum != PublicKey::default()).then_some(sum)
}

/// The sum of signatures; infinity, which certifies nothing, of none.
pub(super) fn sum_signatures(signatures: &[&Signature]) -> [u8; 48] {
    AggregateSignature::aggregate(signatures, false).map_or_else(
        |_| {
            let mut infinity = [0; 48];
            infinity[0] = 0xc0;
            infinity
        },
        |sum| sum.to_signature().compress(),
    )
}
