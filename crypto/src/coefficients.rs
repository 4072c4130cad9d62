//! The weights of a batch.

use crate::docket::CheckId;

/// Weights of 128 bits, one for each item of a batch, hashed from the whole batch.
///
/// Nobody can choose an item after its weight, so bad items cancel with a probability of 2⁻¹²⁸,
/// and every replica that sees the same batch reaches the same verdict. The first weight is one:
/// only the ratios of weights matter.
///
/// `keys` stands for the public keys of all validators; a check's name for everything else.
pub(crate) fn coefficients<'a>(
    keys: &[u8; 32],
    batch: impl Iterator<Item = (&'a CheckId, usize)>,
) -> Vec<[u8; 16]> {
    let mut hasher = blake3::Hasher::new_derive_key("quorate 2026 batch coefficients v1");
    hasher.update(keys);
    let mut count = 0;
    for (check, items) in batch {
        hasher.update(check);
        count += items;
    }
    let mut weights = vec![[0; 16]; count];
    hasher.finalize_xof().fill(weights.as_flattened_mut());
    if let Some(first) = weights.first_mut() {
        *first = 1u128.to_le_bytes();
    }
    weights
}
