//! A validator that asks for far more than its share, as fast as it can.
//!
//! Replicas 0 and 1 have decided a good deal. Replica 2 has missed all of it; the fourth has turned
//! into a flood. Meanwhile replica 2 must catch up, and the three must go on deciding; they bound
//! what they do for the flood, count it, and in the end refuse it.

use super::*;
use crate::support::{REFUSED, SLOW, journal};
use quorate_core::{CheckpointClaim, Payload, RequestId, RequestRef};
use quorate_pbft::Pbft;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use tokio::task::JoinHandle;

type Engine = Pbft<Ed25519>;

const CHECKPOINT: Kind = wire::FIRST_SERVICE_KIND;
const FETCH_PAYLOAD: Kind = wire::FIRST_SERVICE_KIND + 5;

/// Requests that replica 2 misses, and how long each is.
const MISSED: usize = 60;
const REQUEST_BYTES: usize = 64 << 10;

/// The attacker's requests are a client's like any other.
const ATTACKERS_CLIENT: ClientId = ClientId(666);

/// How fast the attacker is.
#[derive(Clone, Copy)]
enum Pace {
    /// As fast as it can.
    Flood,
    /// Slowly enough to be tolerated: so many a second.
    Careful(u32),
}

/// The replicas' addresses and directories, and those that run.
struct Siege {
    site: Site,
    root: tempfile::TempDir,
    running: Vec<Option<ReplicaHandle>>,
    requests: usize,
    /// Bytes that the attacker has got from replica 0.
    answered: Arc<AtomicU64>,
}

impl Siege {
    async fn launch(&mut self, index: usize) {
        let builder = self.site.builder(index, Snapshots::Missing);
        let builder = builder.directory(self.root.path().join(index.to_string()));
        // Little is at hand, so that questions go to the block store.
        let builder = builder.configure(|config| {
            config.driver.recent_decisions = 1;
            config.driver.payload_cache_bytes = 1;
            config.driver.checkpoint_interval = 8;
        });
        let started = within("a start", builder.start()).await;
        self.running[index] = Some(started.expect("it starts"));
    }

    fn replica(&self, index: usize) -> &ReplicaHandle {
        self.running[index].as_ref().expect("it runs")
    }

    fn honest(&self) -> [&ReplicaHandle; 3] {
        [0, 1, 2].map(|index| self.replica(index))
    }

    /// Orders so many requests at a replica, one after the other.
    async fn order(&mut self, index: usize, count: usize, bytes: usize) {
        let client = self.replica(index).client(ClientId(index as u128));
        for number in 0..count {
            let mut body = vec![b'.'; bytes];
            body.extend_from_slice(format!("{}", self.requests + number).as_bytes());
            let receipt = within("a receipt", client.submit(body)).await;
            receipt.expect("it is executed");
        }
        self.requests += count;
    }

    /// Replica 2 has missed everything, and the fourth is the attacker's now.
    async fn begin() -> (Self, Arc<Libp2pTransport>) {
        let mut siege = Self {
            answered: Arc::default(),
            site: Site::new(quorate::Engine::Pbft),
            root: tempfile::tempdir().expect("a temporary directory"),
            running: vec![None; 4],
            requests: 0,
        };
        for index in [0, 1, 3] {
            siege.launch(index).await;
        }
        siege.order(0, MISSED, REQUEST_BYTES).await;
        let last = siege.running[3].take().expect("it runs");
        within("a stop", last.stop()).await;
        let attacker = validator(&siege.site, &siege.site.network_name(CHAIN)).await;
        let attacker = Arc::new(attacker);
        let connected = || siege.replica(0).traffic().connected == 2;
        until("the attacker is let in", connected).await;
        // What it is sent, it takes at once.
        let (draining, answered) = (attacker.clone(), siege.answered.clone());
        tokio::spawn(async move {
            let mut deliveries = Vec::new();
            while draining.receive(&mut deliveries, 1024).await {
                let got = deliveries.drain(..);
                let got = got.filter(|delivery| delivery.from == ReplicaId(0));
                let bytes: usize = got.map(|delivery| delivery.bytes.len()).sum();
                answered.fetch_add(bytes as u64, Ordering::Relaxed);
            }
        });
        (siege, attacker)
    }

