//! Many ed25519 signatures at once.

use super::curve::{Equation, all_hold};
use crate::bisect;
use crate::coefficients::coefficients;
use crate::docket::CheckId;
use std::ops::Range;

/// Judges groups of equations, each of which stands or falls as one: the signature of a message,
/// or all signatures of a certificate. A group that could not be decoded is `None`, and fails.
pub(crate) fn judge(keys: &[u8; 32], groups: &[(CheckId, Option<Vec<Equation<'_>>>)]) -> Vec<bool> {
    let batch: Vec<(usize, &CheckId, &Vec<Equation<'_>>)> = (0..)
        .zip(groups)
        .filter_map(|(index, (id, group))| Some((index, id, group.as_ref()?)))
        .collect();
    let sizes = batch.iter().map(|(_, id, group)| (*id, group.len()));
    let weights = coefficients(keys, sizes);
    // Where each group begins in the list of all equations.
    let mut starts = vec![0];
    let mut equations: Vec<&Equation<'_>> = Vec::with_capacity(weights.len());
    for (_, _, group) in &batch {
        equations.extend(group.iter());
        starts.push(equations.len());
    }
    let good = |range: Range<usize>| {
        let range = starts[range.start]..starts[range.end];
        all_hold(&equations[range.clone()], &weights[range])
    };
    let mut held = vec![false; groups.len()];
    for ((index, ..), good) in batch.iter().zip(bisect::verdicts(batch.len(), good)) {
        held[*index] = good;
    }
    held
}
