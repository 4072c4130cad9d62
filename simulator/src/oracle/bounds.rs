//! Bounded state.

use super::{Ledger, Oracle};
use crate::fact::Fact;
use quorate_core::Time;

/// Nothing that a correct replica holds exceeds its stated bound, whatever others send.
#[derive(Debug)]
pub(crate) struct Bounds;

impl Oracle for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn observe(&mut self, _: Time, fact: &Fact, _: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Holds {
                by,
                what,
                amount,
                bound,
            } if amount > bound => Err(format!("{by:?} holds {amount} {what}, and not {bound}")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
