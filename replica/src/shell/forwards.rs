//! Forwarded requests: the application's check of them, off every task.

use super::shares::{Share, Shares};
use super::task::Internal;
use super::verification::PayloadRule;
use crate::driver::{Event, owned};
use quorate_core::{Fault, Payload, Protocol, ReplicaId, Request, Requests, Transport};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// Bytes of one peer's batches that are being checked, wait for it, or wait for the driver.
pub(super) const FORWARDS_MAX: usize = 16 << 20;

/// What a batch costs beyond its bytes: no flood of tiny ones is cheaper than it looks.
const BATCH_OVERHEAD: usize = 1 << 10;

/// Requests that the application admits, and the share that they take until the driver has them.
#[derive(Debug)]
pub(super) struct Forwarded {
    from: ReplicaId,
    requests: Vec<Request>,
    _share: Share,
}

impl Forwarded {
    /// What the driver is to know; the share is given back.
    pub(super) fn event<P: Protocol>(self) -> Event<P> {
        Event::Forwarded(self.from, self.requests)
    }
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Vec<u8>, Share)>,
    /// Whether a thread of the pool has one of them.
    busy: bool,
}

/// Checks the batches that peers forward: in the pool, each peer's one after the other, so that
/// they keep their order and no peer has more than one thread.
pub(super) struct Forwards<P: Protocol> {
    pool: Arc<rayon::ThreadPool>,
    rule: Arc<PayloadRule>,
    transport: Arc<dyn Transport>,
    events: UnboundedSender<Internal<P>>,
    pub(super) shares: Arc<Shares>,
    runtime: tokio::runtime::Handle,
    queues: Vec<Mutex<Queue>>,
    batch_bytes: usize,
}

impl<P: Protocol> Forwards<P> {
    /// For so many peers; no correct one forwards a batch of more than `batch_bytes`. To be called
    /// on a tokio runtime.
    pub(super) fn new(
        pool: Arc<rayon::ThreadPool>,
        rule: Arc<PayloadRule>,
        transport: Arc<dyn Transport>,
        events: UnboundedSender<Internal<P>>,
        (peers, batch_bytes): (usize, usize),
    ) -> Self {
        Self {
            pool,
            rule,
            transport,
            events,
            shares: Shares::new(peers, FORWARDS_MAX),
            runtime: tokio::runtime::Handle::current(),
            queues: (0..peers).map(|_| Mutex::default()).collect(),
            batch_bytes,
        }
    }

    /// Takes a batch of a validator. `Ok` is what the driver is to know, if anything.
    ///
    /// # Errors
    ///
    /// What is wrong with the batch at first sight.
    pub(super) fn offer(
        self: &Arc<Self>,
        from: ReplicaId,
        batch: Vec<u8>,
    ) -> Result<Option<Event<P>>, Fault> {
        if batch.len() > self.batch_bytes {
            return Err(Fault::InvalidPayload);
        }
        let Some(share) = self.shares.take(from, batch.len() + BATCH_OVERHEAD) else {
            return Ok(Some(Event::Exceeded(from)));
        };
        let mut queue = self.queue(from);
        queue.waiting.push_back((batch, share));
        if !std::mem::replace(&mut queue.busy, true) {
            self.run(from);
        }
        Ok(None)
    }

    fn queue(&self, of: ReplicaId) -> MutexGuard<'_, Queue> {
        let queue = self.queues[of.index()].lock();
        queue.unwrap_or_else(PoisonError::into_inner)
    }

    fn run(self: &Arc<Self>, from: ReplicaId) {
        let forwards = Arc::clone(self);
        self.pool.spawn(move || forwards.serve(from));
    }

    /// Checks one batch, and then lets others have the thread: what a thread of the pool gives to
    /// the pool it does itself, before anything that waits, so the next one is given from outside.
    fn serve(self: &Arc<Self>, from: ReplicaId) {
        let next = self.queue(from).waiting.pop_front();
        if let Some((batch, share)) = next {
            self.check(from, batch, share);
        }
        let mut queue = self.queue(from);
        if self.events.is_closed() {
            // The replica has stopped.
            queue.waiting.clear();
        }
        queue.busy = !queue.waiting.is_empty();
        if queue.busy {
            let forwards = Arc::clone(self);
            self.runtime.spawn(async move { forwards.run(from) });
        }
    }

    fn check(&self, from: ReplicaId, batch: Vec<u8>, share: Share) {
        let payload = Payload::new(batch);
        if !(self.rule)(&payload) {
            self.transport.penalize(from, Fault::InvalidPayload);
            return;
        }
        let requests = Requests::new(payload.bytes())
            .filter_map(Result::ok)
            .map(owned)
            .collect();
        // The driver may have stopped meanwhile.
        let _ = self.events.send(Internal::Forwarded(Forwarded {
            from,
            requests,
            _share: share,
        }));
    }
}
