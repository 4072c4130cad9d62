//! The libp2p swarm, and the task that runs it.
//!
//! It connects, admits, publishes and passes on. Direct streams do not pass through it.

use crate::gate::Gate;
use crate::gossip::{self, Judged, Numbers, PREFIX, Topics};
use crate::hub::Hub;
use crate::tasks::Spawner;
use crate::{Link, Mode, NetworkError};
use bytes::Bytes;
use futures::StreamExt;
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::gossipsub::{self, MessageAcceptance, PublishError};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{self, DialError, ListenError, NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, Transport as _, noise, ping, tcp, yamux};
use libp2p_stream::Control;
use quorate_core::{Channel, Delivery, Fault, ReplicaId};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};

/// Whoever has the higher index leaves dialing to the other, but not for ever: the other may not
/// know the address.
const LEAVE_DIALING: Duration = Duration::from_secs(2);

/// A connection that has lasted so long was a success, so the next attempt need not wait.
const STABLE: Duration = Duration::from_secs(10);

/// Messages published before the swarm is polled again.
const PUBLISH_BATCH: usize = 64;

/// Streams that a peer may have open to us: six direct ones in both directions, gossip, pings,
/// and some that are being replaced.
const MOST_STREAMS: usize = 64;

/// The parts of the swarm. The gate is first: what it refuses, no other part sees.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    gate: Gate,
    limits: connection_limits::Behaviour,
    ping: ping::Behaviour,
    gossip: Toggle<gossipsub::Behaviour>,
    streams: libp2p_stream::Behaviour,
}

fn transport(hub: &Hub, key: &Keypair) -> Result<Boxed<(PeerId, StreamMuxerBox)>, NetworkError> {
    let noise = noise::Config::new(key).map_err(|error| NetworkError::Setup(error.to_string()))?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(MOST_STREAMS);
    match hub.config.link {
        Link::Tcp => Ok(tcp::tokio::Transport::new(tcp::Config::new().nodelay(true))
            .upgrade(Version::V1Lazy)
            .authenticate(noise)
            .multiplex(yamux)
            .timeout(hub.config.handshake_timeout)
            .boxed()),
    }
}

/// A socket address in libp2p's words.
fn multiaddr(link: Link, address: SocketAddr) -> Multiaddr {
    match link {
        Link::Tcp => Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port())),
    }
}

/// The port of a listener.
fn port(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|part| match part {
        Protocol::Tcp(port) => Some(port),
        _ => None,
    })
}

/// What is known about connecting to one peer.
#[derive(Clone, Copy)]
struct Dialing {
    /// When to dial next, once an address is known.
    next: Option<Instant>,
    under_way: bool,
    failures: u32,
    connected_since: Option<Instant>,
}

/// Runs the swarm.
pub(crate) struct SwarmTask {
    swarm: Swarm<Behaviour>,
    hub: Arc<Hub>,
    topics: Topics,
    numbers: Numbers,
    verdicts: mpsc::Receiver<(Judged, MessageAcceptance)>,
    peers: Vec<Dialing>,
    /// When to look for peers to dial.
    alarm: Instant,
}

impl SwarmTask {
    /// Builds a swarm that listens; returns it and the address.
    pub(crate) async fn listen(
        hub: Arc<Hub>,
        key: &Keypair,
        verdicts: mpsc::Receiver<(Judged, MessageAcceptance)>,
    ) -> Result<(Self, SocketAddr), NetworkError> {
        let config = &hub.config;
        let topics = Topics::new(&config.network);
        let gossip = match config.mode {
            Mode::Direct => None,
            Mode::Auto | Mode::Gossip => {
                Some(gossip::behaviour(config, &topics, hub.directory.len())?)
            }
        };
        let limits = ConnectionLimits::default()
            .with_max_pending_incoming(Some(config.max_pending_inbound))
            // Two, because both sides may dial at the same moment.
            .with_max_established_per_peer(Some(2));
        let behaviour = Behaviour {
            gate: Gate::new(hub.clone()),
            limits: connection_limits::Behaviour::new(limits),
            ping: ping::Behaviour::new(
                ping::Config::new()
                    .with_interval(config.ping_interval)
                    .with_timeout(2 * config.ping_interval),
            ),
            gossip: gossip.into(),
            streams: libp2p_stream::Behaviour::new(),
        };
        let swarm_config = swarm::Config::with_executor(Spawner(hub.tasks.clone()))
            .with_idle_connection_timeout(config.idle_timeout);
        let name = key.public().to_peer_id();
        let swarm = Swarm::new(transport(&hub, key)?, behaviour, name, swarm_config);
        let idle = Dialing {
            next: None,
            under_way: false,
            failures: 0,
            connected_since: None,
        };
        let mut task = Self {
            swarm,
            topics,
            numbers: Numbers::new(),
            verdicts,
            peers: vec![idle; hub.directory.len()],
            alarm: Instant::now(),
            hub,
        };
        let address = task.start_listening().await?;
        Ok((task, address))
    }

