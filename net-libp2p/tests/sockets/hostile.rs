//! Whoever misbehaves is counted and refused, and harms nobody.

use crate::cluster::{
    NETWORK, PATIENCE, assert_works, bind, cluster, config, eventually, faults, frame, introduce,
    keypair, receive, receive_within,
};
use crate::rogue::{Rogue, gossip, hello};
use futures::AsyncWriteExt;
use libp2p::identity::Keypair;
use quorate_core::{Channel, Destination, Fault, ReplicaId, Transport, Verdict};
use quorate_net_libp2p::{Libp2pTransport, Mode, NetworkConfig, StandingRule};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// A replica whose only peer is a rogue with that peer's key.
async fn with_rogue(config: NetworkConfig) -> (Arc<Libp2pTransport>, Rogue) {
    let node = bind(config, 0, 2).await;
    let target = keypair(0).public().to_peer_id();
    let mut rogue = Rogue::new(&keypair(1), target, node.local_address());
    rogue.connect().await;
    (node, rogue)
}

fn lenient() -> NetworkConfig {
    let mut config = config(Mode::Direct);
    config.standing.faults = 1_000;
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_refused_and_counted() {
    let nodes = cluster(2, &config(Mode::Auto)).await;
    let target = keypair(0).public().to_peer_id();
    let key = Keypair::generate_ed25519();
    let mut stranger = Rogue::new(&key, target, nodes[0].local_address());
    for times in 1..=3 {
        stranger.dial();
        eventually("it is counted", || {
            faults(&nodes[0], Fault::Stranger) >= times
        })
        .await;
        stranger.wait_until_disconnected().await;
    }
    assert_eq!(nodes[0].counters().connected, 1);
    assert_works(&nodes[1], &nodes[0], 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_garbage_and_half_open_connections_are_survived() {
    let mut config = config(Mode::Direct);
    config.max_pending_inbound = 8;
    config.handshake_timeout = Duration::from_millis(500);
    let node = bind(config.clone(), 0, 2).await;
    let mut half_open = Vec::new();
    for _ in 0..40 {
        half_open.push(TcpStream::connect(node.local_address()).await.unwrap());
    }
    // Every one of the places is taken, until the time is up.
    let peer = bind(config, 1, 2).await;
    introduce(&[node.clone(), peer.clone()]);
    assert!(node.wait_until_connected(PATIENCE).await);
    eventually("what was half open is counted", || {
        faults(&node, Fault::Malformed) >= 8
    })
    .await;
    let before = faults(&node, Fault::Malformed);
    let mut garbage = TcpStream::connect(node.local_address()).await.unwrap();
    garbage.write_all(&[0x5a; 4096]).await.unwrap();
    eventually("garbage is counted", || {
        faults(&node, Fault::Malformed) > before
    })
    .await;
    assert_works(&peer, &node, 0).await;
    assert_eq!(node.counters().connected, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_hello_has_its_cause() {
    let (node, mut rogue) = with_rogue(lenient()).await;
    let changed = |place: usize| {
        let mut bytes = hello(1, 0);
        bytes[place] ^= 0x40;
        bytes
    };
    for (bytes, answer, fault) in [
        (vec![0x5a; 41], 1, Fault::Malformed),
        (b"GET ".to_vec(), 1, Fault::Malformed),
        (changed(4), 2, Fault::UnknownVersion),
        (changed(20), 3, Fault::WrongChain),
        (hello(0, 0), 4, Fault::Stranger),
    ] {
        let before = faults(&node, fault);
        let (_, heard) = rogue.say("votes", &bytes).await;
        assert_eq!(heard, Some(answer));
        eventually("it is counted", || faults(&node, fault) == before + 1).await;
    }
    let malformed = faults(&node, Fault::Malformed);
    let (_, heard) = rogue.say("blocks", &hello(1, 0)).await;
    assert_eq!(heard, Some(1), "a channel that is not the stream's");
    assert_eq!(faults(&node, Fault::Malformed), malformed + 1);
    let (_stream, heard) = rogue.say("votes", &hello(1, 0)).await;
    assert_eq!(heard, Some(0), "the right one is still welcome");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_frames_and_silence_end_the_stream_with_their_cause() {
    let mut config = lenient();
    config.frame_timeout = Duration::from_millis(100);
    config.hello_timeout = Duration::from_millis(100);
    let (node, mut rogue) = with_rogue(config).await;

    let (mut stream, heard) = rogue.say("votes", &hello(1, 0)).await;
    assert_eq!(heard, Some(0));
    let good = frame(Channel::Votes, 5, 1, 1, 40);
    let mut bytes = 40u32.to_le_bytes().to_vec();
    bytes.extend_from_slice(&good.bytes);
    bytes.extend_from_slice(&u32::MAX.to_le_bytes());
    stream.write_all(&bytes).await.unwrap();
    stream.flush().await.unwrap();
    let deliveries = receive(&node, 1).await;
    assert_eq!(
        deliveries[0].bytes, good.bytes,
        "what was good is delivered"
    );
    eventually("the length is counted", || {
        faults(&node, Fault::Oversized) == 1
    })
    .await;

    let (mut stream, _) = rogue.say("blocks", &hello(1, 1)).await;
    stream.write_all(&[0; 4]).await.unwrap();
    stream.flush().await.unwrap();
    eventually("an empty frame is counted", || {
        faults(&node, Fault::Malformed) == 1
    })
    .await;

    // A byte now and then.
    let (mut stream, _) = rogue.say("service", &hello(1, 2)).await;
    stream.write_all(&200u32.to_le_bytes()).await.unwrap();
    for _ in 0..300 {
        let written = stream.write_all(&[1]).await;
        if written.is_err() || stream.flush().await.is_err() {
            break;
        }
        if faults(&node, Fault::Malformed) == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(faults(&node, Fault::Malformed), 2);

    // No hello at all. The stream is announced only with the first byte.
    let mut silent = rogue.open("votes").await;
    silent.write_all(b"Q").await.unwrap();
    silent.flush().await.unwrap();
    eventually("a hello that does not come is counted", || {
        faults(&node, Fault::Malformed) == 3
    })
    .await;
    assert_eq!(node.counters().connected, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_streams_without_a_hello_are_a_flood() {
    let (node, mut rogue) = with_rogue(lenient()).await;
    let mut silent = Vec::new();
    for _ in 0..12 {
        let mut stream = rogue.open("votes").await;
        let _ = stream.write_all(b"Q").await;
        let _ = stream.flush().await;
        silent.push(stream);
    }
    eventually("it is counted", || faults(&node, Fault::Flood) >= 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enough_faults_ban_for_a_while() {
    let mut config = config(Mode::Direct);
    config.standing = StandingRule {
        faults: 3,
        within: Duration::from_secs(60),
        ban: Duration::from_secs(3),
    };
    let (node, mut rogue) = with_rogue(config).await;
    for _ in 0..3 {
        let _ = rogue.say("votes", b"GARBAGE").await;
    }
    rogue.wait_until_disconnected().await;
    eventually("it is gone", || node.counters().connected == 0).await;
    // It is refused while the ban lasts.
    for _ in 0..3 {
        rogue.dial();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(node.counters().connected, 0);
    }
    // And then has a second chance.
    eventually("it is back", || {
        rogue.dial();
        node.counters().connected == 1
    })
    .await;
    // What others report counts as well, what proves nothing does not.
    for _ in 0..5 {
        node.penalize(ReplicaId(1), Fault::UnknownVersion);
    }
    assert_eq!(node.counters().connected, 1);
    for _ in 0..3 {
        node.penalize(ReplicaId(1), Fault::BadSignature);
    }
    eventually("it is gone again", || node.counters().connected == 0).await;
    assert_eq!(faults(&node, Fault::BadSignature), 3);
    assert_eq!(faults(&node, Fault::UnknownVersion), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_gossip_lowers_its_senders_standing() {
    let mut config = config(Mode::Gossip);
    config.standing = StandingRule {
        faults: 3,
        within: Duration::from_secs(60),
        ban: Duration::from_secs(1),
    };
    let nodes = cluster(2, &config).await;
    for at in 0..3 {
        assert_eq!(nodes[1].counters().connected, 1);
        let bad = frame(Channel::Votes, 9, 0, at, 64);
        nodes[0].send(Destination::Others, bad);
        let delivery = receive(&nodes[1], 1).await.pop().unwrap();
        assert_eq!(delivery.from, ReplicaId(0));
        nodes[1].judge(delivery.ticket.unwrap(), Verdict::Reject);
        nodes[1].judge(delivery.ticket.unwrap(), Verdict::Reject);
    }
    eventually("it is gone", || nodes[1].counters().connected == 0).await;
    for node in &nodes {
        assert!(node.wait_until_connected(PATIENCE).await, "for a while");
    }
}

/// Two chains with the same validators and keys: a mistake in configuration, not an attack.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_network_is_not_listened_to() {
    let mut other = config(Mode::Direct);
    other.network = "chain-8/mock/1".into();
    let nodes = [
        bind(config(Mode::Direct), 0, 2).await,
        bind(other, 1, 2).await,
    ];
    introduce(&nodes);
    nodes[0].send(
        Destination::One(ReplicaId(1)),
        frame(Channel::Votes, 1, 0, 1, 64),
    );
    for node in &nodes {
        eventually("it is counted", || faults(node, Fault::WrongChain) > 0).await;
        assert!(
            receive_within(node, Duration::from_millis(100))
                .await
                .is_none()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gossiped_garbage_is_counted_and_costs_the_connection() {
    let mut config = config(Mode::Gossip);
    config.max_frame = 256;
    config.standing.faults = 4;
    let node = bind(config, 0, 2).await;
    let topic = format!("{NETWORK}/votes");
    let short_or_long = |number: u64| {
        let len = if number.is_multiple_of(2) { 3 } else { 1_000 };
        let mut message = number.to_le_bytes().to_vec();
        message.resize(len, 0);
        message
    };
    let rogue = gossip(&keypair(1), node.local_address(), &topic, short_or_long);
    eventually("it is refused", || {
        let (short, long) = (
            faults(&node, Fault::Malformed),
            faults(&node, Fault::Oversized),
        );
        short > 0 && long > 0 && short + long >= 4 && node.counters().connected == 0
    })
    .await;
    rogue.abort();
    let nothing = receive_within(&node, Duration::from_millis(100)).await;
    assert!(nothing.is_none());
}
