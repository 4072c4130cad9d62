//! Answers to peers' questions from the block store.

use super::PeerWork;
use super::shares::{Share, Shares};
use super::task::{DriverTask, Internal};
use crate::Service;
use crate::driver::Event;
use crate::service::{DECISIONS_BYTES, DECISIONS_MAX};
use quorate_core::{
    BlockStore, Decision, Destination, Digest, Frame, Height, Payload, Protocol, ReplicaId,
    StorageError,
};
use std::sync::Arc;

/// Most reads of the block store for one peer at a time. A correct replica asks one question, and
/// the next one when it is answered; whoever is refused asks another replica.
pub(super) const READS_MAX: usize = 2;

/// A peer that is answered, and its share of the reads.
pub(super) struct Asker {
    to: ReplicaId,
    _share: Share,
}

impl<P: Protocol> DriverTask<P> {
    /// Looks in the block store for decisions, and sends them.
    pub(super) fn serve_decisions(&mut self, to: ReplicaId, from: Height) {
        let Some(asker) = self.asker(to) else { return };
        let store = Arc::clone(&self.store);
        let answer = self.answer(asker);
        self.read(move || {
            let decisions = stored_decisions::<P>(&*store, from).unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot read blocks for a peer");
                Vec::new()
            });
            answer(&Service::Decisions(from, decisions));
        });
    }

    /// Looks in the block store for a payload, for a peer or for this replica.
    pub(super) fn find_payload(&mut self, to: Option<ReplicaId>, digest: Digest) {
        let store = Arc::clone(&self.store);
        let find = move || {
            let found = store.find(&digest).ok().flatten();
            let found = found.and_then(|block| borsh::from_slice(&block.decision).ok());
            found.map(|decision: Decision<P>| decision.payload)
        };
        let Some(to) = to else {
            let events = self.internal_sender.clone();
            return self.read(move || {
                let event = find().map_or(Event::PayloadMissing(digest), found_event);
                let _ = events.send(Internal::Event(event));
            });
        };
        let Some(asker) = self.asker(to) else { return };
        let answer = self.answer(asker);
        self.read(move || {
            if let Some(payload) = find() {
                answer(&Service::Payload(payload));
            }
        });
    }

    /// A peer that may have another read under way; if it may not, the driver is told.
    fn asker(&mut self, to: ReplicaId) -> Option<Asker> {
        let share = self.reading.take(to, 1);
        if share.is_none() {
            let _ = self
                .internal_sender
                .send(Internal::Event(Event::Exceeded(to)));
        }
        Some(Asker { to, _share: share? })
    }

    /// Sends what was read, and tells the driver how much it was.
    fn answer(&self, asker: Asker) -> impl FnOnce(&Service<P>) + Send + 'static {
        let (transport, events) = (Arc::clone(&self.transport), self.internal_sender.clone());
        let (domain, me) = (self.domain, self.me);
        move |message| {
            let frame: Frame = message.encode(&domain, me);
            let served = Event::Served(asker.to, frame.bytes.len());
            transport.send(Destination::One(asker.to), frame);
            let _ = events.send(Internal::Event(served));
        }
    }

    /// Reads from the block store, where it may wait.
    fn read(&mut self, work: impl FnOnce() + Send + 'static) {
        while self.reads.try_join_next().is_some() {}
        self.reads.spawn_blocking(work);
    }

    /// What peers have made this replica do.
    pub(super) fn peer_work(&self) -> PeerWork {
        PeerWork {
            reads: self.reading.highest(),
            forwarded_bytes: self.forwarding.highest(),
            checkpoint_checks: self.driver.checkpoint_checks(),
        }
    }
}

const fn found_event<P: Protocol>(payload: Payload) -> Event<P> {
    Event::PayloadFound(payload)
}

/// The shares of the block store's reads.
pub(super) fn reads(peers: usize) -> Arc<Shares> {
    Shares::new(peers, READS_MAX)
}

/// Consecutive decisions from a height on: as many as fit an answer.
fn stored_decisions<P: Protocol>(
    store: &dyn BlockStore,
    from: Height,
) -> Result<Vec<Decision<P>>, StorageError> {
    let (mut decisions, mut bytes) = (Vec::new(), 0);
    for height in (from.0..from.0.saturating_add(DECISIONS_MAX as u64)).map(Height) {
        let Some(block) = store.get(height)? else {
            break;
        };
        bytes += block.decision.len();
        if !decisions.is_empty() && bytes > DECISIONS_BYTES {
            break;
        }
        let Ok(decision) = borsh::from_slice(&block.decision) else {
            break;
        };
        decisions.push(decision);
    }
    Ok(decisions)
}