    async fn start_listening(&mut self) -> Result<SocketAddr, NetworkError> {
        let address = self.hub.config.listen;
        let failed = |source| NetworkError::Listen { address, source };
        // libp2p lets several processes share a port (SO_REUSEPORT), and the system would deal
        // out our peers among them: so find out first whether the port is taken.
        std::net::TcpListener::bind(address).map_err(failed)?;
        let wanted = multiaddr(self.hub.config.link, address);
        let listening = self.swarm.listen_on(wanted);
        listening.map_err(|error| failed(io::Error::other(error)))?;
        let started = async {
            loop {
                match self.swarm.select_next_some().await {
                    SwarmEvent::NewListenAddr { address, .. } => {
                        if let Some(port) = port(&address) {
                            return Ok(port);
                        }
                    }
                    SwarmEvent::ListenerClosed { reason, .. } => {
                        let closed = io::Error::other("the listener was closed");
                        return Err(reason.err().unwrap_or(closed));
                    }
                    other => self.on_event(other),
                }
            }
        };
        let started = timeout(Duration::from_secs(5), started).await;
        let port = started
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(failed)?;
        Ok(SocketAddr::new(address.ip(), port))
    }

    /// For opening and accepting streams.
    pub(crate) fn control(&self) -> Control {
        self.swarm.behaviour().streams.new_control()
    }

