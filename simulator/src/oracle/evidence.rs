//! Accuracy: only those who lie are accused.

use super::{Ledger, Oracle};
use crate::fact::{Fact, Said};
use quorate_core::{ReplicaId, Time};

/// Whoever is accused is an adversary and has really signed both statements, which differ and
/// fill one exclusive slot, and the evidence's signatures hold; and only adversaries are blamed.
/// (Ivy's accountable safety: an accusation never holds against a correct replica.)
#[derive(Debug)]
pub(crate) struct Evidence;

impl Oracle for Evidence {
    fn name(&self) -> &'static str {
        "evidence"
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Accused {
                by,
                culprit,
                first,
                second,
                holds,
            } => {
                let accuses = format!("{by:?} accuses {culprit:?} of {first:?} and {second:?}");
                if ledger.is_correct(*culprit) {
                    return Err(format!("{accuses}, who is correct"));
                }
                if !holds {
                    return Err(format!("{accuses}, with signatures that do not hold"));
                }
                if (first.kind, first.place) != (second.kind, second.place)
                    || first.digest == second.digest
                {
                    return Err(format!("{accuses}, which is no contradiction"));
                }
                if !signed(ledger, *culprit, first) || !signed(ledger, *culprit, second) {
                    return Err(format!("{accuses}, which it has not signed"));
                }
                Ok(())
            }
            Fact::Blamed { by, peer, fault } if ledger.is_correct(*peer) => {
                Err(format!("{by:?} blames {peer:?}, who is correct: {fault}"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a replica has signed this in an exclusive slot.
fn signed(ledger: &Ledger, id: ReplicaId, said: &Said) -> bool {
    let tally = ledger.said(said).filter(|tally| tally.is_exclusive());
    tally.is_some_and(|tally| tally.signed_by(id).is_some())
}

#[cfg(test)]
mod tests;
