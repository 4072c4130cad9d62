//! A client of a replica, in the replica's own process.

use crate::handle::{Receipt, ReplicaHandle};
use crate::{SequenceWindow, SubmitError};
use quorate_core::{ClientId, Request, RequestId, RequestRef};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// How far a client may run ahead of its oldest unexecuted request: the window of the reply
/// table.
const CLIENT_WINDOW: u64 = 1024;

/// Which sequence numbers of a client are under way.
#[derive(Debug)]
struct ClientWindow {
    next: u64,
    /// All up to here are done.
    floor: u64,
    done: BTreeSet<u64>,
    /// Numbers that were taken and not used. They are used first: a gap would stay for ever.
    free: BTreeSet<u64>,
}

impl ClientWindow {
    /// What a client may use whose requests of these numbers have been executed.
    fn after(SequenceWindow { floor, executed }: SequenceWindow) -> Self {
        let next = executed.last().unwrap_or(&floor).saturating_add(1);
        let free = (floor..next)
            .skip(1)
            .filter(|number| !executed.contains(number))
            .collect();
        Self {
            next,
            floor,
            done: executed,
            free,
        }
    }

    fn take(&mut self) -> Option<u64> {
        if let Some(free) = self.free.pop_first() {
            return Some(free);
        }
        (self.next <= self.floor.saturating_add(CLIENT_WINDOW) && self.next < u64::MAX).then(|| {
            self.next += 1;
            self.next - 1
        })
    }

    fn finish(&mut self, sequence: u64) {
        self.done.insert(sequence);
        while self.done.remove(&(self.floor + 1)) {
            self.floor += 1;
        }
    }
}

/// A sequence number under way. It is done when this is dropped, whether or not anybody waited
/// for the receipt.
struct Sequenced<'a> {
    client: &'a Client,
    sequence: u64,
}

impl Drop for Sequenced<'_> {
    fn drop(&mut self) {
        self.client.lock().finish(self.sequence);
        self.client.moved.notify_waiters();
    }
}

/// A client of a replica: numbers requests, and keeps within the window in which the replicas
/// recognise repetitions.
#[derive(Clone, Debug)]
pub struct Client {
    id: ClientId,
    replica: ReplicaHandle,
    window: Arc<Mutex<ClientWindow>>,
    moved: Arc<Notify>,
}

impl Client {
    /// A client that goes on after what was executed under its name.
    pub(crate) fn resume(id: ClientId, replica: ReplicaHandle, executed: SequenceWindow) -> Self {
        Self {
            id,
            replica,
            window: Arc::new(Mutex::new(ClientWindow::after(executed))),
            moved: Arc::new(Notify::new()),
        }
    }

    /// The client's name.
    #[must_use]
    pub const fn id(&self) -> ClientId {
        self.id
    }

    /// Submits a request, and waits until it has been executed. Any number may be under way;
    /// the 1,025th waits for the first.
    ///
    /// # Errors
    ///
    /// If the request is not admitted, or the replica stops.
    pub async fn submit(&self, body: impl Into<Vec<u8>>) -> Result<Receipt, SubmitError> {
        let body = body.into();
        let admitted = self.replica.room(RequestRef::OVERHEAD + body.len()).await?;
        let sequence = self.sequence().await;
        // From here to the wait for the receipt nothing waits, so a number that is taken is
        // either handed to the driver or given back.
        let id = RequestId {
            client: self.id,
            sequence,
        };
        match self.replica.enqueue(Request { id, body }, admitted) {
            Ok(receipt) => {
                let _sequenced = Sequenced {
                    client: self,
                    sequence,
                };
                receipt.await.unwrap_or(Err(SubmitError::Stopped))
            }
            Err(error) => {
                self.lock().free.insert(sequence);
                self.moved.notify_waiters();
                Err(error)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ClientWindow> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sequence(&self) -> u64 {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // Registered before the window is looked at, so that no wake-up is missed.
            moved.as_mut().enable();
            if let Some(sequence) = self.lock().take() {
                return sequence;
            }
            moved.await;
        }
    }
}
