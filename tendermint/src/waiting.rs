//! Messages for rounds and heights that this replica has not reached.

use crate::Tendermint;
use quorate_core::{Body, Evidence, Kind, Place, ReplicaId, Scheme, ValidatorSet, Verified, View};
use std::collections::BTreeMap;

/// Rounds ahead of its own that a replica keeps of each sender: the newest. A correct sender
/// needs no more, because it is in one round, and soon in the next.
pub(crate) const ROUNDS_PER_SENDER: usize = 2;

type OfSender<S> = BTreeMap<(Place, Kind), Verified<Tendermint<S>>>;

/// Messages that came early, by sender: of each at most [`ROUNDS_PER_SENDER`] rounds, in each at
/// most one proposal and two votes.
#[derive(Debug)]
pub(crate) struct Waiting<S: Scheme>(BTreeMap<ReplicaId, OfSender<S>>);

impl<S: Scheme> Default for Waiting<S> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<S: Scheme> Waiting<S> {
    /// Keeps a message if there is room for its round; a newer round displaces an older one.
    /// Returns evidence if the sender has contradicted itself. The first message stands.
    pub(crate) fn keep(
        &mut self,
        message: Verified<Tendermint<S>>,
    ) -> Option<Box<Evidence<Tendermint<S>>>> {
        let key = (message.body().place(), message.body().kind());
        let kept = self.0.entry(message.by()).or_default();
        if let Some(first) = kept.get(&key) {
            return contradiction(first, message);
        }
        if !kept.keys().any(|(place, _)| *place == key.0) {
            let mut rounds: Vec<_> = kept.keys().map(|(place, _)| *place).collect();
            rounds.dedup();
            if rounds.len() >= ROUNDS_PER_SENDER {
                let oldest = rounds[0];
                if key.0 < oldest {
                    return None;
                }
                kept.retain(|(place, _), _| *place != oldest);
            }
        }
        kept.insert(key, message);
        None
    }

    /// Whether [`Self::keep`] would keep a message of a sender, or convict it.
    pub(crate) fn has_room(&self, by: ReplicaId, body: &crate::Body<S>) -> bool {
        let Some(kept) = self.0.get(&by) else {
            return true;
        };
        let key = (body.place(), body.kind());
        if let Some(first) = kept.get(&key) {
            return first.body().signing().digest != body.signing().digest;
        }
        let mut rounds: Vec<_> = kept.keys().map(|(place, _)| *place).collect();
        rounds.dedup();
        rounds.len() < ROUNDS_PER_SENDER || key.0 >= rounds[0]
    }

    /// The highest round from which validators with a weak quorum of power have spoken, each
    /// counted once whatever it said there.
    pub(crate) fn supported(&self, validators: &ValidatorSet) -> Option<View> {
        let mut power: BTreeMap<View, u64> = BTreeMap::new();
        for (by, kept) in &self.0 {
            let mut rounds: Vec<_> = kept.keys().map(|(place, _)| place.view).collect();
            rounds.dedup();
            for round in rounds {
                *power.entry(round).or_default() += validators.power(*by);
            }
        }
        let weak = validators.quorum().weak();
        let supported = power.iter().rev().find(|(_, power)| **power >= weak);
        supported.map(|(round, _)| *round)
    }

    /// Takes out what is for rounds up to `round`, by sender.
    pub(crate) fn take_until(&mut self, round: View) -> Vec<Verified<Tendermint<S>>> {
        let mut taken = Vec::new();
        for kept in self.0.values_mut() {
            let (due, later) = std::mem::take(kept)
                .into_iter()
                .partition(|((place, _), _)| place.view <= round);
            *kept = later;
            taken.extend(OfSender::<S>::into_values(due));
        }
        self.0.retain(|_, kept| !kept.is_empty());
        taken
    }

    /// Takes out everything, by sender.
    pub(crate) fn take_all(&mut self) -> Vec<Verified<Tendermint<S>>> {
        let all = std::mem::take(&mut self.0);
        all.into_values().flat_map(BTreeMap::into_values).collect()
    }

    /// Whose messages wait.
    pub(crate) fn senders(&self) -> impl Iterator<Item = ReplicaId> {
        self.0.keys().copied()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many messages wait of the sender that has most here.
    pub(crate) fn most(&self) -> usize {
        self.0.values().map(BTreeMap::len).max().unwrap_or(0)
    }
}

/// Evidence, if two messages of one sender for one slot differ in what they say.
pub(crate) fn contradiction<S: Scheme>(
    first: &Verified<Tendermint<S>>,
    second: Verified<Tendermint<S>>,
) -> Option<Box<Evidence<Tendermint<S>>>> {
    let differ = first.signed().signing().digest != second.signed().signing().digest;
    differ.then(|| {
        Box::new(Evidence {
            first: first.signed().clone(),
            second: second.into_signed(),
        })
    })
}
