//! The libp2p swarm, and the task that runs it.
//!
//! It connects, admits, publishes and passes on. Direct streams do not pass through it.

use crate::dialing::Dialing;
use crate::gate::Gate;
use crate::gossip::{self, Judged, Numbers, Topics};
use crate::hub::Hub;
use crate::tasks::Spawner;
use crate::{Link, Mode, NetworkError};
use futures::StreamExt;
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::gossipsub::MessageAcceptance;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{self, DialError, ListenError, NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, Transport as _, noise, ping, tcp, yamux};
use libp2p_stream::Control;
use quorate_core::{Fault, ReplicaId};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};

/// Streams that a peer may have open to us: six direct ones in both directions, gossip, pings,
/// and some that are being replaced.
const MOST_STREAMS: usize = 64;

/// The parts of the swarm. The gate is first: what it refuses, no other part sees.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    gate: Gate,
    limits: connection_limits::Behaviour,
    ping: ping::Behaviour,
    pub(crate) gossip: Toggle<gossip::Behaviour>,
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

/// Runs the swarm.
pub(crate) struct SwarmTask {
    pub(crate) swarm: Swarm<Behaviour>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) topics: Topics,
    pub(crate) numbers: Numbers,
    verdicts: mpsc::Receiver<(Judged, MessageAcceptance)>,
    dialing: Dialing,
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
        let me = hub.directory.me();
        let dialing = Dialing::new(me, config.backoff, hub.directory.len());
        let mut task = Self {
            swarm,
            topics,
            numbers: Numbers::new(),
            verdicts,
            dialing,
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
        self.dialing.connected(peer, Instant::now());
        self.hub.links.connect(peer);
        // It may have been banned while it connected.
        self.enforce_bans();
    }

    fn on_disconnected(&mut self, peer: ReplicaId) {
        self.hub.links.disconnect(peer);
        let next = self.dialing.disconnected(peer, Instant::now());
        self.alarm = self.alarm.min(next);
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
        if let Some(next) = self.dialing.failed(peer, Instant::now()) {
            self.alarm = self.alarm.min(next);
        }
    }

    /// Dials whoever is due, and sets the alarm for the next.
    fn dial(&mut self) {
        let now = Instant::now();
        self.alarm = now + Duration::from_secs(60);
        let hub = self.hub.clone();
        for peer in hub.directory.others() {
            let Some(address) = hub.address(peer) else {
                continue;
            };
            let Some(due) = self.dialing.due(peer, now) else {
                continue;
            };
            let due = due.max(hub.standing.banned_until(peer, now).unwrap_or(now));
            if due > now {
                self.alarm = self.alarm.min(due);
                continue;
            }
            self.dialing.started(peer);
            // A port of its own: from the listener's, a connection to where one was closed a
            // moment ago may be refused by the system.
            let dial = DialOpts::peer_id(hub.directory.peer(peer))
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .allocate_new_port()
                .addresses(vec![multiaddr(hub.config.link, address)])
                .build();
            if let Err(error) = self.swarm.dial(dial) {
                self.on_dial_error(peer, &error);
            }
        }
    }

    fn enforce_bans(&mut self) {
        let now = Instant::now();
        for peer in self.hub.directory.others() {
            if self.dialing.is_connected(peer)
                && self.hub.standing.banned_until(peer, now).is_some()
            {
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
}
