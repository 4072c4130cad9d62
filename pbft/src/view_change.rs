//! View changes (OSDI '99, section 4.4).

use crate::body::Body;
use crate::engine::Pbft;
use crate::new_view::{NewViewPlan, compute};
use crate::record::Record;
use crate::view_change_body::{NewView, SignedNewView, SignedViewChange, ViewChange};
use quorate_core::{
    Evidence, Fault, Note, Outbox, Payload, Recipients, Scheme, Time, Verified, View,
};

impl<S: Scheme> Pbft<S> {
    /// When to give up on the primary of the view that this replica is in.
    ///
    /// The timer belongs to the oldest request that waits here, or to the oldest proposal that is
    /// undecided: progress with other requests does not reset it, so a primary cannot starve one.
    /// It never starts before the view was entered, so no view begins expired.
    pub(crate) fn request_deadline(&self) -> Option<Time> {
        if !self.is_active() {
            return None;
        }
        let proposed = self.slots.range(self.decided.next()..);
        let proposed = proposed.filter_map(|(_, slot)| slot.ballot.proposal);
        let oldest = proposed.map(|(_, since)| since).min();
        let since = [oldest, self.waiting].into_iter().flatten().min()?;
        let since = since.max(self.patient_since);
        Some(since.after(self.setup.config.timeout(self.failed)))
    }

    /// Gives up on all views below `view`.
    pub(crate) fn start_view_change(&mut self, view: View, now: Time, out: &mut Outbox<Self>) {
        assert!(view > self.view, "views only grow");
        out.note(Note::TimedOut(self.decided.next(), self.view));
        if !self.settled {
            self.failed = self.setup.config.after_failure(self.failed);
        }
        self.settled = false;
        self.view = view;
        self.checks.clear();
        self.building = None;
        self.new_view_deadline = None;
        self.repeat_at = None;
        let prepared = self.slots.values();
        let prepared = prepared.filter_map(|slot| slot.prepared.as_ref());
        let view_change = ViewChange {
            view,
            stable: self.stable.as_deref().cloned(),
            prepared: prepared.map(|(prepared, _)| prepared.clone()).collect(),
        };
        let record = Record::ViewChange(view_change.clone());
        let body = Body::ViewChange(view_change.clone());
        let seq = out.promise(record, Recipients::All, body);
        self.own_view_change = Some((view_change, seq));
        self.count_view_changes(now, out);
    }

    /// The view has decided a request. If it has done so for a while, the timeout is halved; if it
    /// is not doubled any more, the view's end will be no failure in a row.
    ///
    /// Not at the first decision: where the timeout is too short for the network or the machines,
    /// a view serves a few requests before it is given up too, and the cluster would spend its
    /// time changing views. For the same reason a view that ends soon after a halving has failed.
    pub(crate) fn note_service(&mut self, now: Time) {
        let config = &self.setup.config;
        if now < self.serves_since.after(config.settling(self.failed)) {
            return;
        }
        self.serves_since = now;
        match self.failed.checked_sub(1) {
            None => self.settled = true,
            Some(fewer) => {
                self.failed = fewer;
                // What waits has been promised the longer time.
                self.patient_since = now;
            }
        }
    }

    /// When to repeat the last votes if nothing is decided until then: after
    /// [`crate::Config::patience`], or sooner, if the oldest request is nearer to its deadline, so
    /// that an answer may come before it. But not so soon that a busy cluster repeats all the time.
    pub(crate) fn repeat_time(&self, now: Time) -> Time {
        let config = &self.setup.config;
        let (least, most) = (config.patience() / 4, config.patience());
        let left = self.request_deadline().map(|at| at.since(now));
        let soon = left.map_or(most, |left| left / 4 * 3);
        now.after(soon.clamp(least, most))
    }

