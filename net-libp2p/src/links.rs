//! Which peers are connected, and which streams are up.

use quorate_core::{Channel, ReplicaId};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
use tokio::sync::watch;

/// A bit for each channel.
const fn bit(channel: Channel) -> u8 {
    1 << channel as u8
}

/// Every bit.
const ALL: u8 = 0b111;

struct Peer {
    connected: watch::Sender<bool>,
    /// Channels whose outbound stream has been acknowledged.
    streams: AtomicU8,
    /// Channels whose gossip topic the peer has subscribed to.
    topics: AtomicU8,
}

/// What is known of the way to each peer.
pub(crate) struct Links {
    peers: Vec<Peer>,
    connected: AtomicUsize,
    changed: watch::Sender<()>,
}

impl Links {
    pub(crate) fn new(validators: usize) -> Self {
        let peer = |_| Peer {
            connected: watch::Sender::new(false),
            streams: AtomicU8::new(0),
            topics: AtomicU8::new(0),
        };
        Self {
            peers: (0..validators).map(peer).collect(),
            connected: AtomicUsize::new(0),
            changed: watch::Sender::new(()),
        }
    }

    /// The peer is connected.
    pub(crate) fn connect(&self, peer: ReplicaId) {
        if !self.peers[peer.index()].connected.send_replace(true) {
            self.connected.fetch_add(1, SeqCst);
            self.changed.send_replace(());
        }
    }

    /// The peer has lost its last connection.
    pub(crate) fn disconnect(&self, peer: ReplicaId) {
        let link = &self.peers[peer.index()];
        if link.connected.send_replace(false) {
            self.connected.fetch_sub(1, SeqCst);
            link.topics.store(0, SeqCst);
            self.changed.send_replace(());
        }
    }

    /// The channel's outbound stream to the peer has been acknowledged.
    pub(crate) fn stream_up(&self, peer: ReplicaId, channel: Channel) {
        let streams = &self.peers[peer.index()].streams;
        streams.fetch_or(bit(channel), SeqCst);
        self.changed.send_replace(());
    }

    /// The channel's outbound stream to the peer has ended.
    pub(crate) fn stream_down(&self, peer: ReplicaId, channel: Channel) {
        let streams = &self.peers[peer.index()].streams;
        streams.fetch_and(!bit(channel), SeqCst);
        self.changed.send_replace(());
    }

    /// The peer wants the channel's gossip.
    pub(crate) fn subscribe(&self, peer: ReplicaId, channel: Channel) {
        let topics = &self.peers[peer.index()].topics;
        topics.fetch_or(bit(channel), SeqCst);
        self.changed.send_replace(());
    }

    /// The peer no longer wants the channel's gossip.
    pub(crate) fn unsubscribe(&self, peer: ReplicaId, channel: Channel) {
        let topics = &self.peers[peer.index()].topics;
        topics.fetch_and(!bit(channel), SeqCst);
        self.changed.send_replace(());
    }

    /// How many peers are connected.
    pub(crate) fn connected(&self) -> usize {
        self.connected.load(SeqCst)
    }

    /// Follows whether a peer is connected.
    pub(crate) fn watch(&self, peer: ReplicaId) -> watch::Receiver<bool> {
        self.peers[peer.index()].connected.subscribe()
    }

    /// Follows changes of anything.
    pub(crate) fn watch_all(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Whether every stream to the peer is up.
    pub(crate) fn has_streams(&self, peer: ReplicaId) -> bool {
        self.peers[peer.index()].streams.load(SeqCst) == ALL
    }

    /// Whether the peer has subscribed to every topic.
    pub(crate) fn has_topics(&self, peer: ReplicaId) -> bool {
        self.peers[peer.index()].topics.load(SeqCst) == ALL
    }

    /// Whether anybody has subscribed to the channel's topic.
    pub(crate) fn has_subscriber(&self, channel: Channel) -> bool {
        let subscribed = |peer: &Peer| peer.topics.load(SeqCst) & bit(channel) != 0;
        self.peers.iter().any(subscribed)
    }
}
