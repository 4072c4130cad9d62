//! The driver's task: takes events, runs the driver, starts what it wants done.

use super::admission::Admission;
use super::execution::ExecutionWork;
use super::forwards::Forwarded;
use super::logging::{LogReport, LogWork};
use super::shares::Shares;
use super::verification::Verification;
use super::{Clock, ReplicaStatus};
use crate::Service;
use crate::driver::{Action, Driver, Event, SignTicket};
use crate::handle::Waiters;
use quorate_core::wire;
use quorate_core::{
    BlockStore, Body, Channel, CheckpointClaim, Destination, Domain, Fault, Frame, KeyRole, Note,
    Persist, Protocol, ReplicaId, Request, Signer, StorageError, Time, Transport, Verified,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;

/// Events that came together from the network, and their part of the bytes that may wait for the
/// driver.
pub(super) struct Inbound<P: Protocol> {
    pub(super) events: Vec<Event<P>>,
    pub(super) _bytes: Option<OwnedSemaphorePermit>,
}

/// What the replica's own threads report.
pub(super) enum Internal<P: Protocol> {
    Event(Event<P>),
    Forwarded(Forwarded),
    Log(LogReport),
    StoreFailed(StorageError),
}

/// Most reports, or submissions, taken in one turn.
const TURN: usize = 1024;

/// How often the status is published at least while something happens.
const STATUS_EVERY: Duration = Duration::from_millis(5);

/// The driver with everything that it needs.
pub(super) struct DriverTask<P: Protocol> {
    pub(super) driver: Driver<P>,
    pub(super) clock: Clock,
    pub(super) me: ReplicaId,
    pub(super) others: Vec<ReplicaId>,
    pub(super) domain: Domain,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) signer: Arc<dyn Signer<P::Scheme>>,
    pub(super) store: Arc<dyn BlockStore>,
    pub(super) verification: Verification<P>,
    pub(super) log: Sender<LogWork<P>>,
    pub(super) execution: Sender<ExecutionWork<P>>,
    pub(super) internal_sender: UnboundedSender<Internal<P>>,
    pub(super) internal: UnboundedReceiver<Internal<P>>,
    pub(super) inbound: Receiver<Inbound<P>>,
    pub(super) submissions: UnboundedReceiver<Request>,
    pub(super) waiters: Arc<Waiters>,
    pub(super) silent: Arc<AtomicBool>,
    pub(super) status: watch::Sender<ReplicaStatus>,
    pub(super) published: Time,
    /// Whether there may be news that were too soon after the last.
    pub(super) unpublished: bool,
    pub(super) entries: Vec<Persist<P>>,
    /// Reads of the block store that are under way.
    pub(super) reads: JoinSet<()>,
    /// Each peer's share of them.
    pub(super) reading: Arc<Shares>,
    /// Each peer's share of forwarded requests.
    pub(super) forwarding: Arc<Shares>,
    pub(super) admission: Admission,
}

