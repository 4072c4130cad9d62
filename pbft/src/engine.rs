//! The engine's state, and which input goes where.

use crate::body::{Body, InView};
use crate::config::Config;
use crate::new_view::NewViewPlan;
use crate::proof::CommitCertificate;
use crate::record::Record;
use crate::slot::Slot;
use crate::view_change_body::{SignedNewView, ViewChange};
use quorate_core::{
    Added, Checkpoint, Decision, Digest, Height, Input, Outbox, Place, Protocol, Recovered,
    ReplicaId, Scheme, Seq, Setup, SignerSet, Status, Ticket, Time, Triage, Verified, View,
    VoteSet,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The PBFT engine (Castro & Liskov, OSDI '99): a stable primary, three phases all to all, a
/// window of parallel sequence numbers, and view changes with prepared certificates.
///
/// [`Place::height`] is the paper's sequence number n, [`Place::view`] its view v. How the paper's
/// terms map to this engine, and where it deviates, is in `docs/pbft.md`.
pub struct Pbft<S: Scheme> {
    pub(crate) setup: Setup<Self>,
    /// The highest view that this replica has moved to: it votes in no lower one.
    pub(crate) view: View,
    /// The highest view whose new-view this replica has. It votes there if it is [`Self::view`],
    /// and otherwise only follows what the others decide there.
    pub(crate) entered: View,
    /// Since when requests may be held against the primary.
    pub(crate) patient_since: Time,
    /// What the new-view of the entered view proposed again.
    pub(crate) plan: NewViewPlan,
    /// The new-view of the entered view, for whoever lags.
    pub(crate) new_view: Option<SignedNewView<S>>,
    /// The record of having entered it, if there is one that is still needed.
    pub(crate) entered_at: Option<(Record<S>, Seq)>,
    /// This replica's view change for [`Self::view`] while it is not entered, and its record.
    pub(crate) own_view_change: Option<(ViewChange<S>, Seq)>,
    pub(crate) stable: Option<Arc<Checkpoint<S>>>,
    pub(crate) decided: Height,
    pub(crate) executed: Height,
    /// The slots above the stable checkpoint, within the window.
    pub(crate) slots: BTreeMap<Height, Slot<S>>,
    /// The newest view change of each replica, above the entered view.
    pub(crate) view_changes: BTreeMap<ReplicaId, Verified<Self>>,
    /// One commit of each replica that is ahead of this one, by view or by more than the window.
    pub(crate) early: BTreeMap<ReplicaId, Verified<Self>>,
    /// The views above ours that replicas report to be in: one report of each.
    pub(crate) reports: BTreeMap<ReplicaId, InView>,
    /// Payloads that the application is judging, at most one for each slot.
    pub(crate) checks: BTreeMap<Ticket, (Height, Digest)>,
    /// What the mempool was asked to build.
    pub(crate) building: Option<(Ticket, Height)>,
    /// Where the primary proposes next.
    pub(crate) next_proposal: Height,
    next_ticket: Ticket,
    /// Replicas already accused of a contradiction: once is enough.
    pub(crate) accused: SignerSet,
    /// When each replica was last sent a new-view.
    pub(crate) helped: BTreeMap<ReplicaId, Time>,
    /// How often the timeout is doubled.
    pub(crate) failed: u32,
    /// Whether the present view has served for long enough that its end is no failure in a row.
    pub(crate) settled: bool,
    /// Since when the present view has to serve for the timeout to be halved.
    pub(crate) serves_since: Time,
    pub(crate) waiting: Option<Time>,
    /// When to give up on the view that is being changed to.
    pub(crate) new_view_deadline: Option<Time>,
    /// When to repeat the last promises, if nothing happens until then.
    pub(crate) repeat_at: Option<Time>,
}

impl<S: Scheme> fmt::Debug for Pbft<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pbft")
            .field("me", &self.setup.me)
            .field("view", &self.view)
            .field("entered", &self.entered)
            .field("decided", &self.decided)
            .field("stable", &self.stable_height())
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

impl<S: Scheme> Protocol for Pbft<S> {
    const NAME: &'static str = "pbft";
    const ENGINE: u8 = 1;
    const WIRE: u16 = 1;
    const ROTATES: bool = false;

    type Scheme = S;
    type Body = Body<S>;
    type Record = Record<S>;
    type Proof = CommitCertificate<S>;
    type Config = Config;

    fn start(
        setup: Setup<Self>,
        recovered: Recovered<Self>,
        now: Time,
        out: &mut Outbox<Self>,
    ) -> Self {
        let mut engine = Self::fresh(setup, now);
        engine.recover(now, recovered, out);
        engine.settle(now, out);
        engine
    }

    fn step(&mut self, now: Time, input: Input<Self>, out: &mut Outbox<Self>) {
        match input {
            Input::Message(message) => self.on_message(now, message, out),
            Input::Tick => self.on_tick(now, out),
            Input::Waiting(waiting) => self.waiting = waiting,
            Input::Built(ticket, payload) => self.on_built(now, ticket, payload, out),
            Input::Checked(ticket, accepted) => self.on_checked(ticket, accepted, out),
            Input::Payload(payload) => self.on_payload(&payload, out),
            Input::Learned(decision) => self.on_learned(now, decision, out),
            Input::Executed(height) => self.on_executed(height),
            Input::Stable(stable) => self.on_stable(now, stable, out),
            Input::Installed(decision) => self.on_installed(now, &decision),
            // `Input` may grow; what this engine does not know does not concern it.
            _ => {}
        }
        self.settle(now, out);
    }

    fn triage(&self, by: ReplicaId, body: &Self::Body) -> Triage {
        self.judge_unchecked(by, body)
    }

    fn deadline(&self) -> Option<Time> {
        let deadlines = [
            self.request_deadline(),
            self.new_view_deadline,
            self.repeat_at,
        ];
        deadlines.into_iter().flatten().min()
    }

    fn status(&self) -> Status {
        let deadline = self.deadline();
        let waiting_for = if deadline.is_none() {
            "nothing"
        } else if deadline == self.new_view_deadline {
            "the new view"
        } else if deadline == self.request_deadline() {
            "the primary to have requests decided"
        } else if self.is_active() {
            "messages, before repeating the last ones"
        } else {
            "others to change the view, before repeating"
        };
        Status {
            place: Place::new(self.decided.next(), self.view),
            leader: self.primary(self.view),
            decided: self.decided,
            waiting_for,
        }
    }
}

impl<S: Scheme> Pbft<S> {
    fn fresh(setup: Setup<Self>, now: Time) -> Self {
        let config = &setup.config;
        assert!(
            config.window >= 4,
            "a window of {} heights has no room",
            config.window
        );
        assert!(
            config.in_flight >= 1,
            "a primary must have at least one proposal"
        );
        Self {
            accused: SignerSet::empty(setup.validators.len()),
            setup,
            view: View::ZERO,
            entered: View::ZERO,
            patient_since: now,
            plan: NewViewPlan::nothing(Height::GENESIS),
            new_view: None,
            entered_at: None,
            own_view_change: None,
            stable: None,
            decided: Height::GENESIS,
            executed: Height::GENESIS,
            slots: BTreeMap::new(),
            view_changes: BTreeMap::new(),
            early: BTreeMap::new(),
            reports: BTreeMap::new(),
            checks: BTreeMap::new(),
            building: None,
            next_proposal: Height(1),
            next_ticket: Ticket(0),
            helped: BTreeMap::new(),
            failed: 0,
            settled: true,
            serves_since: now,
            waiting: None,
            new_view_deadline: None,
            repeat_at: None,
        }
    }

    fn on_message(&mut self, now: Time, message: Verified<Self>, out: &mut Outbox<Self>) {
        match message.body() {
            Body::PrePrepare(_) => self.on_pre_prepare(now, message, out),
            Body::Prepare(vote) => self.on_prepare(*vote, message, out),
            Body::Commit(vote) => self.on_commit(now, *vote, message, out),
            Body::ViewChange(_) => self.on_view_change(now, message, out),
            Body::NewView(_) => self.on_new_view_message(now, message, out),
            Body::Lagging(lagging) => self.on_lagging(now, message.by(), *lagging, out),
            Body::InView(report) => self.on_in_view(now, message.by(), *report, out),
            Body::NewViewCopy(copy) => self.on_new_view(now, copy.clone(), out),
        }
    }

    /// Does what follows from the state, whatever the input was.
    fn settle(&mut self, now: Time, out: &mut Outbox<Self>) {
        self.deliver(now, out);
        self.build(out);
        if self.is_stalled() {
            let at = if self.is_active() {
                self.repeat_time(now)
            } else {
                now.after(self.setup.config.pace())
            };
            self.repeat_at.get_or_insert(at);
        } else {
            self.repeat_at = None;
        }
    }

    /// Whether this replica votes: it has entered the view that it moved to.
    pub(crate) fn is_active(&self) -> bool {
        self.entered == self.view
    }

    pub(crate) fn primary(&self, view: View) -> ReplicaId {
        let place = Place::new(Height::GENESIS, view);
        self.setup.leaders.leader(place)
    }

    /// The low watermark h.
    pub(crate) fn stable_height(&self) -> Height {
        self.stable
            .as_ref()
            .map_or(Height::GENESIS, |stable| stable.claim.height)
    }

    /// The high watermark h + L.
    pub(crate) fn high(&self) -> Height {
        Height(
            self.stable_height()
                .0
                .saturating_add(self.setup.config.window),
        )
    }

    /// Whether votes at this height, in the entered view, can still matter to somebody.
    pub(crate) fn is_open(&self, height: Height) -> bool {
        let undecided = height > self.decided || height <= self.plan.max_s;
        undecided && height > self.stable_height() && height <= self.high()
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        self.next_ticket = Ticket(self.next_ticket.0 + 1);
        self.next_ticket
    }

    pub(crate) fn quorum(&self) -> u64 {
        self.setup.validators.quorum().quorum()
    }

    pub(crate) fn weak(&self) -> u64 {
        self.setup.validators.quorum().weak()
    }

    /// Everybody.
    pub(crate) fn everyone(&self) -> SignerSet {
        let mut everyone = SignerSet::empty(self.setup.validators.len());
        for id in self.setup.validators.ids() {
            everyone.insert(id);
        }
        everyone
    }

    /// Counts a vote, or accuses its author. Says whether it counts.
    pub(crate) fn count(
        setup: &Setup<Self>,
        accused: &mut SignerSet,
        votes: &mut VoteSet<Self>,
        vote: Verified<Self>,
        out: &mut Outbox<Self>,
    ) -> bool {
        match votes.add(&setup.validators, vote) {
            Added::Counted(_) => true,
            Added::Duplicate => false,
            Added::Conflict(evidence) => {
                if accused.insert(evidence.first.by) {
                    out.accuse(evidence);
                }
                false
            }
        }
    }

    /// Hands on a decision: the next one.
    pub(crate) fn commit(&mut self, decision: Decision<Self>, out: &mut Outbox<Self>) {
        assert_eq!(
            decision.height,
            self.decided.next(),
            "decisions go out in order"
        );
        self.decided = decision.height;
        let digest = *decision.payload.digest();
        let done = self.decided > self.plan.max_s;
        if let Some(slot) = self.slots.get_mut(&decision.height) {
            slot.decided = Some(digest);
            slot.outcome = None;
            slot.keep(&decision.payload);
            if done {
                slot.enter(None);
            }
        }
        self.repeat_at = None;
        out.commit(decision);
    }
}