    /// Replica 2 catches up, and the three go on.
    async fn goes_on(&mut self) {
        if self.running[2].is_none() {
            self.launch(2).await;
        }
        for index in 0..3 {
            self.order(index, 10, 100).await;
        }
        let own = |replica: &ReplicaHandle| {
            let attackers = format!("{}/", ATTACKERS_CLIENT.0);
            let mut entries = journal(replica);
            entries.retain(|entry| !entry.starts_with(&attackers));
            entries
        };
        for replica in self.honest() {
            until("all is executed", || own(replica).len() >= self.requests).await;
            assert_eq!(own(replica).len(), self.requests, "each once");
            assert_eq!(own(replica), own(self.replica(0)));
            assert_eq!(replica.status().failure, None);
        }
    }

    fn count(&self, fault: Fault) -> u64 {
        let faults = self.replica(0).traffic().faults;
        faults.get(&fault).copied().unwrap_or(0)
    }

    /// What one peer could make them do at a time was within its bounds.
    fn assert_bounds(&self) {
        for replica in self.honest() {
            let work = replica.status().peer_work;
            assert!(work.reads <= 2, "{work:?}");
            assert!(work.checkpoint_checks <= 32, "{work:?}");
            assert!(work.forwarded_bytes <= 16 << 20, "{work:?}");
        }
    }

    /// Nobody but the attacker was blamed enough to be refused.
    fn assert_honest_connected(&self) {
        for replica in self.honest() {
            assert!(replica.traffic().connected >= 2, "{:?}", replica.traffic());
        }
    }

    async fn end(self, attacker: Arc<Libp2pTransport>) {
        attacker.shut_down().await;
        for replica in self.running.iter().flatten() {
            within("the stop", replica.stop()).await;
        }
    }
}

/// A flood that goes on until it is told to stop.
struct Flood {
    stop: Arc<AtomicBool>,
    sent: JoinHandle<u64>,
}

impl Flood {
    fn begin(
        attacker: &Arc<Libp2pTransport>,
        pace: Pace,
        mut frame: impl FnMut(u64) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let (stop, attacker) = (Arc::new(AtomicBool::new(false)), attacker.clone());
        let stopping = stop.clone();
        let sent = tokio::spawn(async move {
            let (mut sent, begin) = (0, Instant::now());
            while !stopping.load(Ordering::Relaxed) {
                let due = match pace {
                    Pace::Flood => sent + 128,
                    Pace::Careful(rate) => {
                        begin.elapsed().as_millis() as u64 * u64::from(rate) / 1000
                    }
                };
                for number in sent..due {
                    let frame = Frame {
                        channel: Channel::Service,
                        kind: 0,
                        bytes: frame(number).into(),
                    };
                    for victim in (0..3).map(ReplicaId) {
                        attacker.send(Destination::One(victim), frame.clone());
                    }
                }
                sent = due;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            sent
        });
        Self { stop, sent }
    }

    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.sent.await.expect("no panic")
    }
}

fn service(kind: Kind, content: &[u8]) -> Vec<u8> {
    message(domain::<Engine>(), ATTACKER, kind, content)
}

/// Floods as fast as possible; the cause is counted, and the attacker refused.
async fn survives(cause: Fault, frame: impl FnMut(u64) -> Vec<u8> + Send + 'static) {
    let (mut siege, attacker) = Siege::begin().await;
    let flood = Flood::begin(&attacker, Pace::Flood, frame);
    siege.goes_on().await;
    let counted = || siege.count(cause) >= TOLERATED;
    until(&format!("{} is counted", cause.name()), counted).await;
    let refused = || siege.replica(0).traffic().connected == 2;
    until("the attacker is refused", refused).await;
    siege.goes_on().await;
    flood.end().await;
    siege.assert_bounds();
    siege.assert_honest_connected();
    siege.end(attacker).await;
}

