//! The pure driver: everything that a replica decides, without a clock, a socket or a disk.
//!
//! It owns the engine, and what stands directly around it: the intake, the gate that holds
//! messages until they are durable and signed, the mempool, forwarding, checkpoints and
//! catch-up. [`Driver::handle`] takes one [`Event`]; [`Driver::take_actions`] gives what is to be
//! done. The tokio shell carries the actions out in production, and the simulator in its virtual
//! world; both run this code.

mod action;
mod beat;
mod cache;
mod checkpoint;
mod checks;
mod engine;
mod fetcher;
mod gate;
mod holdings;
mod planted;
mod requests;
mod service;
mod shares;
#[cfg(test)]
mod tests;
mod wanted;

pub use action::{Action, CheckedBatch, CheckpointVote, Event, Received, ReceivedCheckpoint};
pub use gate::SignTicket;
#[cfg(feature = "planted-bugs")]
pub use planted::PlantedBug;
pub use requests::owned;

use crate::{Checkpoints, DriverConfig, Forwarding, LeaderStyle, Mempool, Quiet};
use beat::Beat;
use cache::PayloadCache;
use checks::CheckpointChecks;
use fetcher::Fetcher;
use gate::Gate;
use quorate_core::Intake;
use quorate_core::{
    Decision, Digest, Entry, Height, Input, Outbox, Output, Payload, Protocol, Recovered, Seq,
    Setup, Status, Ticket, Time,
};
use shares::Shares;
use std::collections::{BTreeMap, VecDeque};
use wanted::Wanted;

/// What survived a restart.
#[derive(Debug)]
pub struct Survived<P: Protocol> {
    /// The safety log, in order.
    pub log: Vec<(Seq, Entry<P>)>,
    /// Where the log ends; the next entry comes after it.
    pub last: Seq,
    /// The last decision that is in the block store.
    pub decided: Option<Decision<P>>,
    /// The newest stable checkpoint.
    pub stable: Option<std::sync::Arc<quorate_core::Checkpoint<P::Scheme>>>,
    /// The states at checkpoint heights that replaying the block store has brought, in order.
    pub claims: Vec<quorate_core::CheckpointClaim>,
}

impl<P: Protocol> Default for Survived<P> {
    fn default() -> Self {
        Self {
            log: Vec::new(),
            last: Seq::NONE,
            decided: None,
            stable: None,
            claims: Vec::new(),
        }
    }
}

/// Verdicts on deliveries, by their tickets.
type Verdicts = Vec<(u64, quorate_core::Verdict)>;

/// A question for a payload that waits for something to propose.
#[derive(Debug)]
struct PendingBuild {
    ticket: Ticket,
    undecided: Vec<Digest>,
    /// When an empty payload is proposed at the latest; `None` if never.
    give_up: Option<Time>,
}

/// Verdicts on payloads that are kept until the engine asks for them.
const VERDICTS_MAX: usize = 1024;

/// A replica without its world.
#[derive(Debug)]
pub struct Driver<P: Protocol> {
    setup: Setup<P>,
    config: DriverConfig,
    engine: P,
    outbox: Outbox<P>,
    /// Inputs of this very moment, for instance answers that were at hand.
    inputs: VecDeque<Input<P>>,
    scratch: Vec<Output<P>>,
    intake: Intake<P>,
    gate: Gate<P>,
    mempool: Mempool,
    forwarding: Forwarding,
    quiet: Quiet,
    checkpoints: Checkpoints<P::Scheme>,
    /// Checkpoint votes under check.
    checks: CheckpointChecks,
    /// What each peer may ask for.
    shares: Shares,
    fetcher: Fetcher,
    beat: Beat<P::Scheme>,
    payloads: PayloadCache,
    /// Whether the application accepts a payload, as found while its signature was checked.
    verdicts: BTreeMap<Digest, bool>,
    /// Payloads that the engine asked for and that are not here yet.
    wanted: Wanted,
    /// The decisions made last, to serve peers that are a little behind.
    recent: VecDeque<Decision<P>>,
    build: Option<PendingBuild>,
    waiting: Option<Time>,
    status: Status,
    executed: Height,
    stored: Height,
    /// Executed and stored up to here, as the engine knows.
    settled: Height,
    claims: BTreeMap<Height, quorate_core::CheckpointClaim>,
    /// Set when this replica must not vote any more: its state diverged.
    mute: bool,
    actions: Vec<Action<P>>,
}

impl<P: Protocol> Driver<P> {
    /// Starts a replica from what survived, and the height that its application is at.
    ///
    /// The application may be behind the block store; it is then given the stored decisions
    /// before any new one, which is the caller's affair.
    #[must_use]
    pub fn start(setup: Setup<P>, config: DriverConfig, survived: Survived<P>, now: Time) -> Self {
        let mut payloads = PayloadCache::new(config.payload_cache_bytes);
        let mut records = Vec::new();
        for (seq, entry) in survived.log {
            match entry {
                Entry::Record(record) => records.push((seq, record)),
                Entry::Payload(payload) => payloads.insert(payload),
            }
        }
        let decided = survived
            .decided
            .as_ref()
            .map_or(Height::GENESIS, |last| last.height);
        let mut outbox = Outbox::new(survived.last);
        let mut checkpoints =
            Checkpoints::new(setup.me, setup.scheme.clone(), config.checkpoint_interval);
        if let Some(stable) = &survived.stable {
            checkpoints.restored(stable.clone());
        }
        let recovered = Recovered {
            records,
            decided: survived.decided,
            stable: survived.stable,
        };
        let engine = P::start(setup.clone(), recovered, now, &mut outbox);
        let n = setup.validators.len();
        let style = if P::ROTATES {
            LeaderStyle::Rotating
        } else {
            LeaderStyle::Stable
        };
        let status = engine.status();
        let mut driver = Self {
            intake: Intake::new(config.intake, n),
            gate: Gate::new(survived.last),
            mempool: Mempool::new(config.mempool),
            forwarding: Forwarding::new(style, config.forward_timeout, n),
            quiet: Quiet::new(n),
            checkpoints,
            checks: CheckpointChecks::new(n),
            shares: Shares::new(n),
            beat: Beat::new(now, config.beat_interval, n),
            fetcher: Fetcher::new(setup.me, n, config.fetch_patience),
            setup,
            config,
            engine,
            outbox,
            inputs: VecDeque::new(),
            scratch: Vec::new(),
            payloads,
            verdicts: BTreeMap::new(),
            wanted: Wanted::default(),
            recent: VecDeque::new(),
            build: None,
            waiting: None,
            status,
            executed: decided,
            stored: decided,
            settled: decided,
            claims: BTreeMap::new(),
            mute: false,
            actions: Vec::new(),
        };
        driver.claim_again(survived.claims);
        driver.settle(now);
        driver
    }

