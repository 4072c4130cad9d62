//! The verification equation, for one signature and for many.

use crate::KeyFault;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use sha2::{Digest, Sha512};
use std::collections::BTreeMap;

/// 2²⁵⁵ − 19 in little endian.
const FIELD: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed;
    bytes[31] = 0x7f;
    bytes
};

/// A point in its only encoding: the coordinate is reduced, and zero has no sign.
///
/// Encodings of points whose other coordinate is zero are not told apart here, because these
/// points have small order and all callers refuse them.
fn decode(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let mut coordinate = *bytes;
    coordinate[31] &= 0x7f;
    // Most significant byte first.
    if coordinate.iter().rev().ge(FIELD.iter().rev()) {
        return None;
    }
    CompressedEdwardsY(*bytes).decompress()
}

/// A validator's public key, of prime order.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey {
    bytes: [u8; 32],
    point: EdwardsPoint,
    negated: EdwardsPoint,
}

impl PublicKey {
    pub(crate) fn new(bytes: &[u8; 32]) -> Result<Self, KeyFault> {
        let point = decode(bytes).ok_or(KeyFault::IdentityEncoding)?;
        if point.is_small_order() {
            return Err(KeyFault::IdentitySmallOrder);
        }
        if !point.is_torsion_free() {
            return Err(KeyFault::IdentityTorsion);
        }
        Ok(Self {
            bytes: *bytes,
            point,
            negated: -point,
        })
    }

    /// Decodes a signature by this key for checking; `None` if its encoding is refused.
    ///
    /// The scalar must be below the group's order, the point canonical and not of small order.
    pub(crate) fn equation<'k>(
        &'k self,
        message: &[u8],
        signature: &[u8; 64],
    ) -> Option<Equation<'k>> {
        let (r, s) = signature.split_at(32);
        let r: [u8; 32] = r.try_into().expect("half of 64 bytes");
        let s: [u8; 32] = s.try_into().expect("half of 64 bytes");
        let s = Option::from(Scalar::from_canonical_bytes(s))?;
        let point = decode(&r).filter(|point| !point.is_small_order())?;
        let hash = Sha512::new()
            .chain_update(r)
            .chain_update(self.bytes)
            .chain_update(message);
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        Some(Equation {
            key: self,
            r: point,
            s,
            k,
        })
    }
}

/// What must hold for one signature: \[8\](sB − kA − R) = 0.
#[derive(Debug)]
pub(crate) struct Equation<'k> {
    key: &'k PublicKey,
    r: EdwardsPoint,
    s: Scalar,
    k: Scalar,
}

impl Equation<'_> {
    /// Whether it holds.
    pub(crate) fn holds(&self) -> bool {
        let expected =
            EdwardsPoint::vartime_double_scalar_mul_basepoint(&self.k, &self.key.negated, &self.s);
        (expected - self.r).mul_by_cofactor().is_identity()
    }
}

/// Whether all equations hold: \[8\](Σ zₖA + Σ zR − Σ zs B) = 0 with a weight z for each.
///
/// Terms with the same key are one term. The cofactor makes this the same verdict as that of each
/// alone: without it a component of small order in R would pass or fail by its weight.
pub(crate) fn all_hold(equations: &[&Equation<'_>], weights: &[[u8; 16]]) -> bool {
    if let [only] = equations {
        return only.holds();
    }
    let mut base = Scalar::ZERO;
    let mut keys: BTreeMap<&[u8; 32], (Scalar, &EdwardsPoint)> = BTreeMap::new();
    let mut points = Vec::with_capacity(equations.len());
    for (equation, weight) in equations.iter().zip(weights) {
        let weight = Scalar::from(u128::from_le_bytes(*weight));
        base -= weight * equation.s;
        let (sum, _) = keys
            .entry(&equation.key.bytes)
            .or_insert((Scalar::ZERO, &equation.key.point));
        *sum += weight * equation.k;
        points.push((weight, &equation.r));
    }
    let base = (base, &curve25519_dalek::constants::ED25519_BASEPOINT_POINT);
    let terms = || {
        let keys = keys.values().copied();
        [base].into_iter().chain(keys).chain(points.iter().copied())
    };
    EdwardsPoint::vartime_multiscalar_mul(
        terms().map(|(scalar, _)| scalar),
        terms().map(|(_, point)| point),
    )
    .mul_by_cofactor()
    .is_identity()
}

#[cfg(test)]
mod tests;
