//! Replicas that are fed what no correct peer sends, over real sockets.
//!
//! Three replicas of four are correct. The fourth's keys belong to an attacker, who uses the same
//! transport to send what it likes. The replicas must stay up, go on deciding, count each fault
//! under its cause, and end the connection of who commits too many.

use crate::support::{CHAIN, Site, Snapshots, agreed, free_addresses, keys, submit, until, within};
use quorate::{
    ChainId, ClientId, Engine, NetworkMode, ReplicaHandle, ReplicaId, ReplicaStatus, SchemeKind,
    ValidatorSet,
};
use quorate_core::wire::{self, Envelope};
use quorate_core::{
    Channel, Destination, Digest, Domain, Epoch, Fault, Frame, Height, KeyRole, Kind, Protocol,
    Signed, Statement, Transport,
};
use quorate_crypto::{Bls, Ed25519, KeyedScheme};
use quorate_net_libp2p::{Libp2pTransport, NetworkConfig};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
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

/// Something that no correct peer sends.
struct Attack {
    what: &'static str,
    fault: Fault,
    channel: Channel,
    bytes: Vec<u8>,
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

/// Everything that can be wrong with a frame, by what it is counted as.
fn attacks<P>(body: P::Body) -> Vec<Attack>
where
    P: Protocol,
    P::Scheme: KeyedScheme,
{
    use Channel::{Blocks, Service, Votes};
    let domain = domain::<P>();
    let own = |domain| message(domain, ATTACKER, 1, &[7; 64]);
    let service = |kind, content: &[u8]| message(domain, ATTACKER, kind, content);
    let truthful = forged::<P>(ATTACKER, body.clone());
    let mut trailing = truthful.clone();
    trailing.push(0);
    let attack = |what, fault, channel, bytes| Attack {
        what,
        fault,
        channel,
        bytes,
    };
    let version = domain.wire + 1;
    vec![
        attack("a few bytes", Fault::Malformed, Votes, vec![9; 5]),
        attack("garbage", Fault::WrongEngine, Blocks, vec![0xee; 5000]),
        attack(
            "too much",
            Fault::Oversized,
            Blocks,
            vec![1; FRAME_BYTES + 1],
        ),
        attack(
            "another version",
            Fault::UnknownVersion,
            Votes,
            own(Domain {
                wire: version,
                ..domain
            }),
        ),
        attack(
            "another chain",
            Fault::WrongChain,
            Votes,
            own(Domain {
                chain: ChainId(8),
                ..domain
            }),
        ),
        attack(
            "another engine",
            Fault::WrongEngine,
            Votes,
            own(Domain {
                engine: 77,
                ..domain
            }),
        ),
        attack(
            "another epoch",
            Fault::WrongEpoch,
            Votes,
            own(Domain {
                epoch: Epoch(1),
                ..domain
            }),
        ),
        attack(
            "no body",
            Fault::Malformed,
            Votes,
            message(domain, ATTACKER, 1, &[0xff; 64]),
        ),
        attack(
            "no content",
            Fault::Malformed,
            Blocks,
            message(domain, ATTACKER, 1, &[]),
        ),
        attack("a byte too many", Fault::Malformed, Votes, trailing),
        attack(
            "no such service",
            Fault::Malformed,
            Service,
            service(UNKNOWN_SERVICE, &[1]),
        ),
        attack(
            "half a question",
            Fault::Malformed,
            Service,
            service(FETCH_DECISIONS, &[1; 3]),
        ),
        attack(
            "no batch",
            Fault::InvalidPayload,
            Service,
            service(FORWARD, &[1; 9]),
        ),
        attack(
            "a service for another",
            Fault::Stranger,
            Service,
            message(domain, ReplicaId(1), FETCH_DECISIONS, &[0; 8]),
        ),
        attack(
            "a vote for another",
            Fault::Stranger,
            Votes,
            forged::<P>(ReplicaId(1), body),
        ),
        attack("a bad signature", Fault::BadSignature, Votes, truthful),
    ]
}

/// Sends every attack once: each is counted under its cause, and the replicas go on. `body` makes
/// a message that is worth checking where the victim stands.
async fn counts_by_cause<P>(engine: Engine, body: impl Fn(&ReplicaStatus) -> P::Body)
where
    P: Protocol,
    P::Scheme: KeyedScheme,
{
    let mut scene = Scene::start(engine, NetworkMode::Direct).await;
    let next = |scene: &Scene| attacks::<P>(body(&scene.victim().status()));
    let mut expected = BTreeMap::new();
    for index in 0..next(&scene).len() {
        let attack = next(&scene).swap_remove(index);
        if attack.fault == Fault::BadSignature {
            continue;
        }
        let count = expected.entry(attack.fault).or_default();
        *count += 1;
        scene.send(attack.channel, attack.bytes);
        scene.counted(attack.what, attack.fault, *count).await;
    }
    let faults = scene.victim().traffic().faults;
    assert_eq!(faults, expected, "these and nothing else");
    // One fault short of losing the connection, or there would be nothing left to hear.
    let punishable = expected.iter().filter(|(fault, _)| fault.is_punishable());
    assert!(punishable.map(|(_, count)| count).sum::<u64>() < TOLERATED);
    assert_eq!(scene.victim().traffic().connected, 3);
    scene.goes_on().await;

    let forgery = async {
        // The replicas may have gone on to another height before it arrives: then it is stale.
        while scene.count(Fault::BadSignature) == 0 {
            let forgery = next(&scene).pop().expect("the last attack");
            assert_eq!(forgery.fault, Fault::BadSignature);
            scene.send(forgery.channel, forgery.bytes);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    within("a forgery", forgery).await;
    scene.goes_on().await;
    scene.stop().await;
}

#[cfg(feature = "pbft")]
mod pbft {
    use super::*;
    use quorate_core::{Body as _, Payload, View};
    use quorate_pbft::{Body, Pbft, Vote};

    type Engine = Pbft<Ed25519>;

    fn prepare(height: u64, payload: &str) -> <Engine as Protocol>::Body {
        Body::Prepare(Vote {
            view: View::ZERO,
            height: Height(height),
            digest: *Payload::new(payload.as_bytes()).digest(),
        })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn faults_are_counted_by_cause() {
        counts_by_cause::<Engine>(quorate::Engine::Pbft, |status| {
            prepare(status.decided.0 + 1, "forged")
        })
        .await;
    }

    /// Each fault that proves a bug or intent costs the connection when it is repeated.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn repeated_faults_cost_the_connection() {
        let count = attacks::<Engine>(prepare(20, "forged")).len();
        for index in 0..count {
            let attack = || attacks::<Engine>(prepare(20, "forged")).swap_remove(index);
            let Attack { what, fault, .. } = attack();
            // Of these one a height is looked at; see below.
            if fault == Fault::BadSignature {
                continue;
            }
            let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Direct).await;
            // One after the other: a fault may end the stream, with whatever is on it.
            for count in 1..=TOLERATED {
                let Attack { channel, bytes, .. } = attack();
                scene.send(channel, bytes);
                scene.counted(what, fault, count).await;
            }
            if fault.is_punishable() {
                let refused = || scene.victim().traffic().connected == 2;
                until(&format!("{what}: refused"), refused).await;
            } else {
                let connected = scene.victim().traffic().connected;
                assert_eq!(connected, 3, "{what} is forgiven");
            }
            scene.goes_on().await;
            scene.stop().await;
        }
    }

    /// One bad signature is looked at for each height: they cost little, and in the end the
    /// connection.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn bad_signatures_cost_one_check_a_height_and_the_connection() {
        let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Direct).await;
        let mut rounds = 0;
        while scene.victim().traffic().connected == 3 {
            rounds += 1;
            assert!(rounds < 100, "{} faults", scene.count(Fault::BadSignature));
            let before = scene.victim().status().decided;
            for ahead in 1..20 {
                let body = prepare(before.0 + ahead, "forged");
                scene.send(Channel::Votes, forged::<Engine>(ATTACKER, body));
            }
            scene
                .counted("a forgery", Fault::BadSignature, rounds.min(TOLERATED))
                .await;
            scene.goes_on().await;
        }
        let heights = scene.victim().status().decided.0;
        assert!(scene.count(Fault::BadSignature) <= heights + 1);
        scene.stop().await;
    }

