//! A hand-made libp2p node that does as it pleases.

use crate::cluster::{NETWORK, PATIENCE};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol, Swarm, Transport, gossipsub, noise, tcp, yamux,
};
use libp2p_stream::Control;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// A connection to one node, with whatever key.
pub(crate) struct Rogue {
    control: Control,
    target: PeerId,
    connected: watch::Receiver<bool>,
    dial: mpsc::UnboundedSender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Rogue {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Rogue {
    pub(crate) fn new(key: &Keypair, target: PeerId, address: SocketAddr) -> Self {
        let transport = tcp::tokio::Transport::default()
            .upgrade(Version::V1Lazy)
            .authenticate(noise::Config::new(key).unwrap())
            .multiplex(yamux::Config::default())
            .boxed();
        let config = libp2p::swarm::Config::with_tokio_executor()
            .with_idle_connection_timeout(Duration::from_secs(60));
        let behaviour = libp2p_stream::Behaviour::new();
        let control = behaviour.new_control();
        let mut swarm = Swarm::new(transport, behaviour, key.public().to_peer_id(), config);
        let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/{}", address.port())
            .parse()
            .unwrap();
        let (says, connected) = watch::channel(false);
        let (dial, mut dials) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    Some(()) = dials.recv() => {
                        let options = DialOpts::peer_id(target)
                            .allocate_new_port()
                            .addresses(vec![address.clone()])
                            .build();
                        let _ = swarm.dial(options);
                    }
                    event = swarm.select_next_some() => match event {
                        SwarmEvent::ConnectionEstablished { .. } => {
                            says.send_replace(true);
                        }
                        SwarmEvent::ConnectionClosed { num_established: 0, .. } => {
                            says.send_replace(false);
                        }
                        _ => {}
                    }
                }
            }
        });
        Self {
            control,
            target,
            connected,
            dial,
            task,
        }
    }

    pub(crate) fn dial(&self) {
        self.dial.send(()).unwrap();
    }

    /// Dials until connected. Whoever refuses closes the connection only after it is made.
    pub(crate) async fn connect(&mut self) {
        let connecting = async {
            while !*self.connected.borrow() {
                self.dial();
                let _ = timeout(Duration::from_millis(200), self.connected.changed()).await;
            }
        };
        timeout(PATIENCE, connecting).await.unwrap();
    }

    pub(crate) async fn wait_until_disconnected(&mut self) {
        let gone = self.connected.wait_for(|connected| !connected);
        timeout(PATIENCE, gone).await.unwrap().unwrap();
    }

    /// Opens a stream on which nothing has been said.
    pub(crate) async fn open(&mut self, channel: &str) -> Stream {
        let protocol = StreamProtocol::try_from_owned(format!("/quorate/{channel}/1")).unwrap();
        let opening = self.control.open_stream(self.target, protocol);
        timeout(PATIENCE, opening).await.unwrap().unwrap()
    }

    /// Opens a stream, says this, and reads the answer, if one comes.
    pub(crate) async fn say(&mut self, channel: &str, hello: &[u8]) -> (Stream, Option<u8>) {
        let mut stream = self.open(channel).await;
        stream.write_all(hello).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = [0; 5];
        let read = timeout(PATIENCE, stream.read_exact(&mut answer)).await;
        let heard = read.unwrap().is_ok().then_some(answer[4]);
        (stream, heard)
    }
}

/// A hello as it should be: written out here once more, so that the format cannot drift.
pub(crate) fn hello(sender: u16, channel: u8) -> Vec<u8> {
    let mut bytes = b"QRTE\x01\x00".to_vec();
    let network = blake3::derive_key("quorate 2026 network name v1", NETWORK.as_bytes());
    bytes.extend_from_slice(&network);
    bytes.extend_from_slice(&sender.to_le_bytes());
    bytes.push(channel);
    bytes
}

/// Connects and gossips on a topic, a message for each number, until the task is aborted.
pub(crate) fn gossip(
    key: &Keypair,
    address: SocketAddr,
    topic: &str,
    message: impl Fn(u64) -> Vec<u8> + Send + 'static,
) -> tokio::task::JoinHandle<()> {
    let transport = tcp::tokio::Transport::default()
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(key).unwrap())
        .multiplex(yamux::Config::default())
        .boxed();
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .flood_publish(true)
        .message_id_fn(|message| gossipsub::MessageId::new(&message.data))
        .build()
        .unwrap();
    let authenticity = gossipsub::MessageAuthenticity::Anonymous;
    let behaviour: gossipsub::Behaviour = gossipsub::Behaviour::new(authenticity, config).unwrap();
    let config = libp2p::swarm::Config::with_tokio_executor();
    let mut swarm = Swarm::new(transport, behaviour, key.public().to_peer_id(), config);
    let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/{}", address.port())
        .parse()
        .unwrap();
    let topic = gossipsub::IdentTopic::new(topic);
    swarm.dial(address).unwrap();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        let mut number = 0;
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    // Fails until the other side has subscribed.
                    let _ = swarm.behaviour_mut().publish(topic.hash(), message(number));
                    number += 1;
                }
                _ = swarm.select_next_some() => {}
            }
        }
    })
}
