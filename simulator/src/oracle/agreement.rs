//! Agreement: correct replicas decide the same, in the same order.

use super::{Ledger, Oracle, Trial};
use crate::fact::Fact;
use quorate_core::{Digest, Height, Time};
use std::collections::BTreeMap;

/// One payload for each height over all correct replicas, for ever; and each replica decides
/// height after height, from what its block store had when it started. (PBFT, OSDI '99, section
/// 3: safety is that of one correct server.)
#[derive(Debug)]
pub(crate) struct Agreement {
    decided: BTreeMap<Height, Digest>,
    /// The last height of each replica.
    last: Vec<Height>,
}

impl Agreement {
    pub(crate) fn new(trial: &Trial) -> Self {
        Self {
            decided: BTreeMap::new(),
            last: vec![Height::GENESIS; trial.powers.len()],
        }
    }
}

impl Oracle for Agreement {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn observe(&mut self, _: Time, fact: &Fact, _: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Started { by, stored, .. } => self.last[by.index()] = *stored,
            Fact::Decided {
                by,
                height,
                payload,
                ..
            } => {
                let last = std::mem::replace(&mut self.last[by.index()], *height);
                if *height != last.next() {
                    return Err(format!("{by:?} decides {height:?} after {last:?}"));
                }
                let first = *self.decided.entry(*height).or_insert(*payload);
                if first != *payload {
                    return Err(format!(
                        "at {height:?} {by:?} decides {payload:?}, others {first:?}"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