    /// A validator that contradicts itself is found out.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn contradictions_become_evidence() {
        let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Direct).await;
        let height = scene.next_height().await;
        for payload in ["one thing", "another"] {
            let body = prepare(height, payload);
            let statement = body.signing().statement(&domain::<Engine>());
            let signature = Ed25519::sign_with(&keys(3), KeyRole::Voting, statement);
            let signed = Signed::<Engine> {
                by: ATTACKER,
                body,
                signature,
            };
            scene.send(
                Channel::Votes,
                wire::encode(&domain::<Engine>(), &signed).to_vec(),
            );
        }
        until("evidence", || scene.victim().status().evidence > 0).await;
        scene
            .counted("a contradiction", Fault::Equivocation, 1)
            .await;
        scene.goes_on().await;
        scene.stop().await;
    }

    /// What is gossiped is not passed on if it is bad, and costs whoever handed it over.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn gossiped_garbage_is_counted_and_costs_the_connection() {
        let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Gossip).await;
        for (attack, round) in (0..2).flat_map(|round| {
            let all = attacks::<Engine>(prepare(20, "forged")).into_iter();
            all.map(move |attack| (attack, round))
        }) {
            if !matches!(
                attack.fault,
                Fault::Malformed | Fault::WrongEngine | Fault::WrongChain
            ) {
                continue;
            }
            let Attack {
                channel, mut bytes, ..
            } = attack;
            if channel == Channel::Service {
                continue;
            }
            // Equal messages are gossiped once.
            bytes.push(round);
            let frame = Frame {
                channel,
                kind: 0,
                bytes: bytes.into(),
            };
            scene.attacker.send(Destination::Others, frame);
        }
        scene.counted("gossip", Fault::WrongChain, 1).await;
        scene.counted("gossip", Fault::WrongEngine, 1).await;
        scene.counted("gossip", Fault::Malformed, 1).await;
        let refused = |replica: &ReplicaHandle| replica.traffic().connected == 2;
        until("refused by all", || scene.replicas.iter().all(refused)).await;
        scene.goes_on().await;
        scene.stop().await;
    }

    /// Whoever connects without a validator's key is turned away.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn strangers_are_turned_away() {
        let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Direct).await;
        let stranger = keys(40);
        let mut validators: Vec<_> = scene
            .site
            .validators()
            .iter()
            .map(|(_, found)| found.clone())
            .collect();
        validators[3] = SchemeKind::Ed25519.validator(&stranger, 1);
        let validators = ValidatorSet::new(validators).expect("a set of the stranger's own");
        let name = scene.site.network_name(CHAIN);
        let mut config = NetworkConfig::new(name, free_addresses(1)[0]);
        config.peers = peers(&scene.site);
        let secret = *stranger.identity_secret();
        let transport = Libp2pTransport::start(config, secret, ATTACKER, &validators);
        let transport = transport.await.expect("it starts");
        scene
            .counted("a stranger's connections", Fault::Stranger, 2)
            .await;
        let connected = transport
            .wait_until_connected(Duration::from_millis(200))
            .await;
        assert!(!connected, "nobody lets a stranger in");
        assert_eq!(
            scene.victim().traffic().connected,
            3,
            "nobody else is affected"
        );
        scene.goes_on().await;
        transport.shut_down().await;
        scene.stop().await;
    }

    /// A validator that belongs to another network is told so, and then refused.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_validator_of_another_network_is_refused() {
        let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Direct).await;
        scene.attacker.shut_down().await;
        until("the attacker is gone", || {
            scene.victim().traffic().connected == 2
        })
        .await;
        let elsewhere = scene.site.network_name(ChainId(8));
        scene.attacker = validator(&scene.site, &elsewhere).await;
        scene.counted("hellos", Fault::WrongChain, TOLERATED).await;
        until("refused", || scene.victim().traffic().connected == 2).await;
        scene.goes_on().await;
        scene.stop().await;
    }

    /// Bytes that are no handshake, and connections that never get that far.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn raw_connections_are_counted_and_closed() {
        let mut scene = Scene::start(quorate::Engine::Pbft, NetworkMode::Direct).await;
        let address = scene.site.address(0);
        let connect = || TcpStream::connect(address).expect("the port is open");
        let handshake = b"\x13/multistream/1.0.0\n\x07/noise\n";
        let noise = [&handshake[..], &[0xff; 500]].concat();
        for bytes in [&[0xee; 4096][..], b"GET / HTTP/1.1\r\n\r\n", &noise] {
            let before = scene.count(Fault::Malformed);
            connect()
                .write_all(bytes)
                .expect("the first bytes are taken");
            scene.counted("garbage", Fault::Malformed, before + 1).await;
        }
        // More than may be in their handshake at one time, and none of them says anything.
        let before = scene.count(Fault::Malformed);
        let idle: Vec<_> = (0..80).map(|_| connect()).collect();
        scene.goes_on().await;
        scene
            .counted("silence", Fault::Malformed, before + 40)
            .await;
        drop(idle);
        assert_eq!(
            scene.victim().traffic().connected,
            3,
            "nobody else is affected"
        );
        scene.goes_on().await;
        scene.stop().await;
    }
}

#[cfg(feature = "hotstuff")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hotstuff_counts_faults_by_cause() {
    use quorate_core::View;
    use quorate_hotstuff::{Body, HotStuff, TwoChain, Vote};
    use std::sync::atomic::{AtomicU64, Ordering};
    // One vote in four is the victim's to collect.
    let turn = AtomicU64::new(0);
    let body = |status: &ReplicaStatus| {
        let ahead = 4 + turn.fetch_add(1, Ordering::Relaxed) % 4;
        Body::Vote(Vote {
            view: View(status.place.view.0 + ahead),
            height: status.decided.next(),
            block: Digest::ZERO,
            commits: None,
        })
    };
    counts_by_cause::<HotStuff<Bls, TwoChain>>(Engine::HotStuffTwoChain, body).await;
}

#[cfg(feature = "tendermint")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tendermint_counts_faults_by_cause() {
    use quorate_core::View;
    use quorate_tendermint::{Body, Tendermint, Value, Vote};
    let body = |status: &ReplicaStatus| {
        Body::Prevote(Vote {
            height: status.decided.next(),
            round: View::ZERO,
            value: Value::NIL,
        })
    };
    counts_by_cause::<Tendermint<Ed25519>>(Engine::Tendermint, body).await;
}