impl<P: Protocol> DriverTask<P> {
    /// Runs until told to stop.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let (mut reports, mut requests) = (Vec::new(), Vec::new());
        self.carry_out();
        loop {
            let deadline = self.deadline();
            let mut inbound = None;
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                _ = self.internal.recv_many(&mut reports, TURN) => {}
                next = self.inbound.recv() => match next {
                    Some(next) => inbound = Some(next),
                    None => break,
                },
                count = self.submissions.recv_many(&mut requests, TURN) => {
                    if count == 0 {
                        break;
                    }
                }
                () = sleep_until(self.clock, deadline) => {}
            }
            if self.silent.load(Ordering::Relaxed) {
                self.hold_still(&mut stop).await;
                break;
            }
            for report in reports.drain(..) {
                self.report(report);
            }
            self.others_turns(deadline, inbound, &mut requests);
            self.carry_out();
        }
        // In this order: whoever submits from now on is told at once, and nobody is forgotten.
        self.submissions.close();
        self.admission.room().close();
        self.waiters.stop();
        self.transport.shut_down().await;
        while self.reads.join_next().await.is_some() {}
    }

    /// Whatever has come first: the network, clients and the clock have a turn each time, or a
    /// flood on one way in would close the others.
    fn others_turns(
        &mut self,
        deadline: Option<Time>,
        inbound: Option<Inbound<P>>,
        requests: &mut Vec<Request>,
    ) {
        if let Some(inbound) = inbound.or_else(|| self.inbound.try_recv().ok()) {
            self.handle_all(inbound.events);
        }
        while requests.len() < TURN
            && let Ok(request) = self.submissions.try_recv()
        {
            requests.push(request);
        }
        let now = self.clock.now();
        if !requests.is_empty() {
            let requests = std::mem::take(requests);
            self.driver.handle(now, Event::Submitted(requests));
        }
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.driver.handle(now, Event::Tick);
        }
    }

    /// When to look again: whether the driver wants it, or the last news have waited.
    fn deadline(&self) -> Option<Time> {
        let publish = self.unpublished.then(|| self.published.after(STATUS_EVERY));
        self.driver.deadline().into_iter().chain(publish).min()
    }

    /// Silenced: listens to nobody, so that nobody is kept waiting, and says nothing.
    async fn hold_still(&mut self, stop: &mut watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                inbound = self.inbound.recv() => if inbound.is_none() { return },
                _ = self.internal.recv() => {}
            }
        }
    }

    fn handle_all(&mut self, events: Vec<Event<P>>) {
        let now = self.clock.now();
        for event in events {
            self.driver.handle(now, event);
        }
    }

    fn report(&mut self, report: Internal<P>) {
        let event = match report {
            Internal::Event(event) => Ok(event),
            Internal::Forwarded(forwarded) => Ok(forwarded.event()),
            Internal::Log(report) => report.event(),
            Internal::StoreFailed(error) => Err(error),
        };
        let now = self.clock.now();
        match event {
            Ok(event) => self.driver.handle(now, event),
            // Without the log no promise becomes durable, so nothing that binds is said; without
            // the store no checkpoint is. The process goes on, and its owner is told.
            Err(error) => {
                tracing::error!(replica = %self.me, %error, "storage failed; this replica is mute");
                self.status
                    .send_modify(|status| status.failure = Some(error.to_string()));
            }
        }
    }

    fn carry_out(&mut self) {
        let actions: Vec<_> = self.driver.take_actions().collect();
        for action in actions {
            self.act(action);
        }
        self.append();
        self.publish();
    }

    /// Hands gathered entries to the log's thread.
    fn append(&mut self) {
        if !self.entries.is_empty() {
            let entries = std::mem::take(&mut self.entries);
            // A log that failed has said so, and its thread is gone.
            let _ = self.log.send(LogWork::Append(entries));
        }
    }

    fn act(&mut self, action: Action<P>) {
        match action {
            Action::Append(persist) => self.entries.push(persist),
            Action::Sign(ticket, body) => self.sign(ticket, body),
            Action::Transmit(to, message) => self.transmit(to, &message),
            Action::SendService(to, message) => self.send_service(to, &message),
            Action::Verify(batch) => self.verification.messages(batch),
            Action::CheckPayload(ticket, payload) => self.verification.payload(ticket, payload),
            Action::Execute(decision) => {
                let (height, payload) = (decision.height, &decision.payload);
                tracing::debug!(replica = %self.me, %height, ?payload, "decided");
                self.execute(ExecutionWork::Execute(decision));
            }
            Action::SignCheckpoint(claim) => self.sign_checkpoint(claim),
            Action::VerifyCheckpoint(by, claim, signature) => {
                self.verification.checkpoint(by, claim, signature);
            }
            Action::VerifyDecisions(from, decisions) => {
                self.verification.decisions(from, decisions);
            }
            Action::ServeDecisions(to, height) => self.serve_decisions(to, height),
            Action::FindPayload(to, digest) => self.find_payload(to, digest),
            Action::Stable(checkpoint) => {
                let stable = checkpoint.claim.height;
                self.status.send_modify(|status| status.stable = stable);
                self.execute(ExecutionWork::Stable(checkpoint));
            }
            Action::Diverged(claim) => self.diverged(claim),
            Action::Prune(seq) => {
                // What replaces the pruned entries comes before, so it is synced first.
                self.append();
                let _ = self.log.send(LogWork::Prune(seq));
            }
            Action::Evidence(evidence) => {
                tracing::warn!(replica = %self.me, ?evidence, "a replica contradicts itself");
                self.status.send_modify(|status| status.evidence += 1);
                // Two signatures convict the author, whoever handed them over.
                self.penalize(evidence.first.by, Fault::Equivocation);
            }
            Action::Penalize(peer, fault) => self.penalize(peer, fault),
            Action::Judge(ticket, verdict) => self.transport.judge(ticket, verdict),
            Action::Refused(request, error) => self.waiters.refuse(request, error),
            Action::Note(note) => self.note(note),
        }
    }

    fn execute(&self, work: ExecutionWork<P>) {
        // The thread outlives this task unless the application panicked; then nothing executes,
        // and clients are told when the replica stops.
        let _ = self.execution.send(work);
    }

    fn transmit(&self, to: Destination, message: &Verified<P>) {
        let bytes = wire::encode(&self.domain, message.signed());
        let carries = message.body().payload().is_some();
        let channel = if carries {
            Channel::Blocks
        } else {
            Channel::Votes
        };
        self.transport.send(
            to,
            Frame {
                channel,
                kind: message.body().kind(),
                bytes,
            },
        );
    }

    /// Service messages go from one replica to another, because the connection vouches for their
    /// sender. Only checkpoints, which are signed, may be gossiped.
    fn send_service(&self, to: Destination, message: &Service<P>) {
        let frame = message.encode(&self.domain, self.me);
        if to == Destination::One(self.me) {
            return;
        }
        if to == Destination::Others && !matches!(message, Service::Checkpoint(..)) {
            for peer in &self.others {
                self.transport.send(Destination::One(*peer), frame.clone());
            }
        } else {
            self.transport.send(to, frame);
        }
    }

    fn sign(&self, ticket: SignTicket, body: P::Body) {
        let (domain, signer) = (self.domain, Arc::clone(&self.signer));
        let events = self.internal_sender.clone();
        tokio::spawn(async move {
            let signed = Verified::sign(&domain, &*signer, body).await;
            if let Err(error) = &signed {
                tracing::warn!(%error, "a message is not sent");
            }
            let _ = events.send(Internal::Event(Event::Signed(ticket, signed)));
        });
    }

    fn sign_checkpoint(&self, claim: CheckpointClaim) {
        let (domain, signer) = (self.domain, Arc::clone(&self.signer));
        let events = self.internal_sender.clone();
        tokio::spawn(async move {
            match signer.sign(KeyRole::Voting, claim.statement(&domain)).await {
                Ok(signature) => {
                    let event = Event::CheckpointSigned(claim, signature);
                    let _ = events.send(Internal::Event(event));
                }
                Err(error) => tracing::warn!(%error, "a checkpoint is not signed"),
            }
        });
    }

    fn diverged(&self, claim: CheckpointClaim) {
        let what = format!(
            "the state here after height {} is not what a quorum signed: the application is not \
             deterministic, or its state was damaged",
            claim.height
        );
        tracing::error!(replica = %self.me, %what, "this replica is mute");
        self.status
            .send_modify(|status| status.failure = Some(what));
    }

    fn penalize(&self, peer: ReplicaId, fault: Fault) {
        tracing::debug!(replica = %self.me, %peer, fault = fault.name(), "blamed");
        self.transport.penalize(peer, fault);
    }

    fn note(&self, note: Note) {
        match note {
            Note::TimedOut(height, view) => {
                tracing::info!(replica = %self.me, %height, %view, "timed out");
            }
            note => tracing::trace!(replica = %self.me, ?note),
        }
    }

    fn publish(&mut self) {
        let now = self.clock.now();
        self.admission.adjust(now, self.driver.oldest_waiting());
        let status = self.driver.status();
        self.unpublished = now.since(self.published) < STATUS_EVERY && self.published != Time::ZERO;
        if self.unpublished {
            return;
        }
        self.published = now;
        let pending_bytes = self.driver.pending_bytes();
        let executed = self.driver.executed_height();
        let peer_work = self.peer_work();
        self.status.send_if_modified(|published| {
            let before = published.clone();
            published.place = status.place;
            published.leader = status.leader;
            published.decided = status.decided;
            published.executed = executed;
            published.pending_bytes = pending_bytes;
            published.peer_work = peer_work;
            before != *published
        });
    }
}

async fn sleep_until(clock: Clock, deadline: Option<Time>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(clock.instant(deadline)).await,
        None => std::future::pending().await,
    }
}