    /// Takes one event. The actions that follow are added to those not taken yet.
    pub fn handle(&mut self, now: Time, event: Event<P>) {
        match event {
            Event::Received(received) => self.received(received),
            Event::Service(from, message) => self.service(now, from, message),
            Event::Checked(batch) => self.checked(now, batch),
            Event::Signed(ticket, Ok(message)) => self.gate.signed(ticket, message),
            Event::Signed(ticket, Err(_)) => self.gate.failed(ticket),
            Event::Durable(seq) => self.gate.durable(seq),
            Event::Tick => self.tick(now),
            Event::Submitted(requests) => self.submitted(now, requests),
            Event::Forwarded(from, requests) => self.forwarded(now, from, requests),
            Event::PayloadChecked(ticket, fine) => {
                self.inputs.push_back(Input::Checked(ticket, fine));
            }
            Event::CheckpointSigned(claim, signature) => {
                self.checkpoint_signed(claim, signature);
            }
            Event::Checkpoint(received) => self.checkpoint_arrived(now, received),
            Event::CheckpointVerified(by, claim, signature) => {
                self.checkpoint_vote((by, claim, signature));
            }
            Event::CheckpointRefused(by, claim, signature) => {
                self.checkpoint_refused(&(by, claim, signature));
            }
            Event::Served(to, bytes) => self.shares.answered(to, bytes),
            Event::Exceeded(from) => self.exceeded(now, from),
            Event::DecisionsVerified(from, decisions, fault) => {
                self.learned(from, decisions, fault);
            }
            Event::PayloadFound(payload) => self.payload_arrived(&payload),
            Event::PayloadMissing(digest) => self.ask_for_payload(digest),
            Event::Executed(height, claim) => self.executed(height, claim),
            Event::Stored(height) => self.stored(height),
        }
        self.settle(now);
    }

    /// What is to be done, in the order in which it was decided.
    pub fn take_actions(&mut self) -> std::vec::Drain<'_, Action<P>> {
        self.actions.drain(..)
    }

    /// When [`Event::Tick`] is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let build = self.build.as_ref().and_then(|build| build.give_up);
        [
            self.engine.deadline(),
            build,
            self.fetcher.deadline(),
            self.forwarding.deadline(),
            Some(self.beat.deadline()),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Where the engine stands.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The engine, for the simulator's checkers.
    #[must_use]
    pub const fn engine(&self) -> &P {
        &self.engine
    }

    /// The last height that the application has executed.
    #[must_use]
    pub const fn executed_height(&self) -> Height {
        self.executed
    }

    /// When the oldest request that waits here to be decided was received.
    #[must_use]
    pub fn oldest_waiting(&self) -> Option<Time> {
        self.mempool.oldest_waiting()
    }

    /// Bytes of requests that wait to be executed.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.mempool.pending_bytes()
    }

    /// The most checkpoint votes that one peer has had under check at a time, in one role.
    #[must_use]
    pub const fn checkpoint_checks(&self) -> usize {
        self.checks.highest()
    }

    fn tick(&mut self, now: Time) {
        if self
            .engine
            .deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.inputs.push_back(Input::Tick);
        }
    }

    /// Runs until nothing more can happen at this moment.
    fn settle(&mut self, now: Time) {
        loop {
            for released in self.gate.release() {
                self.leave(released);
            }
            while let Some(input) = self.inputs.pop_front() {
                self.engine.step(now, input, &mut self.outbox);
                self.carry_out(now);
            }
            self.carry_out(now);
            self.after_steps(now);
            if self.inputs.is_empty() && self.outbox.is_empty() {
                break;
            }
        }
        while let Some(batch) = self.intake.next_batch(self.config.verify_batch) {
            self.actions.push(Action::Verify(batch));
        }
        self.beat(now);
        for (peer, ask) in self.fetcher.due(now) {
            self.ask(peer, ask);
        }
    }

    /// What follows from where the engine stands now.
    fn after_steps(&mut self, now: Time) {
        let status = self.engine.status();
        let moved = |before: &Status| {
            (before.place, before.leader, before.decided)
                != (status.place, status.leader, status.decided)
        };
        if moved(&self.status) {
            self.status = status;
            self.quiet.moved(&status);
            self.checks.decided(status.decided);
            let settled = self.intake.advanced(&self.engine);
            self.settled_messages(now, settled);
        }
        self.status = status;
        self.forward(now);
        self.try_build(now);
        let waiting = self.mempool.oldest_waiting();
        if waiting != self.waiting {
            self.waiting = waiting;
            self.inputs.push_back(Input::Waiting(waiting));
        }
    }

    fn payload_at_hand(&self, digest: &Digest) -> Option<&Payload> {
        self.payloads.get(digest)
    }
}
