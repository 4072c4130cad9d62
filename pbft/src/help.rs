//! Bringing those back who missed a view.

use crate::body::{Body, InView, Lagging};
use crate::engine::Pbft;
use crate::new_view::NewViewPlan;
use crate::record::Record;
use quorate_core::{Outbox, Recipients, ReplicaId, Scheme, Time};

impl<S: Scheme> Pbft<S> {
    /// A replica has fallen behind: it is sent what takes it to the present view, but not more
    /// often than it may ask.
    pub(crate) fn on_lagging(
        &mut self,
        now: Time,
        by: ReplicaId,
        lagging: Lagging,
        out: &mut Outbox<Self>,
    ) {
        let pace = self.setup.config.pace();
        let helped = self.helped.get(&by);
        if lagging.view >= self.entered || helped.is_some_and(|last| now.since(*last) < pace / 2) {
            return;
        }
        let body = if self.plan.max_s <= self.stable_height() {
            Body::InView(InView {
                view: self.entered,
                reproposed: self.plan.max_s,
            })
        } else {
            let helps = self.is_helper_of(by);
            let Some(new_view) = self.new_view.as_ref().filter(|_| helps) else {
                return;
            };
            Body::NewViewCopy(new_view.clone())
        };
        self.helped.insert(by, now);
        out.send(Recipients::One(by), body);
    }

    /// A replica says which view it is in. Once more than F power says the same, a correct one has
    /// entered that view by a valid new-view, and whoever has decided all that it proposed again
    /// can do as that one does.
    pub(crate) fn on_in_view(
        &mut self,
        now: Time,
        by: ReplicaId,
        report: InView,
        out: &mut Outbox<Self>,
    ) {
        if report.view <= self.entered {
            return;
        }
        self.reports.insert(by, report);
        let agree = self.reports.iter().filter(|(_, other)| **other == report);
        let power: u64 = agree.map(|(by, _)| self.setup.validators.power(*by)).sum();
        if power < self.weak() {
            return;
        }
        if self.decided < report.reproposed {
            return out.fetch(self.decided.next());
        }
        let InView { view, reproposed } = report;
        self.entered_at = None;
        if view >= self.view {
            let record = Record::InView { view, reproposed };
            let seq = out.persist(record.clone());
            self.entered_at = Some((record, seq));
        }
        self.new_view = None;
        self.enter(now, view, NewViewPlan::nothing(reproposed), out);
    }

    /// Whether it is for this replica to help another: for the primary, and for those that follow
    /// the other in the order of replicas, until their power exceeds F. One of them is correct,
    /// and the rest need not send the same.
    pub(crate) fn is_helper_of(&self, other: ReplicaId) -> bool {
        let me = self.setup.me;
        if me == other {
            return false;
        }
        if me == self.primary(self.entered) {
            return true;
        }
        let validators = &self.setup.validators;
        let after = validators.ids().filter(|id| *id > other);
        let before = validators.ids().filter(|id| *id < other);
        let mut power = 0;
        for id in after.chain(before) {
            if power >= self.weak() {
                return false;
            }
            if id == me {
                return true;
            }
            power += validators.power(id);
        }
        false
    }
}