    /// A view change of another replica, or the copy of our own.
    pub(crate) fn on_view_change(
        &mut self,
        now: Time,
        message: Verified<Self>,
        out: &mut Outbox<Self>,
    ) {
        let Body::ViewChange(view_change) = message.body() else {
            unreachable!("the caller has looked");
        };
        let by = message.by();
        if let Err(fault) = view_change.check(self.setup.config.window) {
            return out.blame(by, fault);
        }
        if view_change.view <= self.entered {
            return;
        }
        if let Some(known) = self.view_changes.get(&by) {
            let same_view = known.body().view_change_view() == Some(view_change.view);
            let same = known.signed().signing().digest == message.signed().signing().digest;
            if same_view && !same && self.accused.insert(by) {
                out.accuse(Box::new(Evidence {
                    first: known.signed().clone(),
                    second: message.signed().clone(),
                }));
            }
            if known.body().view_change_view() >= Some(view_change.view) {
                return;
            }
        }
        self.view_changes.insert(by, message);
        self.join(now, out);
        self.count_view_changes(now, out);
    }

    /// Joins others: moves to the highest view such that more than F power is there or above, if
    /// that is higher than ours.
    ///
    /// One of them is correct, so some correct replica has given up on our view. (The paper takes
    /// the smallest view above ours that any of them names, which a faulty one may choose.)
    fn join(&mut self, now: Time, out: &mut Outbox<Self>) {
        let ahead = self.view_changes.iter().filter_map(|(by, message)| {
            let view = message.body().view_change_view()?;
            (view > self.view).then_some((view, self.setup.validators.power(*by)))
        });
        let mut ahead: Vec<_> = ahead.collect();
        ahead.sort_by_key(|(view, _)| std::cmp::Reverse(*view));
        let mut power = 0;
        for (view, own) in ahead {
            power += own;
            if power >= self.weak() {
                return self.start_view_change(view, now, out);
            }
        }
    }

    /// Starts the new-view timer once a quorum has come as far as this replica, and opens the view
    /// if this is its primary.
    fn count_view_changes(&mut self, now: Time, out: &mut Outbox<Self>) {
        if self.is_active() {
            return;
        }
        let validators = &self.setup.validators;
        let power = |wanted: &dyn Fn(View) -> bool| -> u64 {
            let views = self.view_changes.iter();
            let there = views.filter(|(_, it)| it.body().view_change_view().is_some_and(wanted));
            there.map(|(by, _)| validators.power(*by)).sum()
        };
        // Those who are further count too: they have left this view, so it will not open.
        let arrived = power(&|view| view >= self.view) >= self.quorum();
        let exact = power(&|view| view == self.view) >= self.quorum();
        if arrived && self.new_view_deadline.is_none() {
            let timeout = self.setup.config.timeout(self.failed);
            self.new_view_deadline = Some(now.after(timeout));
        }
        if exact && self.primary(self.view) == self.setup.me {
            self.open_view(now, out);
        }
    }

    /// Opens a view as its primary.
    fn open_view(&mut self, now: Time, out: &mut Outbox<Self>) {
        let (mut power, mut view_changes) = (0, Vec::new());
        for (by, message) in &self.view_changes {
            let Body::ViewChange(view_change) = message.body() else {
                unreachable!("only view changes are kept here");
            };
            if view_change.view == self.view && power < self.quorum() {
                power += self.setup.validators.power(*by);
                view_changes.push(SignedViewChange {
                    by: *by,
                    view_change: view_change.clone(),
                    signature: message.signature().clone(),
                });
            }
        }
        let new_view = NewView {
            view: self.view,
            view_changes,
        };
        let record = Record::Entered {
            new_view: new_view.clone(),
            signature: None,
        };
        let body = Body::NewView(new_view.clone());
        let seq = out.promise(record.clone(), Recipients::All, body);
        self.entered_at = Some((record, seq));
        // The signed copy comes back, and is kept then.
        self.new_view = None;
        let plan = self.plan_of(&new_view);
        self.enter(now, new_view.view, plan, out);
    }

    /// What a new view proposes again, as its primary and its backups compute it.
    pub(crate) fn plan_of(&self, new_view: &NewView<S>) -> NewViewPlan {
        let plan = compute(new_view.view_changes.iter().map(|it| &it.view_change));
        self.planted_plan(plan)
    }

    /// A new-view from its primary.
    pub(crate) fn on_new_view_message(
        &mut self,
        now: Time,
        message: Verified<Self>,
        out: &mut Outbox<Self>,
    ) {
        let signed = message.into_signed();
        if let Body::NewView(new_view) = signed.body {
            let signed = SignedNewView {
                by: signed.by,
                new_view,
                signature: signed.signature,
            };
            self.on_new_view(now, signed, out);
        }
    }

