//! From frames to events: decoding, and the checks that need no engine.

use super::forwards::Forwards;
use super::task::Inbound;
use crate::Service;
use crate::driver::{Event, Received, ReceivedCheckpoint};
use quorate_core::wire::{self, Envelope, FIRST_SERVICE_KIND};
use quorate_core::{Delivery, Domain, Fault, Protocol, Transport, Verdict};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most deliveries decoded in one go.
const BATCH: usize = 256;

/// Encoded bytes of what may wait for the driver, or one turn.
pub(super) const INBOUND_BYTES: usize = 64 << 20;

/// Reads from the transport, decodes, and passes on; when the driver is slow it waits, and the
/// transport's own bounds do the rest.
pub(super) struct InboundTask<P: Protocol> {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) domain: Domain,
    pub(super) frame_bytes: usize,
    pub(super) forwards: Arc<Forwards<P>>,
    pub(super) events: Sender<Inbound<P>>,
    /// What is left of [`INBOUND_BYTES`].
    pub(super) bytes: Arc<Semaphore>,
}

impl<P: Protocol> InboundTask<P> {
    pub(super) async fn run(self) {
        let mut deliveries = Vec::with_capacity(BATCH);
        while self.transport.receive(&mut deliveries, BATCH).await {
            let mut events = Vec::with_capacity(deliveries.len());
            let mut bytes = 0;
            for delivery in deliveries.drain(..) {
                let (from, ticket) = (delivery.from, delivery.ticket);
                bytes += delivery.bytes.len();
                match self.decode(delivery) {
                    Ok(event) => events.extend(event),
                    Err(fault) => {
                        self.transport.penalize(from, fault);
                        if let Some(ticket) = ticket {
                            self.transport.judge(ticket, Verdict::Reject);
                        }
                    }
                }
            }
            if events.is_empty() {
                continue;
            }
            let inbound = Inbound {
                events,
                _bytes: self.room(bytes).await,
            };
            if self.events.send(inbound).await.is_err() {
                return;
            }
        }
    }

    /// Waits until so many bytes may wait for the driver.
    async fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes.min(INBOUND_BYTES)).expect("the bound is far below");
        // It is never closed; if it were, nothing would wait.
        Arc::clone(&self.bytes).acquire_many_owned(bytes).await.ok()
    }

    /// What the driver is to know of a delivery, if anything.
    fn decode(&self, delivery: Delivery) -> Result<Option<Event<P>>, Fault> {
        let (envelope, content) = Envelope::open(&self.domain, self.frame_bytes, &delivery.bytes)
            .map_err(|error| error.fault())?;
        let Delivery {
            from,
            direct,
            ticket,
            ..
        } = delivery;
        if envelope.kind < FIRST_SERVICE_KIND {
            let signed = wire::decode::<P>(&envelope, content).map_err(|error| error.fault())?;
            return Ok(Some(Event::Received(Received {
                from,
                direct,
                signed,
                bytes: delivery.bytes.len(),
                ticket,
            })));
        }
        let message = Service::decode(envelope.kind, content).map_err(|error| error.fault())?;
        // Service messages are as good as the connection that they come on. Checkpoints are signed,
        // so they may come by way of others.
        let vouched = direct && envelope.sender == from;
        match message {
            Service::Checkpoint(claim, signature) => {
                Ok(Some(Event::Checkpoint(ReceivedCheckpoint {
                    from,
                    direct,
                    vote: (envelope.sender, claim, signature),
                    ticket,
                })))
            }
            _ if !vouched => Err(Fault::Stranger),
            Service::Forward(batch) => self.forwards.offer(from, batch),
            message => Ok(Some(Event::Service(from, message))),
        }
    }
}
