//! Lost messages, missed decisions, and checkpoints.

use crate::body::{Body, Lagging, PrePrepare, Vote};
use crate::engine::Pbft;
use crate::record::Record;
use quorate_core::{Checkpoint, Decision, Height, Outbox, Recipients, Scheme, Seq, Time, Verified};
use std::sync::Arc;

impl<S: Scheme> Pbft<S> {
    /// What is due.
    pub(crate) fn on_tick(&mut self, now: Time, out: &mut Outbox<Self>) {
        let due = |deadline: Option<Time>| deadline.is_some_and(|at| at <= now);
        if due(self.request_deadline()) || due(self.new_view_deadline) {
            self.start_view_change(self.view.next(), now, out);
        }
        if due(self.repeat_at) {
            self.repeat_at = None;
            self.repeat(out);
        }
    }

    /// Whether something should be happening: if nothing does, messages may have been lost.
    pub(crate) fn is_stalled(&self) -> bool {
        !self.is_active() || self.waiting.is_some() || self.is_behind() || self.is_undecided()
    }

    /// Whether something is proposed, or committed by others, that is not decided here. A single
    /// faulty replica cannot make it so, unless it is the primary.
    fn is_undecided(&self) -> bool {
        let mut slots = self.slots.range(self.decided.next()..);
        let weak = self.weak();
        let committed = |power: Option<(_, u64)>| power.is_some_and(|(_, power)| power >= weak);
        slots.any(|(_, slot)| {
            let ballot = &slot.ballot;
            ballot.proposal.is_some()
                || slot.outcome.is_some()
                || committed(ballot.commits.leading())
        })
    }

    /// Whether others, one of them correct, commit in views or at heights that this replica has
    /// not come to.
    fn is_behind(&self) -> bool {
        let ahead = self.early.keys();
        let power: u64 = ahead.map(|by| self.setup.validators.power(*by)).sum();
        power >= self.weak()
            || self.decided < self.plan.min_s
            || self.decided < self.stable_height()
    }

    /// Repeats the last promises, as they were, and asks for what may have been missed.
    pub(crate) fn repeat(&mut self, out: &mut Outbox<Self>) {
        if let Some((view_change, seq)) = &self.own_view_change {
            let body = Body::ViewChange(view_change.clone());
            out.repeat(*seq, Recipients::All, body);
        }
        self.repeat_votes(out);
        if !self.is_active() || self.is_behind() {
            let body = Body::Lagging(Lagging {
                view: self.entered,
                height: self.decided,
            });
            out.send(Recipients::All, body);
        }
        out.fetch(self.decided.next());
    }

    /// Repeats the votes in the oldest undecided slots, no more of them than a primary has in
    /// flight.
    pub(crate) fn repeat_votes(&mut self, out: &mut Outbox<Self>) {
        if !self.is_active() {
            return;
        }
        let view = self.view;
        let leads = self.primary(view) == self.setup.me;
        let most = usize::try_from(self.setup.config.in_flight).unwrap_or(usize::MAX);
        let undecided = self.slots.range(self.decided.next()..);
        for (height, slot) in undecided.take(most) {
            let Some(digest) = slot.ballot.proposed() else {
                continue;
            };
            let vote = Vote {
                view,
                height: *height,
                digest,
            };
            let proposes = leads && *height > self.plan.max_s;
            let prepare = if proposes {
                // Without the payload, after a restart, it is being fetched.
                slot.payload(&digest).map(|payload| {
                    Body::PrePrepare(PrePrepare {
                        view,
                        height: *height,
                        payload: payload.clone(),
                    })
                })
            } else {
                Some(Body::Prepare(vote))
            };
            if let (true, Some(seq), Some(body)) = (slot.ballot.accepted, slot.accepted, prepare) {
                out.repeat(seq, Recipients::All, body);
            }
            if let (true, Some((_, seq))) = (slot.ballot.committed, &slot.prepared) {
                out.repeat(*seq, Recipients::All, Body::Commit(vote));
            }
        }
    }

