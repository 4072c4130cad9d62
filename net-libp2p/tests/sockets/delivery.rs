//! What is sent arrives: where, in what order, how often, and how it is counted.

use crate::cluster::{
    PATIENCE, bind, cluster, config, eventually, frame, number, receive, receive_within,
};
use quorate_core::{Channel, Destination, Fault, ReplicaId, Traffic, Transport, Verdict};
use quorate_net_libp2p::{Mode, Queue};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

const VOTE: u8 = 3;
const BLOCK: u8 = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_broadcasts_reach_everybody_in_order() {
    let nodes = cluster(4, &config(Mode::Direct)).await;
    let (votes, blocks) = (500, 20);
    for (me, node) in (0..).zip(&nodes) {
        for at in 0..votes {
            node.send(
                Destination::Others,
                frame(Channel::Votes, VOTE, me, at, 200),
            );
            if at < blocks {
                let block = frame(Channel::Blocks, BLOCK, me, at, 100_000);
                node.send(Destination::Others, block);
            }
        }
    }
    let each = (votes + blocks) as usize;
    for (me, node) in (0..).map(ReplicaId).zip(&nodes) {
        let mut next = BTreeMap::new();
        for delivery in receive(node, 3 * each).await {
            assert!(delivery.direct && delivery.ticket.is_none());
            assert_ne!(delivery.from, me);
            let next = next.entry((delivery.from, delivery.channel)).or_insert(0);
            assert_eq!(number(&delivery), *next, "in order");
            *next += 1;
        }
        assert_eq!(next.len(), 6, "two channels from three peers");
        let counters = node.counters();
        let traffic = |messages: u32, len: u64| Traffic {
            messages: 3 * u64::from(messages),
            bytes: 3 * u64::from(messages) * len,
        };
        let expected = BTreeMap::from([
            (VOTE, traffic(votes, 200)),
            (BLOCK, traffic(blocks, 100_000)),
        ]);
        assert_eq!(counters.sent, expected);
        assert_eq!(counters.received, expected);
        assert_eq!(counters.connected, 3);
        assert!(counters.dropped.is_empty() && counters.faults.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gossip_reaches_everybody_once_and_equal_frames_twice() {
    let nodes = cluster(4, &config(Mode::Gossip)).await;
    let count = 50;
    for (me, node) in (0..).zip(&nodes) {
        for at in 0..count {
            let vote = frame(Channel::Votes, VOTE, me, at, 200);
            node.send(Destination::Others, vote.clone());
            node.send(Destination::Others, vote);
        }
        let block = frame(Channel::Blocks, BLOCK, me, 0, 1 << 20);
        node.send(Destination::Others, block);
    }
    for node in &nodes {
        let mut seen = BTreeMap::new();
        for delivery in receive(node, 3 * (2 * count as usize + 1)).await {
            assert!(!delivery.direct);
            node.judge(delivery.ticket.unwrap(), Verdict::Accept);
            *seen.entry(delivery.bytes).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 3 * (count as usize + 1));
        let times = |bytes: &bytes::Bytes| if bytes.len() > 200 { 1 } else { 2 };
        assert!(seen.iter().all(|(bytes, seen)| *seen == times(bytes)));
        assert!(
            receive_within(node, Duration::from_millis(300))
                .await
                .is_none(),
            "what is passed on is not delivered again"
        );
        assert_eq!(node.counters().sent[&VOTE].messages, 3 * 2 * 50);
    }
    // One-recipient frames do not go by gossip.
    let secret = frame(Channel::Votes, VOTE, 0, 7, 64);
    nodes[0].send(Destination::One(ReplicaId(2)), secret);
    let [delivery] = &receive(&nodes[2], 1).await[..] else {
        panic!("one delivery was asked for");
    };
    assert!(delivery.direct && delivery.from == ReplicaId(0));
    for other in [1, 3] {
        let other = receive_within(&nodes[other], Duration::from_millis(100)).await;
        assert!(other.is_none());
    }
}

/// Three replicas in a line: only gossip gets from one end to the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auto_gossips_where_not_everybody_is_connected_and_the_verdict_decides() {
    let mut nodes = Vec::new();
    for me in 0..3 {
        nodes.push(bind(config(Mode::Auto), me, 3).await);
    }
    let middle = [(ReplicaId(1), nodes[1].local_address())];
    nodes[0].connect(middle).unwrap();
    nodes[2].connect(middle).unwrap();
    eventually("both ends reach the middle", || {
        nodes[1].counters().connected == 2
    })
    .await;

    // What the middle accepts is passed on; what it ignores is not.
    let mut accepted = 0;
    let deadline = Instant::now() + PATIENCE;
    let at_the_end = loop {
        assert!(Instant::now() < deadline, "nothing was passed on");
        for (at, verdict) in [(1, Verdict::Ignore), (2, Verdict::Accept)] {
            let block = frame(Channel::Blocks, BLOCK, 0, at, 500);
            nodes[0].send(Destination::Others, block);
            let delivery = receive(&nodes[1], 1).await.pop().unwrap();
            assert!(!delivery.direct);
            assert_eq!(number(&delivery), at);
            nodes[1].judge(delivery.ticket.unwrap(), verdict);
        }
        accepted += 1;
        // The mesh may still be forming.
        if let Some(delivery) = receive_within(&nodes[2], Duration::from_millis(300)).await {
            break delivery;
        }
    };
    assert!(accepted > 0);
    assert_eq!(number(&at_the_end), 2, "only what was accepted");
    assert_eq!(at_the_end.from, ReplicaId(1), "whoever passed it on");
    // The middle is connected to everybody, so its broadcasts are direct.
    let block = frame(Channel::Votes, VOTE, 1, 3, 500);
    nodes[1].send(Destination::Others, block);
    for end in [0, 2] {
        let deliveries = receive(&nodes[end], 1).await;
        assert!(deliveries.iter().any(|d| d.direct && number(d) == 3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_peer_delays_nobody_and_costs_bounded_memory() {
    let mut config = config(Mode::Direct);
    config.max_frame = 1 << 20;
    let small = Queue {
        messages: 64,
        bytes: 1 << 20,
    };
    config.outbound.blocks = small;
    config.inbound.blocks = small;
    let nodes = cluster(4, &config).await;
    // Replica 3 never receives. 128 MiB go to everybody.
    let (count, len) = (2_000u32, 64 << 10);
    let started = Instant::now();
    for at in 0..count {
        let block = frame(Channel::Blocks, BLOCK, 0, at, len);
        nodes[0].send(Destination::Others, block);
        for other in [1, 2] {
            let delivery = receive(&nodes[other], 1).await.pop().unwrap();
            assert_eq!(number(&delivery), at);
        }
    }
    assert!(started.elapsed() < Duration::from_secs(60));
    let dropped = nodes[0].counters().dropped;
    assert_eq!(dropped.len(), 1, "{dropped:?}");
    // What was not dropped is in the queues of both sides and in what Yamux and the system
    // buffer, well below a half of it all.
    assert!(dropped[&ReplicaId(3)] > u64::from(count) / 2, "{dropped:?}");
    // Its votes still arrive: they are on another stream.
    nodes[0].send(
        Destination::One(ReplicaId(3)),
        frame(Channel::Votes, VOTE, 0, 5, 64),
    );
    let mut before_the_vote = 0;
    while receive(&nodes[3], 1).await[0].channel != Channel::Votes {
        before_the_vote += 1;
        assert!(before_the_vote < 30, "the vote waits behind blocks");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Once it receives, it gets the newest, in order.
    let mut last = None;
    while last < Some(count - 1) {
        for delivery in receive(&nodes[3], 1).await {
            assert!(Some(number(&delivery)) > last, "in order");
            last = Some(number(&delivery));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_do_not_wait_behind_blocks() {
    let nodes = cluster(2, &config(Mode::Direct)).await;
    let blocks = 5;
    for at in 0..blocks {
        let block = frame(Channel::Blocks, BLOCK, 0, at, 10 << 20);
        nodes[0].send(Destination::Others, block);
    }
    let vote = frame(Channel::Votes, VOTE, 0, 77, 200);
    nodes[0].send(Destination::Others, vote);
    let mut order = Vec::new();
    while order.len() <= blocks as usize {
        order.push(receive(&nodes[1], 1).await[0].channel);
    }
    let place = order.iter().position(|c| *c == Channel::Votes).unwrap();
    assert!(place <= 1, "{order:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_long_is_not_sent() {
    let mut config = config(Mode::Direct);
    config.max_frame = 1_000;
    let nodes = cluster(2, &config).await;
    let to = Destination::One(ReplicaId(1));
    nodes[0].send(to, frame(Channel::Votes, VOTE, 0, 1, 1_001));
    nodes[0].send(to, frame(Channel::Votes, VOTE, 0, 2, 1_000));
    assert_eq!(number(&receive(&nodes[1], 1).await[0]), 2);
    assert_eq!(nodes[0].counters().dropped[&ReplicaId(1)], 1);
    assert!(!nodes[1].counters().faults.contains_key(&Fault::Oversized));
}
