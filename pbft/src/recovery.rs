//! Restarts.

use crate::body::Body;
use crate::engine::Pbft;
use crate::new_view::NewViewPlan;
use crate::record::Record;
use crate::view_change_body::{NewView, SignedNewView};
use quorate_core::{Digest, Height, Outbox, Recipients, Recovered, Scheme, Seq, Time, View};

impl<S: Scheme> Pbft<S> {
    /// Rebuilds what the records say, and repeats the last promises.
    pub(crate) fn recover(
        &mut self,
        now: Time,
        recovered: Recovered<Self>,
        out: &mut Outbox<Self>,
    ) {
        self.stable = recovered.stable;
        self.decided = self.stable_height();
        if let Some(decision) = recovered.decided {
            self.decided = self.decided.max(decision.height);
        }
        let Some((first, _)) = recovered.records.first() else {
            return;
        };
        // A payload stands right before the record that accepts it.
        let floor = Seq(first.0.saturating_sub(1));
        let mut accepted = Vec::new();
        for (seq, record) in self.planted_memory(recovered.records) {
            self.recover_record(seq, record, floor, &mut accepted);
        }
        if let Some((view_change, _)) = &self.own_view_change {
            self.view = view_change.view;
        }
        self.recover_ballots(now, &accepted);
        self.fetch_accepted(out);
        if let Some((Record::Entered { new_view, .. }, seq)) = &self.entered_at
            && self.primary(new_view.view) == self.setup.me
            && self.is_active()
        {
            out.repeat(*seq, Recipients::All, Body::NewView(new_view.clone()));
        }
        self.repeat_promises(out);
        self.follow_plan(now, out);
    }

    fn recover_record(
        &mut self,
        seq: Seq,
        record: Record<S>,
        floor: Seq,
        accepted: &mut Vec<(View, Height, Digest)>,
    ) {
        let open = |height: Height| height > self.stable_height() && height <= self.high();
        match record {
            Record::Accepted {
                view,
                height,
                digest,
            } => {
                if open(height) {
                    let slot = self.slots.entry(height).or_default();
                    slot.accepted = Some(seq);
                    slot.stored = Some((digest, floor));
                }
                accepted.push((view, height, digest));
            }
            Record::Prepared(prepared) => {
                if open(prepared.height) {
                    let slot = self.slots.entry(prepared.height).or_default();
                    let known = slot.prepared.as_ref().map(|(known, _)| known.view);
                    if known <= Some(prepared.view) {
                        slot.prepared = Some((prepared, seq));
                    }
                }
            }
            Record::ViewChange(view_change) => {
                let known = self.own_view_change.as_ref().map(|(known, _)| known.view);
                if view_change.view > self.view && known <= Some(view_change.view) {
                    self.own_view_change = Some((view_change, seq));
                }
            }
            Record::Entered {
                new_view,
                signature,
            } => {
                self.recover_view(new_view.view, NewViewPlan::nothing(Height::GENESIS));
                if new_view.view == self.entered {
                    self.recover_new_view(seq, new_view, signature);
                }
            }
            Record::InView { view, reproposed } => {
                self.recover_view(view, NewViewPlan::nothing(reproposed));
                if view == self.entered {
                    // Whatever new-view there was before is of an earlier view, or not needed.
                    self.new_view = None;
                    let record = Record::InView { view, reproposed };
                    self.entered_at = Some((record, seq));
                }
            }
        }
    }

    fn recover_view(&mut self, view: View, plan: NewViewPlan) {
        if view < self.entered {
            return;
        }
        if view > self.entered || self.plan.max_s < plan.max_s {
            self.plan = plan;
        }
        self.entered = view;
        self.view = self.view.max(view);
        self.own_view_change
            .take_if(|(view_change, _)| view_change.view <= view);
    }

    fn recover_new_view(
        &mut self,
        seq: Seq,
        new_view: NewView<S>,
        signature: Option<S::Signature>,
    ) {
        self.plan = self.plan_of(&new_view);
        self.new_view = signature.clone().map(|signature| SignedNewView {
            by: self.primary(new_view.view),
            new_view: new_view.clone(),
            signature,
        });
        let record = Record::Entered {
            new_view,
            signature,
        };
        self.entered_at = Some((record, seq));
    }

    /// Takes up the votes of the view that the replica was in.
    fn recover_ballots(&mut self, now: Time, accepted: &[(View, Height, Digest)]) {
        self.next_proposal = self.plan.max_s.next();
        for (view, height, digest) in accepted {
            if *view != self.entered {
                continue;
            }
            self.next_proposal = self.next_proposal.max(height.next());
            if *height <= self.decided && *height > self.plan.max_s {
                continue;
            }
            if let Some(slot) = self.slots.get_mut(height) {
                slot.ballot.proposal = Some((*digest, now));
                slot.ballot.accepted = true;
                slot.ballot.committed = slot
                    .prepared
                    .as_ref()
                    .is_some_and(|(prepared, _)| prepared.view == *view);
            }
        }
    }

    /// Asks for the payloads of what was accepted and is not decided.
    fn fetch_accepted(&mut self, out: &mut Outbox<Self>) {
        let undecided = self.slots.range(self.decided.next()..);
        let proposed = undecided.filter_map(|(height, slot)| {
            let digest = slot.ballot.proposed()?;
            Some((*height, digest))
        });
        let proposed: Vec<_> = proposed.collect();
        for (height, digest) in proposed {
            self.fetch_payload(height, digest, None, out);
        }
    }

    /// Repeats every promise of an undecided slot, so that a cluster that crashed as a whole goes
    /// on.
    fn repeat_promises(&mut self, out: &mut Outbox<Self>) {
        if let Some((view_change, seq)) = &self.own_view_change {
            let body = Body::ViewChange(view_change.clone());
            out.repeat(*seq, Recipients::All, body);
        }
        self.repeat_votes(out);
    }
}

#[cfg(test)]
mod tests;
