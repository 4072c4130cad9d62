//! Uniqueness: one certificate for an exclusive slot.

use super::{Ledger, Oracle};
use crate::fact::Fact;
use quorate_core::Time;

/// Of the signatures that have really been made, no two quorums certify different digests in one
/// exclusive slot. With [`super::support`], no two certificates do. (PBFT: prepared certificates
/// of a view and sequence number; HotStuff: certificates of a view; Tendermint: polkas of a round.)
#[derive(Debug)]
pub(crate) struct Uniqueness;

impl Oracle for Uniqueness {
    fn name(&self) -> &'static str {
        "uniqueness"
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        let Fact::Signed {
            said,
            exclusive: true,
            ..
        } = fact
        else {
            return Ok(());
        };
        if !ledger.is_new() {
            return Ok(());
        }
        let slot = ledger.slot(said.kind, said.place);
        let certified = slot.filter(|tally| tally.is_exclusive() && ledger.has_quorum(tally));
        let certified: Vec<_> = certified.map(super::Tally::digest).collect();
        if certified.len() > 1 {
            return Err(format!(
                "kind {} at {:?} is certified for {certified:?}",
                said.kind, said.place
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