    /// Remembers that a replica commits where this one has not come to: one such vote of each.
    pub(crate) fn note_early(&mut self, vote: &Vote, message: Verified<Self>) {
        let place = |vote: &Vote| (vote.view, vote.height);
        let known = self.early.get(&message.by()).map(Verified::body);
        let newer = match known {
            Some(Body::Commit(known)) => place(known) < place(vote),
            _ => true,
        };
        if newer {
            self.early.insert(message.by(), message);
        }
    }

    /// Counts the early commits that are early no more.
    pub(crate) fn replay_early(&mut self, now: Time, out: &mut Outbox<Self>) {
        for (_, message) in std::mem::take(&mut self.early) {
            if let Body::Commit(vote) = message.body() {
                self.on_commit(now, *vote, message, out);
            }
        }
    }

    /// A decision made without us.
    pub(crate) fn on_learned(
        &mut self,
        now: Time,
        decision: Decision<Self>,
        out: &mut Outbox<Self>,
    ) {
        if decision.height <= self.decided {
            return;
        }
        // Whoever learns has been away, and cannot hold that against the primary.
        self.patient_since = now;
        if decision.height == self.decided.next() {
            self.commit(decision, out);
        } else if decision.height <= self.high() {
            let slot = self.slots.entry(decision.height).or_default();
            slot.outcome.get_or_insert(decision);
        }
    }

    /// The block store has what is decided up to a height.
    pub(crate) fn on_executed(&mut self, height: Height) {
        self.executed = self.executed.max(height.min(self.decided));
        for (_, slot) in self.slots.range_mut(..=self.executed) {
            slot.forget_payloads();
        }
    }

    /// State transfer has moved the application.
    pub(crate) fn on_installed(&mut self, now: Time, decision: &Decision<Self>) {
        if decision.height <= self.decided {
            return;
        }
        self.decided = decision.height;
        self.executed = self.executed.max(decision.height);
        self.patient_since = now;
        self.repeat_at = None;
        for (_, slot) in self.slots.range_mut(..=decision.height) {
            slot.outcome = None;
        }
        if let Some(slot) = self.slots.get_mut(&decision.height) {
            slot.decided = Some(*decision.payload.digest());
        }
    }

    /// The watermarks move: everything at or below the checkpoint is forgotten.
    pub(crate) fn on_stable(
        &mut self,
        now: Time,
        stable: Arc<Checkpoint<S>>,
        out: &mut Outbox<Self>,
    ) {
        let height = stable.claim.height;
        if height <= self.stable_height() {
            return;
        }
        self.stable = Some(stable);
        self.decided = self.decided.max(height);
        self.executed = self.executed.max(height);
        self.slots = self.slots.split_off(&height.next());
        if self.plan.max_s <= height {
            // From now on, reports tell laggards as much.
            self.new_view = None;
        }
        self.checks.retain(|_, (checked, _)| *checked > height);
        self.follow_plan(now, out);
        self.replay_early(now, out);
        self.prune(out);
    }

    /// Writes what must stay again, where it is old, and lets the log forget the rest.
    fn prune(&mut self, out: &mut Outbox<Self>) {
        let needed = self.slots.values().filter_map(crate::slot::Slot::oldest);
        let keep = needed.min().unwrap_or(out.last().next());
        if let Some((record, seq)) = self.entered_at.take() {
            self.entered_at = Some(self.rewrite_entered(record, seq, keep, out));
        }
        if let Some((view_change, seq)) = &mut self.own_view_change
            && *seq < keep
        {
            *seq = out.persist(Record::ViewChange(view_change.clone()));
        }
        out.prune(keep);
    }

    /// Writes the record of the present view again if the log is to forget it, or if a shorter one
    /// will do by now.
    fn rewrite_entered(
        &self,
        record: Record<S>,
        seq: Seq,
        keep: Seq,
        out: &mut Outbox<Self>,
    ) -> (Record<S>, Seq) {
        let record = match record {
            Record::Entered { new_view, .. } if self.plan.max_s <= self.stable_height() => {
                Record::InView {
                    view: new_view.view,
                    reproposed: self.plan.max_s,
                }
            }
            record if seq >= keep => return (record, seq),
            record => record,
        };
        let seq = out.persist(record.clone());
        (record, seq)
    }
}
