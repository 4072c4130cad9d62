//! How an application's process talks to its replica.

use crate::shell::{Admitted, Room};
use crate::{AdmissionError, Client, Outcome, ReplicaStatus, SequenceWindow, SubmitError};
use bytes::Bytes;
use quorate_core::{
    ClientId, Digest, Height, Refusal, Request, RequestId, RequestRef, SchemeCounters,
    TransportCounters,
};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};

/// What proves a decision, whatever the engine.
pub trait AnyProof: fmt::Debug + Send + Sync {
    /// The proof's encoding. [`quorate_core::Decision`] says how to check it.
    fn encode(&self) -> Vec<u8>;
}

impl<T: borsh::BorshSerialize + fmt::Debug + Send + Sync> AnyProof for T {
    fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).expect("writing to memory does not fail")
    }
}

/// The decision that ordered a request.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Height of the decision.
    pub height: Height,
    /// Digest of the decided payload, which contains the request.
    pub payload: Digest,
    /// The quorum's proof.
    pub proof: Arc<dyn AnyProof>,
}

/// A request has been executed here.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Which request.
    pub id: RequestId,
    /// What the application replied. `None` if the request had been executed long before and its
    /// reply is no longer kept.
    pub reply: Option<Bytes>,
    /// What ordered it.
    pub certificate: Certificate,
}

pub(crate) type Answer = Result<Receipt, SubmitError>;

struct Waiter {
    answer: oneshot::Sender<Answer>,
    _admitted: Admitted,
}

/// Requests of this replica's clients that wait for their execution.
#[derive(Default)]
pub(crate) struct Waiters {
    waiting: Mutex<HashMap<RequestId, Waiter>>,
}

impl Waiters {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RequestId, Waiter>> {
        // A panic while the lock is held leaves the map whole: it is only inserted and removed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers those that wait for requests of one block.
    pub(crate) fn executed(&self, certificate: &Certificate, outcomes: Vec<(RequestId, Outcome)>) {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            return;
        }
        for (id, outcome) in outcomes {
            if let Some(waiter) = waiting.remove(&id) {
                let answer = match outcome {
                    Outcome::BeyondWindow { end } => Err(SubmitError::BeyondWindow { end }),
                    Outcome::Forgotten { floor } => Err(SubmitError::Forgotten { floor }),
                    Outcome::Executed(_) | Outcome::Repeated(_) => {
                        let certificate = certificate.clone();
                        Ok(Receipt {
                            id,
                            reply: outcome.reply(),
                            certificate,
                        })
                    }
                };
                // Whoever submitted it may have stopped waiting.
                let _ = waiter.answer.send(answer);
            }
        }
    }

    /// A request will not be ordered.
    pub(crate) fn refuse(&self, id: RequestId, error: AdmissionError) {
        if let Some(waiter) = self.lock().remove(&id) {
            let _ = waiter.answer.send(Err(error.into()));
        }
    }

    /// The replica stops.
    pub(crate) fn stop(&self) {
        for (_, waiter) in self.lock().drain() {
            let _ = waiter.answer.send(Err(SubmitError::Stopped));
        }
    }
}

/// Checks a request by the application's rules.
pub(crate) type Check = dyn Fn(RequestRef<'_>) -> Result<(), Refusal> + Send + Sync;

/// Asks the application.
pub(crate) type Query = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

pub(crate) struct Shared {
    pub(crate) submissions: mpsc::UnboundedSender<Request>,
    pub(crate) room: Arc<Room>,
    pub(crate) request_bytes: usize,
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) check: Box<Check>,
    /// Which sequence numbers of a client have been executed here.
    pub(crate) window: Box<dyn Fn(ClientId) -> SequenceWindow + Send + Sync>,
    pub(crate) query: Box<Query>,
    pub(crate) status: watch::Receiver<ReplicaStatus>,
    pub(crate) traffic: Box<dyn Fn() -> TransportCounters + Send + Sync>,
    pub(crate) signatures: Box<dyn Fn() -> SchemeCounters + Send + Sync>,
    pub(crate) syncs: Arc<AtomicU64>,
    pub(crate) silent: Arc<AtomicBool>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) stopped: watch::Receiver<bool>,
}

/// A running replica. Cloning it gives another handle to the same one.
#[derive(Clone)]
pub struct ReplicaHandle(pub(crate) Arc<Shared>);

