//! Measures the transport on loopback: four replicas in one process, without consensus.
//!
//! ```text
//! cargo run --release -p quorate-net-libp2p --example throughput
//! ```
//!
//! One-way latency is that of one broadcast at a time, to the last of its three receivers;
//! throughput is that of every replica broadcasting, each with a window of frames that have not
//! come back. The figures depend on what else the machine does.

use hdrhistogram::Histogram;
use libp2p::identity::Keypair;
use quorate_core::wire::Envelope;
use quorate_core::{
    Channel, Destination, Frame, ReplicaId, Transport, Validator, ValidatorSet, Verdict,
};
use quorate_net_libp2p::{Libp2pTransport, Mode, NetworkConfig};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};

const REPLICAS: u16 = 4;
const RUN: Duration = Duration::from_secs(3);

type Nodes = Vec<Arc<Libp2pTransport>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{REPLICAS} replicas, loopback, TCP + Noise + Yamux\n");
    println!("one broadcast at a time: microseconds to the last receiver");
    for mode in [Mode::Direct, Mode::Gossip] {
        for len in [200, 64 << 10, 1 << 20] {
            let nodes = cluster(mode).await?;
            latency(&nodes, mode, len).await;
            shut_down(nodes).await;
        }
    }
    println!("\nevery replica broadcasting");
    for mode in [Mode::Direct, Mode::Gossip] {
        for (len, window) in [(200, 256), (64 << 10, 8)] {
            let nodes = cluster(mode).await?;
            throughput(&nodes, mode, len, window).await;
            shut_down(nodes).await;
        }
    }
    Ok(())
}

async fn cluster(mode: Mode) -> Result<Nodes, Box<dyn Error>> {
    let secret = |replica: u16| [replica as u8 + 1; 32];
    let validator = |replica| -> Result<_, Box<dyn Error>> {
        let key = Keypair::ed25519_from_bytes(secret(replica))?;
        Ok(Validator {
            identity: key.public().try_into_ed25519()?.to_bytes(),
            voting: None,
            power: 1,
        })
    };
    let validators: Result<_, _> = (0..REPLICAS).map(validator).collect();
    let validators = ValidatorSet::new(validators?)?;
    let mut nodes = Vec::new();
    for me in 0..REPLICAS {
        let mut config = NetworkConfig::new("throughput", "127.0.0.1:0".parse()?);
        config.mode = mode;
        let bound = Libp2pTransport::bind(config, secret(me), ReplicaId(me), &validators);
        nodes.push(Arc::new(bound.await?));
    }
    let addresses: Vec<_> = (0..)
        .map(ReplicaId)
        .zip(nodes.iter().map(|node| node.local_address()))
        .collect();
    for node in &nodes {
        node.connect(addresses.clone())?;
    }
    for node in &nodes {
        if !node.wait_until_connected(Duration::from_secs(20)).await {
            return Err("the replicas did not find each other".into());
        }
    }
    // The gossip mesh forms in the first heartbeats.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    Ok(nodes)
}

async fn shut_down(nodes: Nodes) {
    for node in nodes {
        node.shut_down().await;
    }
}

fn frame(sender: u16, len: usize) -> Frame {
    let mut bytes = vec![0x5a; len];
    bytes[Envelope::LEN] = sender as u8;
    let channel = if len > 4096 {
        Channel::Blocks
    } else {
        Channel::Votes
    };
    Frame {
        channel,
        kind: 0x5a,
        bytes: bytes.into(),
    }
}

/// Receives for ever, and tells about each delivery whose it is.
fn receiver(node: &Arc<Libp2pTransport>, tell: mpsc::UnboundedSender<(u16, Instant)>) {
    let node = node.clone();
    tokio::spawn(async move {
        let mut deliveries = Vec::new();
        while node.receive(&mut deliveries, 256).await {
            let now = Instant::now();
            for delivery in deliveries.drain(..) {
                if let Some(ticket) = delivery.ticket {
                    node.judge(ticket, Verdict::Accept);
                }
                let author = u16::from(delivery.bytes[Envelope::LEN]);
                if tell.send((author, now)).is_err() {
                    return;
                }
            }
        }
    });
}

async fn latency(nodes: &Nodes, mode: Mode, len: usize) {
    let (tell, mut told) = mpsc::unbounded_channel();
    for node in &nodes[1..] {
        receiver(node, tell.clone());
    }
    // Up to a minute. The bounds are explicit: a histogram that resizes itself would record what
    // is beyond its first, tiny range as its maximum.
    let histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3);
    let mut histogram = histogram.expect("the bounds are allowed");
    let end = Instant::now() + RUN;
    while Instant::now() < end {
        let sent = Instant::now();
        nodes[0].send(Destination::Others, frame(0, len));
        let mut last = sent;
        for _ in 1..REPLICAS {
            let (_, at) = told.recv().await.expect("the receivers run");
            last = last.max(at);
        }
        histogram.saturating_record((last - sent).as_micros() as u64);
    }
    let at = |quantile| histogram.value_at_quantile(quantile);
    println!(
        "{mode:>8?} {len:>8} bytes: p50 {:>6}  p99 {:>6}  mean {:>8.1}  ({} broadcasts)",
        at(0.5),
        at(0.99),
        histogram.mean(),
        histogram.len()
    );
}

async fn throughput(nodes: &Nodes, mode: Mode, len: usize, window: usize) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut windows = Vec::new();
    let end = Instant::now() + RUN;
    for (me, node) in (0..).zip(nodes) {
        receiver(node, tell.clone());
        // One permit for each delivery that may be outstanding.
        let others = u32::from(REPLICAS) - 1;
        let permits = Arc::new(Semaphore::new(window * others as usize));
        windows.push(permits.clone());
        let node = node.clone();
        tokio::spawn(async move {
            let frame = frame(me, len);
            while Instant::now() < end {
                let Ok(permit) = permits.acquire_many(others).await else {
                    return;
                };
                permit.forget();
                node.send(Destination::Others, frame.clone());
            }
        });
    }
    let (mut deliveries, mut arrived) = (0u64, 0u64);
    while let Ok(Some((author, at))) =
        tokio::time::timeout(Duration::from_secs(1), told.recv()).await
    {
        deliveries += u64::from(at < end);
        arrived += 1;
        windows[usize::from(author)].add_permits(1);
    }
    let per_second = deliveries as f64 / RUN.as_secs_f64();
    let dropped: u64 = nodes
        .iter()
        .flat_map(|node| node.counters().dropped.into_values())
        .sum();
    let sent: u64 = nodes
        .iter()
        .flat_map(|node| node.counters().sent.into_values())
        .map(|traffic| traffic.messages)
        .sum();
    println!(
        "{mode:>8?} {len:>8} bytes: {:>8.0} broadcasts/s  {per_second:>8.0} deliveries/s  \
         {dropped} dropped  {} never arrived",
        per_second / f64::from(REPLICAS - 1),
        sent - arrived
    );
}
