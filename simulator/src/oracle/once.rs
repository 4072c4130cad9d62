//! Exactly once: each request is executed once, and everywhere in the same order.

use super::{Ledger, Oracle, Trial};
use crate::fact::Fact;
use quorate_core::{Digest, Height, ReplicaId, RequestId, Time};
use std::collections::{BTreeMap, BTreeSet};

/// All correct replicas execute the same requests in the same order, each decided at the height at
/// which it is executed, and none twice; after the same height they are in the same state.
///
/// A restarted replica may execute what its store has once more, from the first height on, or go
/// on above it.
#[derive(Debug)]
pub(crate) struct Once {
    /// What was decided at the heights that somebody may still execute for the first time.
    decided: BTreeMap<Height, BTreeSet<RequestId>>,
    /// What is executed at each height, in order.
    executed: BTreeMap<Height, Vec<RequestId>>,
    /// Where each request is executed.
    places: BTreeMap<RequestId, Height>,
    /// Nothing more can be executed up to here: somebody has gone on.
    sealed: Height,
    states: BTreeMap<Height, Digest>,
    cursors: Vec<Cursor>,
}

/// How far a replica has executed.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    height: Height,
    /// How many requests at that height.
    count: usize,
    /// It may begin above here, since its store has what is below.
    stored: Height,
    /// Whether the power has failed and it has not started again.
    down: bool,
}

impl Cursor {
    const FIRST: Self = Self {
        height: Height(1),
        count: 0,
        stored: Height::GENESIS,
        down: false,
    };

    const fn is_first(&self) -> bool {
        self.height.0 == 1 && self.count == 0
    }
}

impl Once {
    pub(crate) fn new(trial: &Trial) -> Self {
        Self {
            decided: BTreeMap::new(),
            executed: BTreeMap::new(),
            places: BTreeMap::new(),
            sealed: Height::GENESIS,
            states: BTreeMap::new(),
            cursors: vec![Cursor::FIRST; trial.powers.len()],
        }
    }

    /// A replica is at a height: it must have executed everything below.
    fn go_to(&mut self, by: ReplicaId, height: Height) -> Result<(), String> {
        let cursor = &mut self.cursors[by.index()];
        if cursor.is_first() && height > cursor.stored {
            cursor.height = cursor.stored.next();
        }
        if height < cursor.height {
            return Err(format!("{by:?} executes {height:?} again"));
        }
        if height == cursor.height {
            return Ok(());
        }
        let mut count = cursor.count;
        for (passed, requests) in self.executed.range(cursor.height..height) {
            if count < requests.len() {
                return Err(format!(
                    "{by:?} executes {count} requests at {passed:?}, others {}",
                    requests.len()
                ));
            }
            count = 0;
        }
        (cursor.height, cursor.count) = (height, 0);
        if self.sealed < height.previous() {
            self.sealed = height.previous();
            self.decided = self.decided.split_off(&height);
        }
        Ok(())
    }

    fn execute(&mut self, by: ReplicaId, at: Height, request: RequestId) -> Result<(), String> {
        self.go_to(by, at)?;
        let executed = self.executed.entry(at).or_default();
        let cursor = &mut self.cursors[by.index()];
        cursor.count += 1;
        if let Some(expected) = executed.get(cursor.count - 1) {
            return if *expected == request {
                Ok(())
            } else {
                Err(format!(
                    "{by:?} executes {request:?} at {at:?}, others {expected:?}"
                ))
            };
        }
        if at <= self.sealed {
            return Err(format!(
                "{by:?} executes {request:?} at {at:?}, others do not"
            ));
        }
        if !self
            .decided
            .get(&at)
            .is_some_and(|it| it.contains(&request))
        {
            return Err(format!(
                "{by:?} executes {request:?}, which is not decided at {at:?}"
            ));
        }
        executed.push(request);
        match self.places.insert(request, at) {
            None => Ok(()),
            Some(first) => Err(format!(
                "{by:?} executes {request:?} at {at:?}, and has done so at {first:?}"
            )),
        }
    }
}

impl Oracle for Once {
    fn name(&self) -> &'static str {
        "exactly-once"
    }

    fn observe(&mut self, _: Time, fact: &Fact, _: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Decided {
                height,
                requests: Some(requests),
                ..
            } if *height > self.sealed => {
                let requests = || requests.iter().map(|(request, _)| *request).collect();
                self.decided.entry(*height).or_insert_with(requests);
            }
            Fact::Executed {
                by,
                height,
                request,
            } => self.execute(*by, *height, *request)?,
            Fact::State { by, height, state } => {
                if *height > Height::GENESIS {
                    self.go_to(*by, *height)?;
                    self.go_to(*by, height.next())?;
                }
                let first = *self.states.entry(*height).or_insert(*state);
                if first != *state {
                    return Err(format!(
                        "after {height:?} {by:?} is in state {state:?}, others in {first:?}"
                    ));
                }
            }
            Fact::Crashed { by, .. } => {
                self.cursors[by.index()] = Cursor {
                    down: true,
                    ..Cursor::FIRST
                };
            }
            Fact::Started { by, stored, .. } => {
                let cursor = &mut self.cursors[by.index()];
                // Unless what the store has was executed on the way here.
                if !cursor.down {
                    *cursor = Cursor::FIRST;
                }
                cursor.stored = *stored;
                cursor.down = false;
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
