//! The engine's state, and what goes where.

use crate::fetch::Fetcher;
use crate::pacemaker::Pacemaker;
use crate::propose::Proposer;
use crate::safety::Safety;
use crate::tally::Tally;
use crate::timeout::Timeouts;
use crate::tree::Tree;
use crate::vote::{LastVote, Promises};
use crate::{
    Body, Certificate, CommitRule, Config, Proof, Record, Timeout, TimeoutCertificate, triage,
};
use quorate_core::{
    Digest, Height, Input, Outbox, Place, Protocol, Recovered, ReplicaId, Scheme, Seq, Setup,
    Signed, Status, Ticket, Time, Triage, Verified, View,
};
use std::collections::BTreeMap;
use std::fmt;

/// Votes and timeouts are kept for so many views ahead of the current one, and no further.
/// Certificates are taken from any view.
pub(crate) const WINDOW: u64 = 64;

/// Votes are kept for so many views below the current one. A late timeout of the view before may
/// carry a vote of the view before that.
pub(crate) const VOTES_KEPT: u64 = 2;

/// Signed proposals are kept for so many views below the current one, as half of evidence.
pub(crate) const PROPOSALS_KEPT: u64 = 8;

/// The chained HotStuff engine, with votes checked by `S` and blocks decided by `R`.
pub struct HotStuff<S: Scheme, R: CommitRule> {
    pub(crate) setup: Setup<Self>,
    pub(crate) genesis: Digest,
    pub(crate) tree: Tree<S>,
    pub(crate) safety: Safety,
    pub(crate) high_qc: Certificate<S>,
    /// The certificate of timeouts with the highest view.
    pub(crate) high_tc: Option<TimeoutCertificate<S>>,
    /// The certificate that commits the highest block, until that block is decided here.
    pub(crate) committing: Option<Certificate<S>>,
    pub(crate) tally: Tally<S>,
    pub(crate) timeouts: Timeouts<S>,
    pub(crate) pacemaker: Pacemaker,
    pub(crate) proposer: Proposer,
    /// The block that the application checks before we vote for it.
    pub(crate) checking: Option<(Ticket, Digest)>,
    pub(crate) next_ticket: Ticket,
    /// The first proposal of each leader, by view.
    pub(crate) proposals: BTreeMap<View, Signed<Self>>,
    pub(crate) fetcher: Fetcher,
    pub(crate) last_vote: Option<LastVote<S>>,
    /// The timeout said last, to be repeated as it was.
    pub(crate) last_timeout: Option<(Seq, Timeout<S>)>,
    pub(crate) promises: Promises,
}

impl<S: Scheme, R: CommitRule> fmt::Debug for HotStuff<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(R::NAME)
            .field("me", &self.setup.me)
            .field("view", &self.pacemaker.view)
            .field("high_qc", &self.high_qc.vote)
            .field("safety", &self.safety)
            .field("decided", &self.tree.height())
            .finish_non_exhaustive()
    }
}

impl<S: Scheme, R: CommitRule> HotStuff<S, R> {
    pub(crate) fn leader(&self, view: View) -> ReplicaId {
        let place = Place::new(Height::GENESIS, view);
        self.setup.leaders.leader(place)
    }

    pub(crate) fn leads(&self, view: View) -> bool {
        self.leader(view) == self.setup.me
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.setup.config
    }

    /// The view the engine is in.
    #[must_use]
    pub const fn view(&self) -> View {
        self.pacemaker.view
    }

    /// View of the block that the engine is locked on.
    #[must_use]
    pub const fn locked(&self) -> View {
        self.safety.lock().view
    }

    /// View of the highest certificate the engine has.
    #[must_use]
    pub const fn certified(&self) -> View {
        self.high_qc.view()
    }

    pub(crate) fn take_ticket(&mut self) -> Ticket {
        self.next_ticket = Ticket(self.next_ticket.0 + 1);
        self.next_ticket
    }

    fn on_message(&mut self, now: Time, message: Verified<Self>, out: &mut Outbox<Self>) {
        let by = message.by();
        match message.body() {
            Body::Proposal(_) => self.on_proposal(now, message, out),
            Body::Vote(_) => self.on_vote(now, message, out),
            Body::Timeout(_) => self.on_timeout(now, message, out),
            Body::Advance(advance) => self.on_advance(now, by, advance, out),
            Body::BlockRequest(request) => self.on_block_request(now, by, *request, out),
            Body::Blocks(blocks) => self.on_blocks(now, by, blocks, out),
        }
    }
}

impl<S: Scheme, R: CommitRule> Protocol for HotStuff<S, R> {
    const NAME: &'static str = R::NAME;
    const ENGINE: u8 = R::ENGINE;
    const WIRE: u16 = 1;
    const ROTATES: bool = true;

    type Scheme = S;
    type Body = Body<S>;
    type Record = Record<S>;
    type Proof = Proof<S>;
    type Config = Config;

    fn start(
        setup: Setup<Self>,
        recovered: Recovered<Self>,
        now: Time,
        out: &mut Outbox<Self>,
    ) -> Self {
        Self::recover(setup, recovered, now, out)
    }

    fn step(&mut self, now: Time, input: Input<Self>, out: &mut Outbox<Self>) {
        match input {
            Input::Message(message) => self.on_message(now, message, out),
            Input::Tick => self.on_tick(now, out),
            Input::Built(ticket, payload) => self.on_built(now, ticket, payload, out),
            Input::Checked(ticket, accepted) => self.on_checked(ticket, accepted, out),
            Input::Payload(payload) => self.on_payload(now, &payload, out),
            Input::Learned(decision) => self.on_learned(now, decision, out),
            Input::Installed(decision) => self.on_installed(now, &decision, out),
            Input::Executed(height) => self.promises.executed(height, out),
            // Checkpoints need nothing here: what they cover is executed, and a view is left by
            // its own timeout, whether or not a request waits.
            Input::Stable(_) | Input::Waiting(_) => {}
            _ => {}
        }
    }

    fn triage(&self, by: ReplicaId, body: &Self::Body) -> Triage {
        triage::triage(self, by, body)
    }

    fn deadline(&self) -> Option<Time> {
        self.pacemaker.timers.next()
    }

    fn status(&self) -> Status {
        let view = self.pacemaker.view;
        Status {
            place: Place::new(self.tree.height().next(), view),
            leader: self.leader(view),
            decided: self.tree.height(),
            waiting_for: self.waiting_for(),
        }
    }
}