    /// A new-view, whoever brought it.
    pub(crate) fn on_new_view(
        &mut self,
        now: Time,
        signed: SignedNewView<S>,
        out: &mut Outbox<Self>,
    ) {
        let (by, view) = (signed.by, signed.new_view.view);
        if view == View::ZERO || by != self.primary(view) {
            return out.blame(by, Fault::NotLeader);
        }
        if view <= self.entered {
            return self.compare_new_view(signed, out);
        }
        let window = self.setup.config.window;
        if let Err(fault) = signed.new_view.check(&self.setup.validators, window) {
            out.blame(by, fault);
            if view == self.view {
                self.start_view_change(view.next(), now, out);
            }
            return;
        }
        // Without a promise of our own there, it binds us to nothing and needs no record.
        if view >= self.view {
            let record = Record::Entered {
                new_view: signed.new_view.clone(),
                signature: Some(signed.signature.clone()),
            };
            let seq = out.persist(record.clone());
            self.entered_at = Some((record, seq));
        } else {
            self.entered_at = None;
        }
        let new_view = signed.new_view.clone();
        self.new_view = Some(signed);
        let plan = self.plan_of(&new_view);
        self.enter(now, new_view.view, plan, out);
    }

    /// A second new-view for the view that was entered: the copy of our own, the same again, or a
    /// contradiction.
    fn compare_new_view(&mut self, signed: SignedNewView<S>, out: &mut Outbox<Self>) {
        if signed.new_view.view != self.entered {
            return;
        }
        let by = signed.by;
        let Some(first) = &self.new_view else {
            if by == self.setup.me && self.plan.max_s > self.stable_height() {
                self.new_view = Some(signed);
            }
            return;
        };
        if first.new_view.signing() != signed.new_view.signing() && self.accused.insert(by) {
            out.accuse(Box::new(Evidence {
                first: first.clone().into_signed(),
                second: signed.into_signed(),
            }));
        }
    }

    /// Enters a view: every slot starts over, with what the view changes say.
    pub(crate) fn enter(
        &mut self,
        now: Time,
        view: View,
        plan: NewViewPlan,
        out: &mut Outbox<Self>,
    ) {
        self.entered = view;
        if view > self.view {
            // Others have brought us here. What the view before did says nothing about this one.
            self.view = view;
            self.settled = false;
        }
        if self.is_active() {
            self.own_view_change = None;
            self.new_view_deadline = None;
            self.patient_since = now;
            self.serves_since = now;
        }
        self.repeat_at = None;
        self.checks.clear();
        self.building = None;
        self.view_changes.retain(|_, message| {
            let of = message.body().view_change_view();
            of > Some(view)
        });
        self.reports.retain(|_, report| report.view > view);
        self.plan = plan;
        self.next_proposal = self.plan.max_s.next();
        for (height, slot) in &mut self.slots {
            slot.enter(self.plan.at(*height).map(|planned| (planned.digest, now)));
        }
        out.note(Note::Entered(self.decided.next(), view));
        if self.decided < self.plan.min_s {
            out.fetch(self.decided.next());
        }
        self.follow_plan(now, out);
        self.replay_early(now, out);
    }

    /// Takes up what the new-view proposes again, where the window allows and it has not been
    /// taken up yet.
    pub(crate) fn follow_plan(&mut self, now: Time, out: &mut Outbox<Self>) {
        let (low, high) = (self.stable_height(), self.high());
        let planned = self.plan.slots.iter();
        let planned = planned.filter(|it| it.height > low && it.height <= high);
        let planned: Vec<_> = planned.map(|it| (it.height, it.digest)).collect();
        let empty = Payload::empty();
        for (height, digest) in planned {
            let slot = self.slots.entry(height).or_default();
            slot.ballot.proposal.get_or_insert((digest, now));
            slot.keep(&empty);
            self.accept(height, out);
        }
    }
}

impl<S: Scheme> Body<S> {
    /// The view that a view change moves to; `None` for other messages.
    pub(crate) const fn view_change_view(&self) -> Option<View> {
        match self {
            Self::ViewChange(view_change) => Some(view_change.view),
            _ => None,
        }
    }
}
