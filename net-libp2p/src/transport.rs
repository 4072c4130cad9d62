//! The transport.

use crate::directory::Directory;
use crate::gossip::acceptance;
use crate::hub::Hub;
use crate::inbound::Inbound;
use crate::lane::{Lane, protocol};
use crate::swarm::SwarmTask;
use crate::{Mode, NetworkConfig, NetworkError};
use async_trait::async_trait;
use quorate_core::{
    Channel, Delivery, Destination, Fault, Frame, ReplicaId, Transport, TransportCounters,
    ValidatorSet, Verdict,
};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long tasks may take to end by themselves when the transport shuts down.
const PATIENCE: Duration = Duration::from_secs(2);

/// A [`Transport`] over libp2p.
///
/// Runs on the tokio runtime on which it was made. Dropping it ends its tasks and connections;
/// [`shut_down`](Transport::shut_down) does so in order.
///
/// * **Who sends.** [`Delivery::direct`] is set for what came over a direct stream: Noise vouches
///   for the sender. What came by gossip names whoever passed it on.
/// * **Counters.** A frame counts as sent when it is handed over, and as received when
///   [`receive`](Transport::receive) returns it. Failed handshakes count as
///   [`Fault::Malformed`], refused keys as [`Fault::Stranger`]; neither is held against anybody.
/// * **Verdicts.** [`Verdict::Reject`] costs whoever handed us the message as much as one
///   punishable fault, but has no cause to count: report the cause with
///   [`penalize`](Transport::penalize).
pub struct Libp2pTransport {
    hub: Arc<Hub>,
    address: SocketAddr,
}

impl Libp2pTransport {
    /// Listens, and connects to the peers that the configuration names.
    ///
    /// `identity` is the secret ed25519 key (seed) of validator `me`.
    ///
    /// # Errors
    ///
    /// As [`Self::bind`] and [`Self::connect`].
    pub async fn start(
        config: NetworkConfig,
        identity: [u8; 32],
        me: ReplicaId,
        validators: &ValidatorSet,
    ) -> Result<Self, NetworkError> {
        let peers = config.peers.clone();
        let transport = Self::bind(config, identity, me, validators).await?;
        transport.connect(peers)?;
        Ok(transport)
    }

    /// Listens, and connects to nobody yet: for when ports are chosen by the system, and the
    /// peers' addresses are known only later.
    ///
    /// # Errors
    ///
    /// If the configuration is invalid, the key is not that of validator `me`, or the address
    /// cannot be listened on.
    pub async fn bind(
        config: NetworkConfig,
        identity: [u8; 32],
        me: ReplicaId,
        validators: &ValidatorSet,
    ) -> Result<Self, NetworkError> {
        config.validate()?;
        let directory = Directory::new(me, validators)?;
        let key = directory.keypair(identity)?;
        let (judge, verdicts) = mpsc::channel(config.max_tickets);
        let hub = Arc::new(Hub::new(config, directory, judge));
        let (task, address) = match SwarmTask::listen(hub.clone(), &key, verdicts).await {
            Ok(listening) => listening,
            Err(error) => {
                hub.tasks.abort();
                return Err(error);
            }
        };
        let mut control = task.control();
        let inbound = Inbound::new(hub.clone());
        for channel in Channel::ALL {
            let streams = control
                .accept(protocol(channel))
                .expect("each protocol is registered once");
            hub.spawn(inbound.clone().accept(channel, streams));
            for peer in hub.directory.others() {
                hub.spawn(Lane::new(hub.clone(), control.clone(), peer, channel).run());
            }
        }
        // It ends by itself, after closing the connections.
        hub.tasks.spawn(task.run());
        Ok(Self { hub, address })
    }

    /// The address that is listened on, with the port that the system chose.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Says where peers listen, and connects to them: at once to those with a higher index, to
    /// the others only if they have not connected within two seconds. Keeps trying. This replica
    /// itself may be named too; a later address of a peer replaces the earlier one.
    ///
    /// # Errors
    ///
    /// If a replica is not in the validator set (then no address is taken over), or the transport
    /// has been shut down.
    pub fn connect(
        &self,
        peers: impl IntoIterator<Item = (ReplicaId, SocketAddr)>,
    ) -> Result<(), NetworkError> {
        if self.hub.is_stopping() {
            return Err(NetworkError::Closed);
        }
        let peers: Vec<_> = peers.into_iter().collect();
        let validators = self.hub.directory.len();
        for (replica, address) in &peers {
            if replica.index() >= validators {
                return Err(NetworkError::UnknownPeer {
                    replica: *replica,
                    address: *address,
                });
            }
        }
        let me = self.hub.directory.me();
        let others = peers.into_iter().filter(|(replica, _)| *replica != me);
        let addresses = self.hub.addresses.lock();
        addresses
            .unwrap_or_else(PoisonError::into_inner)
            .extend(others);
        self.hub.wake.notify_one();
        Ok(())
    }

