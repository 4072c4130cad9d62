//! Who may stay connected: validators whose standing is good.

use crate::hub::Hub;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};
use quorate_core::{Fault, ReplicaId};
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A validator may connect so many times at once ...
const BURST: u32 = 16;

/// ... and once more each time this has passed: connecting costs us a handshake, and libp2p-stream
/// a few bytes that it never frees.
const REFILL: Duration = Duration::from_secs(2);

/// Why a connection is refused once Noise has said whose it is.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0} is no validator")]
    Stranger(PeerId),
    #[error("validator {0} is refused for a while because of its faults")]
    Banned(ReplicaId),
    #[error("validator {0} connects too often")]
    TooOften(ReplicaId),
}

/// How many more connections a validator may open.
#[derive(Clone, Copy)]
struct Allowance {
    left: u32,
    counted: Instant,
}

impl Allowance {
    fn take(&mut self, now: Instant) -> bool {
        let refills = now.duration_since(self.counted).as_millis() / REFILL.as_millis();
        if refills > 0 {
            let refills = u32::try_from(refills).unwrap_or(BURST);
            self.left = self.left.saturating_add(refills).min(BURST);
            self.counted = now;
        }
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => return false,
        };
        true
    }
}

/// Refuses connections. It must be the first of the swarm's behaviours, so that the others never
/// hear of those.
pub(crate) struct Gate {
    hub: Arc<Hub>,
    inbound: Vec<Allowance>,
}

impl Gate {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        let full = Allowance {
            left: BURST,
            counted: Instant::now(),
        };
        let inbound = vec![full; hub.directory.len()];
        Self { hub, inbound }
    }

    fn admit(&self, peer: &PeerId) -> Result<ReplicaId, Refused> {
        let Some(replica) = self.hub.directory.replica(peer) else {
            self.hub.tally.fault(Fault::Stranger);
            return Err(Refused::Stranger(*peer));
        };
        let banned = self.hub.standing.banned_until(replica, Instant::now());
        match banned {
            Some(_) => Err(Refused::Banned(replica)),
            None => Ok(replica),
        }
    }

    fn admit_inbound(&mut self, peer: &PeerId) -> Result<(), Refused> {
        let replica = self.admit(peer)?;
        if !self.inbound[replica.index()].take(Instant::now()) {
            self.hub.blame(replica, Fault::Flood);
            return Err(Refused::TooOften(replica));
        }
        Ok(())
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit_inbound(&peer).map_err(|refused| {
            tracing::info!(%remote, "connection refused: {refused}");
            ConnectionDenied::new(refused)
        })?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(&peer).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_spent_and_refilled() {
        let start = Instant::now();
        let mut allowance = Allowance {
            left: BURST,
            counted: start,
        };
        assert!((0..BURST).all(|_| allowance.take(start)));
        assert!(!allowance.take(start));
        assert!(allowance.take(start + REFILL));
        assert!(!allowance.take(start + REFILL));
        let later = start + Duration::from_secs(86_400);
        assert_eq!((0..100).filter(|_| allowance.take(later)).count(), 16);
    }
}
