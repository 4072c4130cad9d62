//! Liveness: decisions come once the faults are over, and nobody waits for nothing.

use super::{Ledger, Oracle, Trial};
use crate::fact::Fact;
use quorate_core::{Height, ReplicaId, Time};
use std::collections::BTreeSet;

/// After [`Fact::Healed`] every replica that it names decides, within the time that it states, a
/// height above all that any correct replica had decided before; at the latest before
/// [`Fact::Ended`].
///
/// And always: a correct replica that is up has a deadline, or work of its own under way. One
/// with neither would wait for others for ever, as they may for it.
#[derive(Debug)]
pub(crate) struct Liveness {
    up: Vec<bool>,
    highest: Height,
    goal: Option<Goal>,
}

/// Who has to decide what, until when.
#[derive(Debug)]
struct Goal {
    above: Height,
    until: Time,
    missing: BTreeSet<ReplicaId>,
}

impl Liveness {
    pub(crate) fn new(trial: &Trial) -> Self {
        Self {
            up: vec![false; trial.powers.len()],
            highest: Height::GENESIS,
            goal: None,
        }
    }

    fn is_late(&self, now: Time, fact: &Fact) -> bool {
        let goal = self.goal.as_ref();
        goal.is_some_and(|goal| now > goal.until || matches!(fact, Fact::Ended))
    }
}

impl Oracle for Liveness {
    fn name(&self) -> &'static str {
        "liveness"
    }

    fn observe(&mut self, now: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        if self.is_late(now, fact)
            && let Some(Goal { above, missing, .. }) = self.goal.take()
        {
            return Err(format!("{missing:?} have decided nothing above {above:?}"));
        }
        match fact {
            Fact::Started { by, .. } => self.up[by.index()] = true,
            Fact::Crashed { by, .. } => self.up[by.index()] = false,
            Fact::Decided { by, height, .. } => {
                self.highest = self.highest.max(*height);
                if let Some(goal) = self.goal.as_mut().filter(|goal| *height > goal.above) {
                    goal.missing.remove(by);
                    self.goal.take_if(|goal| goal.missing.is_empty());
                }
            }
            Fact::Healed { replicas, within } => {
                let correct = replicas.iter().filter(|id| ledger.is_correct(**id));
                let missing: BTreeSet<_> = correct.copied().collect();
                self.goal = (!missing.is_empty()).then(|| Goal {
                    above: self.highest,
                    until: now.after(*within),
                    missing,
                });
            }
            Fact::Waits {
                by,
                deadline: None,
                outstanding: 0,
            } if self.up[by.index()] => {
                return Err(format!("{by:?} has no deadline and nothing under way"));
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
