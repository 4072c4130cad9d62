//! From frames to events: decoding, and the checks that need no engine.

use super::task::Inbound;
use super::verification::PayloadRule;
use crate::Service;
use crate::driver::{Event, Received, owned};
use quorate_core::wire::{self, Envelope, FIRST_SERVICE_KIND};
use quorate_core::{
    Delivery, Domain, Fault, Payload, Protocol, ReplicaId, Requests, Transport, Verdict,
};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// Most deliveries decoded in one go.
const BATCH: usize = 256;

/// Reads from the transport, decodes, and passes on; when the driver is slow it waits, and the
/// transport's own bounds do the rest.
pub(super) struct InboundTask<P: Protocol> {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) domain: Domain,
    pub(super) frame_bytes: usize,
    pub(super) rule: Arc<PayloadRule>,
    pub(super) events: Sender<Inbound<P>>,
}

impl<P: Protocol> InboundTask<P> {
    pub(super) async fn run(self) {
        let mut deliveries = Vec::with_capacity(BATCH);
        while self.transport.receive(&mut deliveries, BATCH).await {
            let mut events = Vec::with_capacity(deliveries.len());
            for delivery in deliveries.drain(..) {
                let (from, ticket) = (delivery.from, delivery.ticket);
                match self.decode(delivery) {
                    Ok(event) => events.push(event),
                    Err(fault) => {
                        self.transport.penalize(from, fault);
                        if let Some(ticket) = ticket {
                            self.transport.judge(ticket, Verdict::Reject);
                        }
                    }
                }
            }
            if !events.is_empty() && self.events.send(Inbound(events)).await.is_err() {
                return;
            }
        }
    }

    fn decode(&self, delivery: Delivery) -> Result<Event<P>, Fault> {
        let (envelope, content) = Envelope::open(&self.domain, self.frame_bytes, &delivery.bytes)
            .map_err(|error| error.fault())?;
        if envelope.kind < FIRST_SERVICE_KIND {
            let signed = wire::decode::<P>(&envelope, content).map_err(|error| error.fault())?;
            return Ok(Event::Received(Received {
                from: delivery.from,
                direct: delivery.direct,
                signed,
                bytes: delivery.bytes.len(),
                ticket: delivery.ticket,
            }));
        }
        let message = Service::decode(envelope.kind, content).map_err(|error| error.fault())?;
        // Service messages are as good as the connection that they come on. Checkpoints are signed,
        // so they may come by way of others.
        let vouched = delivery.direct && envelope.sender == delivery.from;
        match message {
            Service::Checkpoint(..) => Ok(Event::Service(envelope.sender, message)),
            _ if !vouched => Err(Fault::Stranger),
            Service::Forward(batch) => self.forwarded(delivery.from, batch),
            message => Ok(Event::Service(delivery.from, message)),
        }
    }

    fn forwarded(&self, from: ReplicaId, batch: Vec<u8>) -> Result<Event<P>, Fault> {
        let payload = Payload::new(batch);
        if !(self.rule)(&payload) {
            return Err(Fault::InvalidPayload);
        }
        let requests = Requests::new(payload.bytes())
            .filter_map(Result::ok)
            .map(owned);
        Ok(Event::Forwarded(from, requests.collect()))
    }
}
