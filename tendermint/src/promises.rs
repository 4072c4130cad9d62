//! What a replica has promised at a height, and may therefore still sign.

use crate::round::Step;
use crate::{Polka, Record, Value, Vote};
use quorate_core::{Digest, Scheme, Seq, View};

/// A value with the polka that makes it lockable: the paper's (lockedValue, lockedRound) and
/// (validValue, validRound).
#[derive(Clone, Debug)]
pub(crate) struct Held<S: Scheme> {
    /// The value, not nil.
    pub(crate) value: Value,
    /// Why.
    pub(crate) polka: Polka<S>,
}

/// A proposal made.
#[derive(Clone, Debug)]
pub(crate) struct OwnProposal<S: Scheme> {
    pub(crate) after: Seq,
    pub(crate) round: View,
    pub(crate) payload: Digest,
    pub(crate) polka: Option<Polka<S>>,
}

/// The promises of a height: exactly what its records say.
///
/// The same [`Self::apply`] runs when a promise is made and when the log is read back, so that a
/// restarted replica knows neither less nor more than one that did not stop.
#[derive(Clone, Debug)]
pub(crate) struct Promises<S: Scheme> {
    pub(crate) proposal: Option<OwnProposal<S>>,
    pub(crate) prevote: Option<(Seq, Vote)>,
    pub(crate) precommit: Option<(Seq, Vote)>,
    /// L36: what it precommitted last, other than nil.
    pub(crate) lock: Option<Held<S>>,
    /// L42: what it proposes when its turn comes. Never older than the lock.
    pub(crate) valid: Option<Held<S>>,
}

impl<S: Scheme> Default for Promises<S> {
    fn default() -> Self {
        Self {
            proposal: None,
            prevote: None,
            precommit: None,
            lock: None,
            valid: None,
        }
    }
}

impl<S: Scheme> Promises<S> {
    /// Takes in a record, at its place in the log.
    ///
    /// # Panics
    ///
    /// If it is a second promise of its kind in a round, or one in an earlier round: the replica
    /// must not go on.
    pub(crate) fn apply(&mut self, after: Seq, record: &Record<S>) {
        match record {
            Record::Proposed {
                round,
                payload,
                polka,
                ..
            } => {
                let last = self.proposal.as_ref().map(|own| own.round);
                assert!(last < Some(*round), "two proposals in round {round}");
                self.proposal = Some(OwnProposal {
                    after,
                    round: *round,
                    payload: *payload,
                    polka: polka.clone(),
                });
            }
            Record::Prevoted(vote) => {
                let last = self.prevote.map(|(_, vote)| vote.round);
                assert!(last < Some(vote.round), "two prevotes: {vote:?}");
                self.prevote = Some((after, *vote));
            }
            Record::Precommitted { vote, polka } => {
                let last = self.precommit.map(|(_, vote)| vote.round);
                assert!(last < Some(vote.round), "two precommits: {vote:?}");
                self.precommit = Some((after, *vote));
                if let Some(polka) = polka {
                    let held = Held {
                        value: vote.value,
                        polka: polka.clone(),
                    };
                    self.lock = Some(held.clone());
                    self.improve_valid(held);
                }
            }
            Record::Valid { value, polka, .. } => self.improve_valid(Held {
                value: *value,
                polka: polka.clone(),
            }),
        }
    }

    /// Holds on to a valid value if its polka is newer than the one held.
    pub(crate) fn improve_valid(&mut self, held: Held<S>) {
        if self.valid_round() < Some(held.polka.round) {
            self.valid = Some(held);
        }
    }

    /// The paper's validRound; `None` for −1.
    pub(crate) fn valid_round(&self) -> Option<View> {
        self.valid.as_ref().map(|held| held.polka.round)
    }

    /// The paper's lockedRound; `None` for −1.
    pub(crate) fn locked_round(&self) -> Option<View> {
        self.lock.as_ref().map(|held| held.polka.round)
    }

    /// Whether the lock, if there is one, is on this value.
    pub(crate) fn is_locked_elsewhere(&self, value: Value) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.value != value)
    }

    /// Where a replica with these promises goes on: the last round in which anything was promised,
    /// at the step after it.
    pub(crate) fn resumes(&self) -> (View, Step) {
        let proposed = self.proposal.as_ref().map(|own| own.round);
        let prevoted = self.prevote.map(|(_, vote)| vote.round);
        let precommitted = self.precommit.map(|(_, vote)| vote.round);
        let Some(last) = proposed.max(prevoted).max(precommitted) else {
            return (View::ZERO, Step::Propose);
        };
        let step = if precommitted == Some(last) {
            Step::Precommit
        } else if prevoted == Some(last) {
            Step::Prevote
        } else {
            Step::Propose
        };
        (last, step)
    }
}
