//! What a new view proposes again: the paper's set O.

use crate::view_change_body::ViewChange;
use quorate_core::{Digest, Height, Payload, Scheme, SignerSet};
use std::collections::BTreeMap;

/// What follows from the view changes of a new view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewViewPlan {
    /// The highest stable checkpoint that a view change proves: agreement goes on above it.
    pub min_s: Height,
    /// The highest height that any of them has prepared, or `min_s` if none is above it. The
    /// primary's own proposals start above it.
    pub max_s: Height,
    /// What is proposed again at each height above `min_s` up to `max_s`, ascending, no gaps.
    pub slots: Vec<PlannedSlot>,
}

impl NewViewPlan {
    /// The plan of a view that proposes nothing again, up to this height.
    pub(crate) const fn nothing(height: Height) -> Self {
        Self {
            min_s: Height::GENESIS,
            max_s: height,
            slots: Vec::new(),
        }
    }

    /// What is proposed again at a height.
    pub(crate) fn at(&self, height: Height) -> Option<&PlannedSlot> {
        let index = height.0.checked_sub(self.min_s.0 + 1)?;
        self.slots.get(usize::try_from(index).ok()?)
    }
}

/// What a new view proposes again at one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSlot {
    /// The height.
    pub height: Height,
    /// Digest of the payload: what was prepared in the highest view, or that of the empty payload
    /// where nothing was.
    pub digest: Digest,
    /// Who has prepared it, and hence has the payload; `None` for the empty payload.
    pub prepared_by: Option<SignerSet>,
}

/// Computes what a new view proposes again (OSDI '99, section 4.4).
///
/// The primary and the backups use this one function, and it looks at nothing else, so they agree.
/// The view changes have been checked: each by itself ([`ViewChange::check`]), and its signatures.
///
/// Two certificates for one height and view with different digests cannot both be valid unless
/// more than F power is faulty; then the greater digest is taken, so that replicas still agree on
/// what the view proposes.
#[must_use]
pub fn compute<'a, S: Scheme>(
    view_changes: impl Iterator<Item = &'a ViewChange<S>> + Clone,
) -> NewViewPlan {
    let min_s = view_changes.clone().map(ViewChange::stable_height).max();
    let min_s = min_s.unwrap_or(Height::GENESIS);
    let mut best = BTreeMap::new();
    for prepared in view_changes.flat_map(|it| &it.prepared) {
        if prepared.height <= min_s {
            continue;
        }
        let candidate = (prepared.view, prepared.digest);
        let entry = best.entry(prepared.height);
        let entry = entry.or_insert((candidate, prepared.certificate.signers));
        if candidate > entry.0 {
            *entry = (candidate, prepared.certificate.signers);
        }
    }
    let max_s = best.keys().next_back().copied().unwrap_or(min_s);
    let empty = *Payload::empty().digest();
    let slots = (min_s.0 + 1..=max_s.0).map(|number| {
        let height = Height(number);
        let chosen = best.get(&height);
        PlannedSlot {
            height,
            digest: chosen.map_or(empty, |((_, digest), _)| *digest),
            prepared_by: chosen.map(|(_, signers)| *signers),
        }
    });
    NewViewPlan {
        min_s,
        max_s,
        slots: slots.collect(),
    }
}

#[cfg(test)]
mod tests;
