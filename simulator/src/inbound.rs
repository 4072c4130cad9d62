//! From frames to events, as the tokio shell does it.

use crate::Engine;
use crate::node::Running;
use quorate_core::wire::{self, Envelope, FIRST_SERVICE_KIND};
use quorate_core::{Domain, Fault, Frame, Payload, ReplicaId, Requests};
use quorate_replica::Service;
use quorate_replica::driver::{Event, Received, owned};

/// Longest message.
const FRAME_BYTES: usize = 16 << 20;

/// Decodes a frame that came on a direct stream.
pub(crate) fn decode<P: Engine>(
    running: &Running<P>,
    domain: &Domain,
    from: ReplicaId,
    frame: &Frame,
) -> Result<Event<P>, Fault> {
    let (envelope, content) =
        Envelope::open(domain, FRAME_BYTES, &frame.bytes).map_err(|error| error.fault())?;
    if envelope.kind < FIRST_SERVICE_KIND {
        let signed = wire::decode::<P>(&envelope, content).map_err(|error| error.fault())?;
        return Ok(Event::Received(Received {
            from,
            direct: true,
            signed,
            bytes: frame.bytes.len(),
            ticket: None,
        }));
    }
    if envelope.sender != from {
        return Err(Fault::Stranger);
    }
    match Service::decode(envelope.kind, content).map_err(|error| error.fault())? {
        Service::Forward(batch) => {
            let payload = Payload::new(batch);
            if running.rule.check(&payload).is_err() {
                return Err(Fault::InvalidPayload);
            }
            let requests = Requests::new(payload.bytes());
            let requests = requests.filter_map(Result::ok).map(owned).collect();
            Ok(Event::Forwarded(from, requests))
        }
        message => Ok(Event::Service(from, message)),
    }
}