/// Every question is for the oldest decisions, so for the longest answer that there is.
fn question(_: u64) -> Vec<u8> {
    service(FETCH_DECISIONS, &1u64.to_le_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_questions_for_decisions() {
    survives(Fault::Flood, question).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_questions_for_payloads() {
    // None of them exists, so each is looked for in vain.
    survives(Fault::Flood, |number| {
        let digest = *Payload::new(number.to_le_bytes()).digest();
        service(FETCH_PAYLOAD, &digest.0)
    })
    .await;
}

fn checkpoint(height: u64, state: u64, vote: Vote) -> Vec<u8> {
    let claim = CheckpointClaim {
        height: Height(8 * height),
        payload: Digest::ZERO,
        state: *Payload::new(state.to_le_bytes()).digest(),
    };
    let statement = match vote {
        Vote::Signed => claim.statement(&domain::<Engine>()),
        Vote::Forged => Statement(Digest::ZERO),
    };
    let signature = Ed25519::sign_with(&keys(3), KeyRole::Voting, statement);
    let content = borsh::to_vec(&(claim, signature)).expect("writing to memory does not fail");
    service(CHECKPOINT, &content)
}

/// Whether a signature holds.
enum Vote {
    Signed,
    Forged,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_forged_checkpoint_votes() {
    // Of heights just ahead, so that they are worth a look.
    survives(Fault::Flood, |number| {
        checkpoint(MISSED as u64 / 8 + 1 + number % 8, number, Vote::Forged)
    })
    .await;
}

/// The signatures hold, and of heights far ahead there is no end: nothing proves that it is not so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_signed_checkpoint_votes_far_ahead() {
    let (mut siege, attacker) = Siege::begin().await;
    let begin = Instant::now();
    let flood = Flood::begin(&attacker, Pace::Flood, |number| {
        checkpoint(1_000_000 + number, number, Vote::Signed)
    });
    siege.goes_on().await;
    // Nothing else is to be checked now.
    let (before, from) = (siege.replica(0).signatures(), Instant::now());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let checked = siege.replica(0).signatures().signature_checks - before.signature_checks;
    let most = 8 * (from.elapsed().as_secs() + 1) + 32;
    assert!(checked > 0, "the flood still comes in");
    assert!(checked <= most, "{checked} checks");
    siege.goes_on().await;
    let sent = flood.end().await;
    assert!(
        sent > 10 * begin.elapsed().as_secs() * 8,
        "{sent} is no flood"
    );
    siege.assert_bounds();
    siege.assert_honest_connected();
    siege.end(attacker).await;
}

/// A batch with one request of the attacker's client.
fn batch(sequence: u64, body: &[u8]) -> Vec<u8> {
    let id = RequestId {
        client: ATTACKERS_CLIENT,
        sequence,
    };
    let mut batch = Vec::new();
    RequestRef { id, body }.append_to(&mut batch);
    service(FORWARD, &batch)
}

/// The application takes long to check each of them, and accepts it. The first is executed, and
/// the others are the same again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_forwarded_requests_that_are_slow_to_check() {
    survives(Fault::Flood, |_| batch(1, SLOW)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_forwarded_requests_that_are_refused() {
    survives(Fault::InvalidPayload, |number| batch(number, REFUSED)).await;
}

/// A peer that asks for as much as it can without being refused gets its share of bytes, and no
/// more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_just_below_a_flood_get_their_share() {
    let (mut siege, attacker) = Siege::begin().await;
    let begin = Instant::now();
    let flood = Flood::begin(&attacker, Pace::Careful(300), question);
    siege.goes_on().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let bytes = siege.answered.load(Ordering::Relaxed);
    let elapsed = begin.elapsed();
    // At once, each second, and two answers that had begun when nothing was left.
    let most = (16 << 20) + (32 << 20) * (elapsed.as_secs() + 1) + (8 << 20);
    assert!(bytes <= most, "{bytes} bytes in {elapsed:?}");
    assert!(bytes > 32 << 20, "{bytes} bytes: it is served");
    assert_eq!(siege.count(Fault::Flood), 0);
    assert_eq!(siege.replica(0).traffic().connected, 3, "it is tolerated");
    siege.goes_on().await;
    flood.end().await;
    siege.assert_bounds();
    siege.end(attacker).await;
}
