//! What a replica does when nothing happens: it may be that it has not heard.

use super::{Action, Driver};
use crate::Service;
use quorate_core::{CheckpointClaim, Destination, Height, Protocol, ReplicaId, Scheme, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// For how many checkpoints this replica's votes are kept, and made again after a restart.
pub(super) const CHECKPOINTS_KEPT: usize = 8;

/// A beat that goes on while a replica runs.
///
/// At a beat without a decision since the last one, the replica asks one peer, in turn, for the
/// next decision. (An idle cluster with a stable leader says nothing at all, so that a replica that
/// was cut off would not notice.) And a checkpoint vote that was not enough yet is said again.
#[derive(Debug)]
pub(super) struct Beat<S: Scheme> {
    interval: Duration,
    next: Time,
    /// What was decided at the last beat.
    decided: Height,
    /// The checkpoint that was not stable at the last beat.
    unstable: Option<Height>,
    /// This replica's own newest votes, for those who lack them.
    votes: BTreeMap<Height, (CheckpointClaim, S::Signature)>,
    /// When each replica may be answered again: no two replicas keep answering each other.
    answer_from: Vec<Time>,
}

impl<S: Scheme> Beat<S> {
    /// The first beat comes after an interval.
    pub(super) fn new(now: Time, interval: Duration, replicas: usize) -> Self {
        Self {
            interval,
            next: now.after(interval),
            decided: Height::GENESIS,
            unstable: None,
            votes: BTreeMap::new(),
            answer_from: vec![Time::ZERO; replicas],
        }
    }

    /// When the next beat is.
    pub(super) const fn deadline(&self) -> Time {
        self.next
    }

    /// Keeps a vote of this replica.
    pub(super) fn voted(&mut self, claim: CheckpointClaim, signature: S::Signature) {
        self.votes.insert(claim.height, (claim, signature));
        while self.votes.len() > CHECKPOINTS_KEPT {
            self.votes.pop_first();
        }
    }

    /// What to say to a replica that says its vote at a height again.
    fn answer(
        &mut self,
        now: Time,
        to: ReplicaId,
        height: Height,
    ) -> Option<(CheckpointClaim, S::Signature)> {
        let vote = self.votes.get(&height)?;
        let from = self.answer_from.get_mut(to.index())?;
        if now < *from {
            return None;
        }
        *from = now.after(self.interval);
        Some(vote.clone())
    }
}

impl<P: Protocol> Driver<P> {
    /// The beat, if it is time for it.
    pub(super) fn beat(&mut self, now: Time) {
        if now < self.beat.next {
            return;
        }
        self.beat.next = now.after(self.beat.interval);
        let decided = self.status.decided;
        let missed = std::mem::replace(&mut self.beat.decided, decided) == decided;
        if missed && let Some(peer) = self.fetcher.poll(decided.next()) {
            let question = Service::FetchDecisions(decided.next());
            self.actions
                .push(Action::SendService(Destination::One(peer), question));
        }
        let unstable = self.checkpoints.unstable();
        let height = unstable.map(|(claim, _)| claim.height);
        if let Some((claim, signature)) = unstable
            && self.beat.unstable == height
            && !self.mute
        {
            let vote = Service::Checkpoint(claim, signature.clone());
            self.actions
                .push(Action::SendService(Destination::Others, vote));
        }
        self.beat.unstable = height;
    }

    /// A vote that says nothing new. Its author may lack votes that we have had, and ours may be
    /// one of them.
    pub(super) fn repeated_vote(&mut self, now: Time, from: ReplicaId, height: Height) {
        if self.mute {
            return;
        }
        if let Some((claim, signature)) = self.beat.answer(now, from, height) {
            let vote = Service::Checkpoint(claim, signature);
            self.actions
                .push(Action::SendService(Destination::One(from), vote));
        }
    }
}
