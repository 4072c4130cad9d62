//! Retention: what is decided and stored stays.

use super::{Ledger, Oracle, Trial};
use crate::fact::Fact;
use quorate_core::{Height, Time};

/// A replica may forget its promises up to a height ([`Fact::Stable`]) only once the decisions up
/// to there are in its block store; the store has them in order, and starts with all that it ever
/// had.
#[derive(Debug)]
pub(crate) struct Retention {
    /// The last height in each block store.
    stored: Vec<Height>,
}

impl Retention {
    pub(crate) fn new(trial: &Trial) -> Self {
        Self {
            stored: vec![Height::GENESIS; trial.powers.len()],
        }
    }
}

impl Oracle for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    fn observe(&mut self, _: Time, fact: &Fact, _: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Started { by, stored, .. } => {
                let known = std::mem::replace(&mut self.stored[by.index()], *stored);
                if *stored < known {
                    return Err(format!(
                        "{by:?} starts with {stored:?}, and had stored {known:?}"
                    ));
                }
            }
            Fact::Stored { by, height } => {
                let known = &mut self.stored[by.index()];
                if *height > known.next() {
                    return Err(format!("{by:?} stores {height:?} after {known:?}"));
                }
                *known = (*known).max(*height);
            }
            Fact::Stable { by, height, .. } => {
                let stored = self.stored[by.index()];
                if stored < *height {
                    return Err(format!(
                        "{by:?} may forget its promises up to {height:?}, and has stored {stored:?}"
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