    /// Runs until the transport stops, and then closes every connection.
    pub(crate) async fn run(mut self) {
        let hub = self.hub.clone();
        let stopped = hub.stopped();
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                Some((judged, acceptance)) = self.verdicts.recv() => {
                    self.report(&judged, acceptance);
                }
                () = hub.wake.notified() => {
                    self.enforce_bans();
                    self.publish();
                    self.alarm = Instant::now();
                }
                () = sleep_until(self.alarm.into()) => {}
                () = &mut stopped => break,
            }
            if self.alarm <= Instant::now() {
                self.dial();
            }
        }
        let _ = timeout(Duration::from_millis(500), self.close()).await;
    }

    async fn close(&mut self) {
        for peer in self.hub.directory.others() {
            let _ = self.swarm.disconnect_peer_id(self.hub.directory.peer(peer));
        }
        while self.swarm.network_info().num_peers() > 0 {
            let event = self.swarm.select_next_some().await;
            self.on_event(event);
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(event)) => self.on_gossip(event),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => self.on_ping(event),
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                if let Some(peer) = self.hub.directory.replica(&peer_id) {
                    self.on_connected(peer);
                }
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                cause,
                ..
            } => {
                if let Some(peer) = self.hub.directory.replica(&peer_id) {
                    tracing::info!(%peer, ?cause, "disconnected");
                    self.on_disconnected(peer);
                }
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer_id),
                error,
                ..
            } => {
                if let Some(peer) = self.hub.directory.replica(&peer_id) {
                    self.on_dial_error(peer, &error);
                }
            }
            SwarmEvent::IncomingConnectionError {
                error: error @ (ListenError::Transport(_) | ListenError::WrongPeerId { .. }),
                send_back_addr,
                ..
            } => {
                // Nobody knows who it was, so there is only the count.
                tracing::debug!(from = %send_back_addr, %error, "no handshake");
                self.hub.tally.fault(Fault::Malformed);
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(%error, "a connection could not be accepted");
            }
            SwarmEvent::ListenerClosed { reason, .. } if !self.hub.is_stopping() => {
                tracing::error!(
                    ?reason,
                    "the listener was closed: peers cannot connect to us"
                );
            }
            _ => {}
        }
    }

    fn on_connected(&mut self, peer: ReplicaId) {
        tracing::info!(%peer, "connected");
        let dialing = &mut self.peers[peer.index()];
        dialing.under_way = false;
        dialing.next = None;
        dialing.connected_since.get_or_insert_with(Instant::now);
        self.hub.links.connect(peer);
        // It may have been banned while it connected.
        self.enforce_bans();
    }

    fn on_disconnected(&mut self, peer: ReplicaId) {
        let dialing = &mut self.peers[peer.index()];
        let since = dialing.connected_since.take();
        if since.is_some_and(|since| since.elapsed() >= STABLE) {
            dialing.failures = 0;
        }
        self.hub.links.disconnect(peer);
        self.retry(peer);
    }

    fn on_dial_error(&mut self, peer: ReplicaId, error: &DialError) {
        let address = self.hub.address(peer);
        match error {
            DialError::WrongPeerId { obtained, .. } => {
                self.hub.tally.fault(Fault::Stranger);
                tracing::warn!(
                    %peer, ?address, %obtained,
                    "somebody else answers at the peer's address: correct the address or the key"
                );
            }
            _ => tracing::debug!(%peer, ?address, %error, "not reached"),
        }
        if self.peers[peer.index()].connected_since.is_none() {
            self.retry(peer);
        }
    }

    /// Another attempt, after a while.
    fn retry(&mut self, peer: ReplicaId) {
        let dialing = &mut self.peers[peer.index()];
        dialing.under_way = false;
        let mut wait = backoff(&self.hub, peer, dialing.failures);
        if dialing.failures == 0 && self.hub.directory.me() > peer {
            wait += LEAVE_DIALING;
        }
        dialing.failures += 1;
        let next = Instant::now() + wait;
        dialing.next = Some(next);
        self.alarm = self.alarm.min(next);
    }

    /// Dials whoever is due, and sets the alarm for the next.
    fn dial(&mut self) {
        let now = Instant::now();
        self.alarm = now + Duration::from_secs(60);
        let (hub, me) = (self.hub.clone(), self.hub.directory.me());
        for peer in hub.directory.others() {
            let dialing = &mut self.peers[peer.index()];
            let busy = dialing.under_way || dialing.connected_since.is_some();
            let (false, Some(address)) = (busy, hub.address(peer)) else {
                continue;
            };
            let patience = if me < peer {
                Duration::ZERO
            } else {
                LEAVE_DIALING
            };
            let banned = hub.standing.banned_until(peer, now);
            let due = (*dialing.next.get_or_insert(now + patience)).max(banned.unwrap_or(now));
            if due > now {
                self.alarm = self.alarm.min(due);
                continue;
            }
            dialing.under_way = true;
            let address = multiaddr(hub.config.link, address);
            // A port of its own: from the listener's, a connection to where one was closed a
            // moment ago may be refused by the system.
            let dial = DialOpts::peer_id(hub.directory.peer(peer))
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .allocate_new_port()
                .addresses(vec![address])
                .build();
            if let Err(error) = self.swarm.dial(dial) {
                self.on_dial_error(peer, &error);
            }
        }
    }

    fn enforce_bans(&mut self) {
        let now = Instant::now();
        for peer in self.hub.directory.others() {
            let connected = self.peers[peer.index()].connected_since.is_some();
            if connected && self.hub.standing.banned_until(peer, now).is_some() {
                let name = self.hub.directory.peer(peer);
                let _ = self.swarm.disconnect_peer_id(name);
            }
        }
    }

    fn on_ping(&mut self, event: ping::Event) {
        match event.result {
            Ok(_) | Err(ping::Failure::Unsupported) => {}
            Err(failure) => {
                tracing::info!(peer = %event.peer, %failure, "no answer to pings");
                self.swarm.close_connection(event.connection);
            }
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event) {
        let hub = self.hub.clone();
        match event {
            gossipsub::Event::Message {
                propagation_source: peer,
                message_id,
                message,
            } => self.on_message(peer, message_id, message),
            gossipsub::Event::Subscribed { peer_id, topic, .. } => {
                let known = (hub.directory.replica(&peer_id), self.topics.channel(&topic));
                if let (Some(peer), Some(channel)) = known {
                    hub.links.subscribe(peer, channel);
                    self.publish();
                }
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => {
                let known = (hub.directory.replica(&peer_id), self.topics.channel(&topic));
                if let (Some(peer), Some(channel)) = known {
                    hub.links.unsubscribe(peer, channel);
                }
            }
            gossipsub::Event::SlowPeer {
                peer_id,
                failed_messages,
            } => {
                if let Some(peer) = hub.directory.replica(&peer_id) {
                    let failed = failed_messages.priority + failed_messages.non_priority;
                    hub.tally.dropped(peer, failed as u64);
                }
            }
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                tracing::warn!(peer = %peer_id, "the peer does not gossip: compare the modes");
            }
        }
    }

    fn on_message(
        &mut self,
        peer: PeerId,
        message: gossipsub::MessageId,
        content: gossipsub::Message,
    ) {
        let hub = self.hub.clone();
        let Some(from) = hub.directory.replica(&peer) else {
            return;
        };
        let judged = Judged {
            message,
            peer,
            from,
        };
        let len = content.data.len();
        let fault = if len <= PREFIX {
            Some(Fault::Malformed)
        } else if len > PREFIX + hub.config.max_frame {
            Some(Fault::Oversized)
        } else {
            None
        };
        if let Some(fault) = fault {
            hub.blame(from, fault);
            return self.report(&judged, MessageAcceptance::Reject);
        }
        // Gossipsub delivers what we have subscribed to, and nothing else.
        let Some(channel) = self.topics.channel(&content.topic) else {
            return self.report(&judged, MessageAcceptance::Ignore);
        };
        let ticket = hub.tickets.open(judged.clone(), Instant::now());
        let delivery = Delivery {
            from,
            direct: false,
            channel,
            bytes: Bytes::from(content.data).slice(PREFIX..),
            ticket: Some(ticket),
        };
        if !hub.inbox.offer(delivery) {
            hub.tickets.close(ticket);
            hub.tally.dropped(from, 1);
            self.report(&judged, MessageAcceptance::Ignore);
        }
    }

    fn report(&mut self, judged: &Judged, acceptance: MessageAcceptance) {
        if let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() {
            gossip.report_message_validation_result(&judged.message, &judged.peer, acceptance);
        }
    }

    /// Publishes what is queued for topics that somebody listens to; the rest waits.
    fn publish(&mut self) {
        let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() else {
            return;
        };
        let mut frames = Vec::new();
        for channel in Channel::ALL {
            if !self.hub.links.has_subscriber(channel) {
                continue;
            }
            self.hub.gossip[channel as usize].take(&mut frames, PUBLISH_BATCH, usize::MAX);
            if frames.len() == PUBLISH_BATCH {
                self.hub.wake.notify_one();
            }
            for frame in frames.drain(..) {
                let message = self.numbers.message(&frame);
                let topic = self.topics.of(channel).hash();
                match gossip.publish(topic, message) {
                    Ok(_) => {}
                    Err(error) => {
                        self.hub.drop_for_all();
                        if !matches!(
                            error,
                            PublishError::NoPeersSubscribedToTopic | PublishError::AllQueuesFull(_)
                        ) {
                            tracing::warn!(%error, ?channel, "not published");
                        }
                    }
                }
            }
        }
    }
}

/// How long to wait after so many failures.
fn backoff(hub: &Hub, peer: ReplicaId, failures: u32) -> Duration {
    let rule = hub.config.backoff;
    let doubled = rule.first.saturating_mul(1 << failures.min(16));
    let wait = doubled.min(rule.last);
    // Spread, so that replicas that lost each other together do not dial together.
    let seed = [hub.directory.me().0, peer.0, failures as u16];
    let bytes: Vec<u8> = seed.iter().flat_map(|part| part.to_le_bytes()).collect();
    let spread = u32::from(blake3::hash(&bytes).as_bytes()[0]);
    wait + wait * spread / 1024
}
