//! No contradiction: a correct replica says one thing in an exclusive slot.

use super::{Ledger, Oracle};
use crate::fact::Fact;
use quorate_core::Time;

/// No correct replica signs two digests in one exclusive slot, across restarts, for ever.
///
/// What was signed before a crash counts unless its record was lost and it had not left: then
/// nobody has seen it, and the replica cannot know of it.
#[derive(Debug)]
pub(crate) struct Contradiction;

impl Oracle for Contradiction {
    fn name(&self) -> &'static str {
        "contradiction"
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        let Fact::Signed {
            by,
            said,
            exclusive: true,
            ..
        } = fact
        else {
            return Ok(());
        };
        if !ledger.is_new() || !ledger.is_correct(*by) {
            return Ok(());
        }
        let mut others = ledger.slot(said.kind, said.place);
        let other = others.find(|tally| {
            let is_other = tally.is_exclusive() && tally.digest() != said.digest;
            is_other && tally.signed_by(*by).is_some()
        });
        match other {
            None => Ok(()),
            Some(other) => Err(format!(
                "{by:?} signs {said:?} and has signed {:?} there",
                other.digest()
            )),
        }
    }
}

#[cfg(test)]
mod tests;
