//! What the tasks of one transport share.

use crate::counters::Tally;
use crate::directory::Directory;
use crate::gossip::{Tickets, Verdicts};
use crate::hello::network_digest;
use crate::inbox::Inbox;
use crate::links::Links;
use crate::outbound::Outbound;
use crate::standing::Standing;
use crate::tasks::Tasks;
use crate::{Mode, NetworkConfig};
use quorate_core::{Channel, Fault, ReplicaId};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, watch};

/// The state of one transport.
pub(crate) struct Hub {
    pub(crate) config: NetworkConfig,
    pub(crate) network: [u8; 32],
    pub(crate) directory: Directory,
    pub(crate) tally: Tally,
    pub(crate) standing: Standing,
    pub(crate) links: Links,
    pub(crate) inbox: Inbox,
    /// What waits for each peer's writers, by channel.
    pub(crate) lanes: Vec<[Outbound; 3]>,
    /// What waits to be published, by channel.
    pub(crate) gossip: [Outbound; 3],
    pub(crate) tickets: Tickets,
    pub(crate) verdicts: Verdicts,
    /// Where peers are said to listen; at most one address for each validator.
    pub(crate) addresses: Mutex<BTreeMap<ReplicaId, SocketAddr>>,
    /// Wakes the swarm's task: there is something to publish, to dial, or to disconnect.
    pub(crate) wake: Notify,
    pub(crate) tasks: Arc<Tasks>,
    stopping: watch::Sender<bool>,
}

impl Hub {
    pub(crate) fn new(config: NetworkConfig, directory: Directory, verdicts: Verdicts) -> Self {
        let validators = directory.len();
        let outbound = |channel| Outbound::new(channel, config.outbound.of(channel));
        let lanes = (0..validators).map(|_| Channel::ALL.map(outbound));
        Self {
            network: network_digest(&config.network),
            tally: Tally::new(validators),
            standing: Standing::new(config.standing, validators),
            links: Links::new(validators),
            inbox: Inbox::new(validators, config.inbound),
            lanes: lanes.collect(),
            gossip: Channel::ALL.map(outbound),
            tickets: Tickets::new(config.max_tickets),
            verdicts,
            addresses: Mutex::default(),
            wake: Notify::new(),
            tasks: Tasks::new(),
            stopping: watch::Sender::new(false),
            directory,
            config,
        }
    }

    /// Counts a fault, and holds it against the peer if it proves anything.
    pub(crate) fn blame(&self, peer: ReplicaId, fault: Fault) {
        self.tally.fault(fault);
        tracing::debug!(%peer, fault = fault.name(), "a peer is at fault");
        if fault.is_punishable() {
            self.lower(peer);
        }
    }

    /// Lowers a peer's standing; if it is too low now, the peer is disconnected.
    pub(crate) fn lower(&self, peer: ReplicaId) {
        if self.standing.lower(peer, Instant::now()) {
            let ban = self.config.standing.ban;
            tracing::warn!(%peer, ?ban, "too many faults, the peer is refused for a while");
            self.wake.notify_one();
        }
    }

    /// A broadcast was lost before it was sent to anybody.
    pub(crate) fn drop_for_all(&self) {
        for peer in self.directory.others() {
            self.tally.dropped(peer, 1);
        }
    }

    /// Whether a broadcast of now goes over direct streams.
    pub(crate) fn broadcasts_directly(&self) -> bool {
        let others = self.directory.len() - 1;
        match self.config.mode {
            Mode::Direct => true,
            Mode::Gossip => false,
            Mode::Auto => self.links.connected() == others || self.known_addresses() == others,
        }
    }

    fn known_addresses(&self) -> usize {
        let addresses = self.addresses.lock();
        addresses.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Where a peer is said to listen.
    pub(crate) fn address(&self, peer: ReplicaId) -> Option<SocketAddr> {
        let addresses = self.addresses.lock();
        let addresses = addresses.unwrap_or_else(PoisonError::into_inner);
        addresses.get(&peer).copied()
    }

    /// Tells every task to end.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
        self.inbox.close();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits for [`Self::stop`].
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as `self`.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// Runs a task until it ends or the transport stops.
    pub(crate) fn spawn(
        self: &Arc<Self>,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Option<tokio::task::AbortHandle> {
        let hub = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                () = hub.stopped() => {}
            }
        })
    }
}
