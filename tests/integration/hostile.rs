//! Replicas that are fed what no correct peer sends, over real sockets.
//!
//! Three replicas of four are correct. The fourth's keys belong to an attacker, who uses the same
//! transport to send what it likes. The replicas must stay up, go on deciding, count each fault
//! under its cause, and end the connection of who commits too many.

mod attacks;
#[cfg(feature = "pbft")]
mod connections;
#[cfg(feature = "pbft")]
mod flood;
#[cfg(feature = "pbft")]
mod pbft;

use crate::support::{CHAIN, Site, Snapshots, agreed, keys, submit, until, within};
use quorate::{ChainId, ClientId, Engine, NetworkMode, ReplicaHandle, ReplicaId};
use quorate_core::wire::{self, Envelope};
use quorate_core::{
    Channel, Destination, Digest, Domain, Epoch, Fault, Frame, Height, KeyRole, Kind, Protocol,
    Signed, Statement, Transport,
};
use quorate_crypto::{Bls, Ed25519, KeyedScheme};
use quorate_net_libp2p::{Libp2pTransport, NetworkConfig};
use std::net::SocketAddr;
use std::time::Duration;

/// The attacker's place among the members.
const ATTACKER: ReplicaId = ReplicaId(3);

/// The longest frame that the replicas accept here.
const FRAME_BYTES: usize = 5 << 20;

/// So many punishable faults within a minute end a connection.
const TOLERATED: u64 = 16;

/// A kind of service message that nobody knows, and two that exist.
const UNKNOWN_SERVICE: Kind = 200;
const FORWARD: Kind = wire::FIRST_SERVICE_KIND + 1;
const FETCH_DECISIONS: Kind = wire::FIRST_SERVICE_KIND + 3;

/// Three correct replicas, and the attacker's transport.
struct Scene {
    site: Site,
    replicas: Vec<ReplicaHandle>,
    attacker: Libp2pTransport,
    submitted: usize,
}

impl Scene {
    async fn start(engine: Engine, network: NetworkMode) -> Self {
        let mut site = Site::new(engine);
        site.network = network;
        let mut replicas = Vec::new();
        for index in 0..3 {
            let builder = site.builder(index, Snapshots::Missing).in_memory();
            let builder = builder.configure(|config| config.frame_bytes = FRAME_BYTES);
            replicas.push(builder.start().await.expect("it starts"));
        }
        let attacker = validator(&site, &site.network_name(CHAIN)).await;
        let connected = attacker.wait_until_connected(Duration::from_secs(60)).await;
        assert!(connected, "the attacker is a validator, so it is let in");
        let mut scene = Self {
            site,
            replicas,
            attacker,
            submitted: 0,
        };
        scene.goes_on().await;
        scene
    }

    fn victim(&self) -> &ReplicaHandle {
        &self.replicas[0]
    }

    /// The height that is decided next, once nothing is under way: the status is published a
    /// little later than things happen.
    async fn next_height(&self) -> u64 {
        let mut decided = self.victim().status().decided;
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = self.victim().status().decided;
            if now == decided {
                return decided.0 + 1;
            }
            decided = now;
        }
    }

    /// The three order requests, and agree.
    async fn goes_on(&mut self) {
        for replica in &self.replicas {
            let client = ClientId(replica.status().me.0.into());
            submit(replica, client, 2).await;
        }
        self.submitted += 2 * self.replicas.len();
        let replicas: Vec<_> = self.replicas.iter().collect();
        agreed(&replicas, self.submitted).await;
        for replica in replicas {
            assert_eq!(replica.status().failure, None);
        }
    }

    fn count(&self, fault: Fault) -> u64 {
        let faults = self.victim().traffic().faults;
        faults.get(&fault).copied().unwrap_or(0)
    }

    /// Waits until the victim has counted so many.
    async fn counted(&self, what: &str, fault: Fault, count: u64) {
        let what = format!("{what}: {count} counted as {}", fault.name());
        until(&what, || self.count(fault) >= count).await;
    }

    fn send(&self, channel: Channel, bytes: Vec<u8>) {
        let frame = Frame {
            channel,
            kind: 0,
            bytes: bytes.into(),
        };
        self.attacker.send(Destination::One(ReplicaId(0)), frame);
    }

    async fn stop(self) {
        self.attacker.shut_down().await;
        for replica in &self.replicas {
            within("the stop", replica.stop()).await;
        }
    }
}

/// A transport with the attacker's key, under the name of some network.
async fn validator(site: &Site, network: &str) -> Libp2pTransport {
    let mut config = NetworkConfig::new(network, site.address(ATTACKER.index()));
    config.mode = match site.network {
        NetworkMode::Gossip => quorate_net_libp2p::Mode::Gossip,
        _ => quorate_net_libp2p::Mode::Direct,
    };
    config.peers = peers(site);
    let secret = *keys(ATTACKER.index()).identity_secret();
    let validators = site.validators();
    let started = Libp2pTransport::start(config, secret, ATTACKER, &validators);
    started.await.expect("it starts")
}

/// Where the correct replicas listen.
fn peers(site: &Site) -> Vec<(ReplicaId, SocketAddr)> {
    let address = |index: u16| (ReplicaId(index), site.address(index.into()));
    (0..3).map(address).collect()
}

fn domain<P: Protocol>() -> Domain {
    Domain {
        engine: P::ENGINE,
        wire: P::WIRE,
        chain: CHAIN,
        epoch: Epoch(0),
    }
}

fn message(domain: Domain, sender: ReplicaId, kind: Kind, content: &[u8]) -> Vec<u8> {
    let envelope = Envelope {
        domain,
        sender,
        kind,
    };
    let mut bytes = envelope.start(content.len());
    bytes.extend_from_slice(content);
    bytes
}

/// A body with a signature of the attacker's, or of somebody else's, on something else.
fn forged<P>(by: ReplicaId, body: P::Body) -> Vec<u8>
where
    P: Protocol,
    P::Scheme: KeyedScheme,
{
    use quorate_core::Body;
    let role = body.signing().key;
    let signature = P::Scheme::sign_with(&keys(by.index()), role, Statement(Digest::ZERO));
    let signed = Signed::<P> {
        by,
        body,
        signature,
    };
    wire::encode(&domain::<P>(), &signed).to_vec()
}
