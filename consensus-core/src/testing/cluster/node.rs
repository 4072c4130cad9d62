//! One replica of a cluster: its engine, its disk, and what its driver remembers.

use super::disk::Disk;
use super::supply::RequestNumber;
use crate::testing::Mock;
use crate::{
    Checkpoint, Decision, Digest, Height, Outbox, Payload, Protocol, Recipients, ReplicaId, Seq,
    Signed, Ticket, Time,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A payload that the engine waits for.
#[derive(Debug)]
pub(super) struct Building {
    pub(super) ticket: Ticket,
    pub(super) undecided: Vec<Digest>,
    /// Whether there was no request to answer with.
    pub(super) starved: bool,
}

pub(super) struct Node<P: Protocol<Scheme = Mock>> {
    /// `None` while the replica is stopped.
    pub(super) engine: Option<P>,
    pub(super) outbox: Outbox<P>,
    /// Counts starts; what belongs to an earlier run never reaches a later one.
    pub(super) run: u64,
    /// Virtual time minus this run's own clock: engines must not compare times across runs.
    pub(super) clock: u64,
    pub(super) started: Time,
    pub(super) disk: Disk<P>,
    /// Messages whose record is not durable yet.
    pub(super) held: Vec<(Seq, Recipients, P::Body)>,
    /// Messages of which the engine said `Later`, with the peer that vouches for them.
    pub(super) later: Vec<(Option<ReplicaId>, Signed<P>)>,
    /// Decisions that this replica could serve.
    pub(super) ledger: BTreeMap<Height, Decision<P>>,
    /// Highest height handed on by the engine.
    pub(super) committed: Height,
    /// Highest height stored: what survives a crash.
    pub(super) stored: Height,
    pub(super) stable: Option<Arc<Checkpoint<Mock>>>,
    pub(super) payloads: BTreeMap<Digest, Payload>,
    /// Requests executed here.
    pub(super) executed: BTreeSet<RequestNumber>,
    /// All requests before this one are executed here.
    pub(super) frontier: RequestNumber,
    /// What the engine was told of the oldest waiting request.
    pub(super) waiting: Option<Time>,
    pub(super) building: Option<Building>,
    /// From where on decisions are being fetched.
    pub(super) fetching: Option<Height>,
    /// Payloads being fetched.
    pub(super) missing: BTreeSet<Digest>,
    /// When the next tick is due, if one is scheduled.
    pub(super) tick: Option<Time>,
    /// Ticks in a row at one time: an engine that never moves its deadline is a bug.
    pub(super) idle_ticks: u32,
}

impl<P: Protocol<Scheme = Mock>> Node<P> {
    pub(super) fn new() -> Self {
        Self {
            engine: None,
            outbox: Outbox::new(Seq::NONE),
            run: 0,
            clock: 0,
            started: Time::ZERO,
            disk: Disk::new(),
            held: Vec::new(),
            later: Vec::new(),
            ledger: BTreeMap::new(),
            committed: Height::GENESIS,
            stored: Height::GENESIS,
            stable: None,
            payloads: BTreeMap::new(),
            executed: BTreeSet::new(),
            frontier: 0,
            waiting: None,
            building: None,
            fetching: None,
            missing: BTreeSet::new(),
            tick: None,
            idle_ticks: 0,
        }
    }

    /// A time on this run's own clock.
    pub(super) const fn local(&self, time: Time) -> Time {
        Time(time.0.saturating_add(self.clock))
    }

    /// A time of this run's clock as virtual time.
    pub(super) const fn global(&self, local: Time) -> Time {
        Time(local.0.saturating_sub(self.clock))
    }

    /// The power fails. What is durable stays.
    pub(super) fn crash(&mut self) {
        self.engine = None;
        self.disk.crash();
        self.held.clear();
        self.later.clear();
        self.ledger.retain(|height, _| *height <= self.stored);
        self.committed = self.stored;
        self.payloads.clear();

        self.waiting = None;
        self.building = None;
        self.fetching = None;
        self.missing.clear();
        self.tick = None;
        self.idle_ticks = 0;
    }

    /// Counts requests as executed.
    pub(super) fn execute(&mut self, requests: impl IntoIterator<Item = RequestNumber>) {
        self.executed.extend(requests);
        while self.executed.contains(&self.frontier) {
            self.frontier += 1;
        }
    }

    /// A payload from memory, the log or the ledger.
    pub(super) fn payload(&self, digest: &Digest) -> Option<Payload> {
        let decided = || {
            let mut newest_first = self.ledger.values().rev();
            newest_first.find(|it| it.payload.digest() == digest)
        };
        let stored = self.payloads.get(digest).cloned();
        stored.or_else(|| decided().map(|it| it.payload.clone()))
    }
}
