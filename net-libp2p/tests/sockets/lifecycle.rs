//! Starting, losing and finding each other, and ending.

use crate::cluster::{
    PATIENCE, assert_works, bind, cluster, config, eventually, frame, introduce, secret, validators,
};
use quorate_core::{Channel, Destination, ReplicaId, Transport};
use quorate_net_libp2p::{Libp2pTransport, Mode, NetworkError};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seven_that_start_together_are_connected_within_seconds() {
    for round in 0..5 {
        let mut nodes = Vec::new();
        for me in 0..7 {
            nodes.push(bind(config(Mode::Auto), me, 7).await);
        }
        let started = Instant::now();
        introduce(&nodes);
        for node in &nodes {
            assert!(node.wait_until_connected(PATIENCE).await, "round {round}");
        }
        let took = started.elapsed();
        assert!(took < Duration::from_secs(8), "round {round}: {took:?}");
        assert!(nodes.iter().all(|node| node.counters().connected == 6));
        for node in nodes {
            node.shut_down().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_starts_again_on_its_port_is_found() {
    for restarted in [0u16, 2] {
        let nodes = cluster(3, &config(Mode::Auto)).await;
        let address = nodes[usize::from(restarted)].local_address();
        let (others, gone): (Vec<_>, Vec<_>) =
            (0..).zip(nodes).partition(|(id, _)| *id != restarted);
        gone[0].1.shut_down().await;
        for (_, node) in &others {
            eventually("the peer is missed", || node.counters().connected == 1).await;
        }
        let mut again = config(Mode::Auto);
        again.listen = address;
        let again = bind(again, restarted, 3).await;
        assert_eq!(again.local_address(), address);
        // It knows nobody's address: the others find it.
        assert!(again.wait_until_connected(PATIENCE).await);
        for (id, node) in &others {
            assert!(node.wait_until_connected(PATIENCE).await);
            assert_works(&again, node, *id).await;
            assert_works(node, &again, restarted).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_side_needs_to_know_the_address_whichever_it_is() {
    for knows in [0usize, 1] {
        let nodes = [
            bind(config(Mode::Direct), 0, 2).await,
            bind(config(Mode::Direct), 1, 2).await,
        ];
        let other = 1 - knows;
        let address = nodes[other].local_address();
        let peer = (ReplicaId(other as u16), address);
        nodes[knows].connect([peer]).unwrap();
        assert!(nodes[other].wait_until_connected(PATIENCE).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_ends_everything() {
    let nodes = cluster(3, &config(Mode::Auto)).await;
    let receiver = tokio::spawn({
        let node: Arc<Libp2pTransport> = nodes[1].clone();
        async move { node.receive(&mut Vec::new(), 1).await }
    });
    nodes[1].shut_down().await;
    assert!(!receiver.await.unwrap());
    assert!(!nodes[1].receive(&mut Vec::new(), 1).await);
    assert_eq!(nodes[1].counters().connected, 0);
    let nobody = frame(Channel::Votes, 1, 1, 0, 64);
    nodes[1].send(Destination::Others, nobody);
    assert!(matches!(nodes[1].connect([]), Err(NetworkError::Closed)));
    assert!(!nodes[1].wait_until_connected(PATIENCE).await);
    nodes[1].shut_down().await;
    eventually("the others notice", || nodes[0].counters().connected == 1).await;
    // The port is free at once.
    let listener = tokio::net::TcpListener::bind(nodes[1].local_address());
    listener.await.unwrap();
    assert_works(&nodes[0], &nodes[2], 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_are_named() {
    let validators = validators(2);
    let start = |config, key, me| Libp2pTransport::start(config, secret(key), me, &validators);
    let fine = || config(Mode::Direct);
    let first = start(fine(), 0, ReplicaId(0)).await.unwrap();

    let wrong = start(fine(), 1, ReplicaId(0)).await;
    assert!(matches!(wrong, Err(NetworkError::WrongIdentity(_))));
    let wrong = start(fine(), 1, ReplicaId(2)).await;
    assert!(matches!(wrong, Err(NetworkError::NotValidator(_))));
    let mut taken = fine();
    taken.listen = first.local_address();
    let wrong = start(taken, 1, ReplicaId(1)).await;
    assert!(matches!(wrong, Err(NetworkError::Listen { .. })));
    let mut unknown = fine();
    unknown.peers = vec![(ReplicaId(9), first.local_address())];
    let wrong = start(unknown, 1, ReplicaId(1)).await;
    assert!(matches!(wrong, Err(NetworkError::UnknownPeer { .. })));
    let mut nameless = fine();
    nameless.network.clear();
    let wrong = start(nameless, 1, ReplicaId(1)).await;
    assert!(matches!(wrong, Err(NetworkError::Config { .. })));
}