    /// Waits until every stream to every other validator is up, and, if broadcasts may be
    /// gossiped, all of them have subscribed. Returns `false` if that takes longer than `patience`
    /// or the transport shuts down.
    ///
    /// Nothing depends on it: what is sent earlier waits in the queues.
    pub async fn wait_until_connected(&self, patience: Duration) -> bool {
        let mut changed = self.hub.links.watch_all();
        let connected = async {
            while !self.is_fully_connected() {
                if changed.changed().await.is_err() {
                    return false;
                }
            }
            true
        };
        tokio::select! {
            connected = timeout(patience, connected) => connected.unwrap_or(false),
            () = self.hub.stopped() => false,
        }
    }

    fn is_fully_connected(&self) -> bool {
        let links = &self.hub.links;
        let gossips = self.hub.config.mode != Mode::Direct;
        let ready = |peer| links.has_streams(peer) && (!gossips || links.has_topics(peer));
        self.hub.directory.others().all(ready)
    }

    fn send_direct(&self, peer: ReplicaId, frame: &Frame) {
        let lane = &self.hub.lanes[peer.index()][frame.channel as usize];
        let dropped = lane.push(frame.bytes.clone());
        if dropped > 0 {
            self.hub.tally.dropped(peer, dropped);
        }
    }

    fn publish(&self, frame: &Frame) {
        let queue = &self.hub.gossip[frame.channel as usize];
        for _ in 0..queue.push(frame.bytes.clone()) {
            self.hub.drop_for_all();
        }
        self.hub.wake.notify_one();
    }
}

#[async_trait]
impl Transport for Libp2pTransport {
    fn send(&self, to: Destination, frame: Frame) {
        let directory = &self.hub.directory;
        let len = frame.bytes.len();
        let recipients = match to {
            Destination::Others => directory.len() - 1,
            Destination::One(peer) if !directory.is_other(peer) => {
                tracing::error!(%peer, kind = frame.kind, "no other validator: not sent");
                return;
            }
            Destination::One(_) => 1,
        };
        assert!(len > 0, "no message is empty");
        if len > self.hub.config.max_frame {
            tracing::error!(
                len,
                kind = frame.kind,
                "a frame exceeds max_frame, and is dropped"
            );
            match to {
                Destination::Others => self.hub.drop_for_all(),
                Destination::One(peer) => self.hub.tally.dropped(peer, 1),
            }
            return;
        }
        self.hub.tally.sent(frame.kind, recipients, len);
        match to {
            Destination::One(peer) => self.send_direct(peer, &frame),
            Destination::Others if self.hub.broadcasts_directly() => {
                directory
                    .others()
                    .for_each(|peer| self.send_direct(peer, &frame));
            }
            Destination::Others => self.publish(&frame),
        }
    }

    async fn receive(&self, into: &mut Vec<Delivery>, limit: usize) -> bool {
        let before = into.len();
        let open = self.hub.inbox.receive(into, limit).await;
        for delivery in &into[before..] {
            self.hub.tally.received(&delivery.bytes);
        }
        open
    }

    fn judge(&self, ticket: u64, verdict: Verdict) {
        let Some(judged) = self.hub.tickets.close(ticket) else {
            return;
        };
        if verdict == Verdict::Reject {
            self.hub.lower(judged.from);
        }
        // Without room, gossipsub forgets the message, which is as good as ignoring it.
        let _ = self.hub.verdicts.try_send((judged, acceptance(verdict)));
    }

    fn penalize(&self, peer: ReplicaId, fault: Fault) {
        if peer.index() < self.hub.directory.len() {
            self.hub.blame(peer, fault);
        } else {
            self.hub.tally.fault(fault);
        }
    }

    fn counters(&self) -> TransportCounters {
        self.hub.tally.read(self.hub.links.connected())
    }

    async fn shut_down(&self) {
        self.hub.stop();
        self.hub.tasks.end(PATIENCE).await;
        for peer in self.hub.directory.others() {
            self.hub.links.disconnect(peer);
        }
    }
}

impl Drop for Libp2pTransport {
    fn drop(&mut self) {
        self.hub.stop();
        self.hub.tasks.abort();
    }
}
