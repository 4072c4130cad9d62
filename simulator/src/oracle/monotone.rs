//! Monotony: views, heights and locks never go back.

use super::surviving::Surviving;
use super::{Ledger, Oracle, Phases, Trial};
use crate::fact::{Fact, Said};
use quorate_core::{Kind, Place, ReplicaId, Seq, Time, View};

/// Within a run, a correct replica's height and view (Tendermint: round at a height) never go
/// back, nor does its lock, which it loses only with its height (Tendermint).
///
/// Across restarts, what is promised anew never lies below what was promised before and not lost
/// with its record:
///
/// * PBFT and HotStuff: no promise in a lower view. A PBFT replica that has promised a view change
///   takes part in no view below (OSDI '99, section 4.4), and each view that a replica votes in is
///   in its log before the vote (docs/pbft.md, docs/hotstuff.md);
/// * HotStuff: no vote in a view that was given up (Jolteon, arXiv 2106.10362, "Timeout");
/// * Tendermint: no promise in a lower round of the same height (arXiv 1807.04938, L11: rounds
///   only grow). Heights may go back, because a stored decision is not yet a durable one.
#[derive(Debug)]
pub(crate) struct Monotone {
    phases: Phases,
    replicas: Vec<Replica>,
}

#[derive(Clone, Debug, Default)]
struct Replica {
    place: Option<Place>,
    lock: Option<Place>,
    /// The highest view in which anything was promised.
    promised: Surviving<View>,
    /// The highest view given up.
    given_up: Surviving<View>,
}

impl Monotone {
    pub(crate) fn new(trial: &Trial) -> Self {
        Self {
            phases: trial.phases,
            replicas: vec![Replica::default(); trial.powers.len()],
        }
    }

    fn stands(&mut self, by: ReplicaId, place: Place, lock: Option<Place>) -> Result<(), String> {
        let replica = &mut self.replicas[by.index()];
        let by_height = matches!(self.phases, Phases::Locked { .. });
        let last = replica.place.replace(place).unwrap_or_default();
        let forward = place.height >= last.height && place.view >= last.view;
        if !(forward || by_height && place.height > last.height) {
            return Err(format!("{by:?} goes back from {last:?} to {place:?}"));
        }
        let last_lock = std::mem::replace(&mut replica.lock, lock);
        let leaves = by_height && lock.is_none() && place.height > last.height;
        if lock < last_lock && !leaves {
            return Err(format!(
                "the lock of {by:?} goes from {last_lock:?} to {lock:?}"
            ));
        }
        Ok(())
    }

    /// A promise is made that was not made before.
    fn promises(&mut self, by: ReplicaId, said: &Said, record: Seq) -> Result<(), String> {
        let replica = &mut self.replicas[by.index()];
        let view = said.place.view;
        let wrong =
            |what: &str, other| Err(format!("{by:?} promises {said:?}, and {what} {other:?}"));
        if let Some(last) = replica.promised.greatest().filter(|last| *last > view) {
            return wrong("has promised in", last);
        }
        if let Phases::Chained { vote, timeout, .. } = self.phases {
            let given_up = replica.given_up.greatest().filter(|last| *last >= view);
            if let Some(given_up) = given_up.filter(|_| said.kind == vote) {
                return wrong("has given up", given_up);
            }
            if said.kind == timeout {
                replica.given_up.add(record, view);
            }
        }
        replica.promised.add(record, view);
        Ok(())
    }
}

/// A promise at a height with rounds of its own.
fn promises_in_round(
    ledger: &Ledger,
    by: ReplicaId,
    said: &Said,
    kinds: [Kind; 2],
) -> Result<(), String> {
    let Place { height, view } = said.place;
    for kind in kinds {
        let mut later = ledger.views(kind, height, view.next()..View(u64::MAX));
        if let Some((later, _)) = later.find(|(_, tally)| tally.signed_by(by).is_some()) {
            return Err(format!(
                "{by:?} promises {said:?}, and has voted in {later:?}"
            ));
        }
    }
    Ok(())
}

impl Oracle for Monotone {
    fn name(&self) -> &'static str {
        "monotony"
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Stands { by, place, lock } => return self.stands(*by, *place, *lock),
            Fact::Started { by, .. } => {
                let replica = &mut self.replicas[by.index()];
                (replica.place, replica.lock) = (None, None);
            }
            Fact::Durable { by, to } => {
                let replica = &mut self.replicas[by.index()];
                replica.promised.keep(*to);
                replica.given_up.keep(*to);
            }
            Fact::Crashed { by, durable, .. } => {
                let replica = &mut self.replicas[by.index()];
                replica.promised.crash(*durable);
                replica.given_up.crash(*durable);
            }
            Fact::Signed {
                by,
                said,
                binds: true,
                record: Some(record),
                ..
            } if ledger.is_new() && ledger.is_correct(*by) => {
                if let Phases::Locked { earlier, later } = self.phases {
                    return promises_in_round(ledger, *by, said, [earlier, later]);
                }
                return self.promises(*by, said, *record);
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
