//! Connections that nobody should have.

use super::*;
use crate::support::free_addresses;
use quorate::{SchemeKind, ValidatorSet};
use std::io::Write;
use std::net::TcpStream;

/// Whoever connects without a validator's key is turned away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_turned_away() {
    let mut scene = Scene::start(Engine::Pbft, NetworkMode::Direct).await;
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
    let mut scene = Scene::start(Engine::Pbft, NetworkMode::Direct).await;
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
    let mut scene = Scene::start(Engine::Pbft, NetworkMode::Direct).await;
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
