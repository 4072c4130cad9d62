//! Validators, their transports, and frames.

use libp2p::identity::Keypair;
use quorate_core::wire::Envelope;
use quorate_core::{
    ChainId, Channel, Delivery, Destination, Domain, Epoch, Fault, Frame, Kind, ReplicaId,
    Transport, Validator, ValidatorSet,
};
use quorate_net_libp2p::{Libp2pTransport, Mode, NetworkConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const NETWORK: &str = "chain-7/mock/1";

pub(crate) fn secret(replica: u16) -> [u8; 32] {
    [replica as u8 + 1; 32]
}

pub(crate) fn keypair(replica: u16) -> Keypair {
    Keypair::ed25519_from_bytes(secret(replica)).unwrap()
}

pub(crate) fn validators(n: u16) -> ValidatorSet {
    let validator = |replica| Validator {
        identity: keypair(replica)
            .public()
            .try_into_ed25519()
            .unwrap()
            .to_bytes(),
        voting: None,
        power: 1,
    };
    ValidatorSet::new((0..n).map(validator).collect()).unwrap()
}

pub(crate) fn config(mode: Mode) -> NetworkConfig {
    let mut config = NetworkConfig::new(NETWORK, "127.0.0.1:0".parse().unwrap());
    config.mode = mode;
    config
}

pub(crate) async fn bind(config: NetworkConfig, me: u16, n: u16) -> Arc<Libp2pTransport> {
    let bound = Libp2pTransport::bind(config, secret(me), ReplicaId(me), &validators(n)).await;
    Arc::new(bound.unwrap())
}

/// Starts n transports that know each other, and waits until all streams are up.
pub(crate) async fn cluster(n: u16, config: &NetworkConfig) -> Vec<Arc<Libp2pTransport>> {
    let mut nodes = Vec::new();
    for me in 0..n {
        nodes.push(bind(config.clone(), me, n).await);
    }
    introduce(&nodes);
    for node in &nodes {
        assert!(node.wait_until_connected(PATIENCE).await);
    }
    nodes
}

/// Tells everybody where everybody listens.
pub(crate) fn introduce(nodes: &[Arc<Libp2pTransport>]) {
    let addresses: Vec<_> = (0..)
        .map(ReplicaId)
        .zip(nodes.iter().map(|node| node.local_address()))
        .collect();
    for node in nodes {
        node.connect(addresses.clone()).unwrap();
    }
}

/// A frame of `len` bytes with a number in it.
pub(crate) fn frame(channel: Channel, kind: Kind, sender: u16, number: u32, len: usize) -> Frame {
    let envelope = Envelope {
        domain: Domain {
            engine: 0,
            wire: 1,
            chain: ChainId(7),
            epoch: Epoch(0),
        },
        sender: ReplicaId(sender),
        kind,
    };
    let mut bytes = envelope.start(len);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.resize(len.max(Envelope::LEN + 4), 0xab);
    Frame {
        channel,
        kind,
        bytes: bytes.into(),
    }
}

/// The number in a frame.
pub(crate) fn number(delivery: &Delivery) -> u32 {
    let field = &delivery.bytes[Envelope::LEN..Envelope::LEN + 4];
    u32::from_le_bytes(field.try_into().unwrap())
}

/// Receives `count` deliveries.
pub(crate) async fn receive(node: &Libp2pTransport, count: usize) -> Vec<Delivery> {
    let mut all = Vec::new();
    let receiving = async {
        while all.len() < count {
            assert!(node.receive(&mut all, count).await);
        }
    };
    let done = timeout(PATIENCE, receiving).await;
    assert!(done.is_ok(), "{} of {count} deliveries came", all.len());
    all
}

/// Receives one delivery if one comes in time.
pub(crate) async fn receive_within(node: &Libp2pTransport, time: Duration) -> Option<Delivery> {
    let mut one = Vec::new();
    match timeout(time, node.receive(&mut one, 1)).await {
        Ok(true) => one.pop(),
        _ => None,
    }
}

/// Waits until a condition holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
}

pub(crate) fn faults(node: &Libp2pTransport, fault: Fault) -> u64 {
    node.counters().faults.get(&fault).copied().unwrap_or(0)
}

/// Shows that two transports still hear each other.
pub(crate) async fn assert_works(from: &Libp2pTransport, to: &Libp2pTransport, to_id: u16) {
    let probe = frame(Channel::Service, 99, 0, 4_242, 64);
    from.send(Destination::One(ReplicaId(to_id)), probe);
    let waiting = async { while number(&receive(to, 1).await[0]) != 4_242 {} };
    assert!(timeout(PATIENCE, waiting).await.is_ok());
}