impl fmt::Debug for ReplicaHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "replica at {:?}", *self.0.status.borrow())
    }
}

impl ReplicaHandle {
    /// A client of this replica, which goes on after the last of its requests executed here.
    ///
    /// One handle at a time may use a client's name: two would give different requests one
    /// sequence number. A client that stopped with requests under way, and comes back under its
    /// name, uses their numbers again; if one of them is executed after all, its reply answers the
    /// new request. Where that matters, come back under a new name.
    #[must_use]
    pub fn client(&self, id: ClientId) -> Client {
        Client::resume(id, self.clone(), (self.0.window)(id))
    }

    /// Submits a named request, and waits until it has been executed here.
    ///
    /// Waits for room first, if many bytes are under way.
    ///
    /// # Errors
    ///
    /// If the request is not admitted, or the replica stops.
    pub async fn submit(&self, request: Request) -> Result<Receipt, SubmitError> {
        let admitted = self.room(request.encoded_len()).await?;
        let receipt = self.enqueue(request, admitted)?;
        receipt.await.unwrap_or(Err(SubmitError::Stopped))
    }

    /// Waits until there is room for a request of this many bytes.
    pub(crate) async fn room(&self, bytes: usize) -> Result<Admitted, SubmitError> {
        let limit = self.0.request_bytes;
        if bytes > limit {
            return Err(AdmissionError::TooLong { len: bytes, limit }.into());
        }
        self.0.room.take(bytes).await.ok_or(SubmitError::Stopped)
    }

    /// Hands a request to the driver; what comes back answers it.
    pub(crate) fn enqueue(
        &self,
        request: Request,
        admitted: Admitted,
    ) -> Result<oneshot::Receiver<Answer>, SubmitError> {
        let shared = &*self.0;
        (shared.check)(RequestRef {
            id: request.id,
            body: &request.body,
        })
        .map_err(SubmitError::Refused)?;
        let (answer, receipt) = oneshot::channel();
        {
            let mut waiting = shared.waiters.lock();
            if waiting.contains_key(&request.id) {
                return Err(AdmissionError::Duplicate.into());
            }
            waiting.insert(
                request.id,
                Waiter {
                    answer,
                    _admitted: admitted,
                },
            );
        }
        let id = request.id;
        if shared.submissions.send(request).is_err() {
            shared.waiters.lock().remove(&id);
            return Err(SubmitError::Stopped);
        }
        Ok(receipt)
    }

    /// Asks this replica's application, without consensus: the answer may be stale.
    #[must_use]
    pub fn query(&self, question: &[u8]) -> Vec<u8> {
        (self.0.query)(question)
    }

    /// Where the replica stands.
    #[must_use]
    pub fn status(&self) -> ReplicaStatus {
        self.0.status.borrow().clone()
    }

    /// Waits until the status satisfies a condition.
    ///
    /// # Errors
    ///
    /// [`SubmitError::Stopped`] if the replica stops first.
    pub async fn wait_for(
        &self,
        condition: impl FnMut(&ReplicaStatus) -> bool,
    ) -> Result<ReplicaStatus, SubmitError> {
        let mut status = self.0.status.clone();
        let reached = status
            .wait_for(condition)
            .await
            .map_err(|_| SubmitError::Stopped)?;
        Ok(reached.clone())
    }

    /// Messages and bytes sent and received so far, by kind.
    #[must_use]
    pub fn traffic(&self) -> TransportCounters {
        (self.0.traffic)()
    }

    /// Signatures made and checked so far.
    #[must_use]
    pub fn signatures(&self) -> SchemeCounters {
        (self.0.signatures)()
    }

    /// How often the safety log was synced so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.0.syncs.load(Ordering::Relaxed)
    }

    /// From now on the replica neither speaks nor listens, with its connections open: to see what
    /// a cluster does about it. There is no way back but a restart.
    pub fn silence(&self) {
        self.0.silent.store(true, Ordering::Relaxed);
    }

    /// Stops the replica, and waits until it has: its log is closed, its connections are too.
    pub async fn stop(&self) {
        self.0.stop.send_replace(true);
        let mut stopped = self.0.stopped.clone();
        // An error says that the task is gone, which is what we wait for.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }
}
