//! Clients: a load on the replicas, and what it felt like.

use super::ledger::Sequences;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hdrhistogram::Histogram;
use quorate::{Client, ClientId, Receipt, ReplicaHandle, SubmitError};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How hard clients push.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    /// As hard as the replicas take it: each client always has requests under way.
    Max,
    /// This many requests a second over all clients, sent when they are due whether or not
    /// earlier ones have been answered.
    PerSecond(f64),
}

/// Requests that each client keeps under way at [`Rate::Max`].
const WINDOW: usize = 512;

/// Clients of each replica.
const CLIENTS_PER_REPLICA: usize = 4;

/// How long requests under way are waited for at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Latencies above a minute count as a minute.
const LATENCY_MAX_MICROS: u64 = 60_000_000;

/// When the measured part of a run begins and ends. Outside it, load runs but nothing is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) begin: Instant,
    pub(crate) end: Instant,
}

/// What clients saw.
#[derive(Debug)]
pub(crate) struct Observed {
    /// From when a request was due to be sent to its receipt, in microseconds.
    pub(crate) latency: Histogram<u64>,
    /// Requests whose receipt arrived within the window.
    pub(crate) answered: u64,
    /// Every acknowledged request, whenever that was.
    pub(crate) acknowledged: BTreeMap<ClientId, Sequences>,
    /// Requests that failed, other than by their replica being stopped.
    pub(crate) failed: u64,
}

impl Observed {
    fn nothing() -> Self {
        let latency = Histogram::new_with_max(LATENCY_MAX_MICROS, 3)
            .expect("the bounds of the histogram are valid constants");
        Self {
            latency,
            answered: 0,
            acknowledged: BTreeMap::new(),
            failed: 0,
        }
    }

    fn add(&mut self, other: Self) {
        self.latency
            .add(other.latency)
            .expect("all histograms have the same bounds");
        self.answered += other.answered;
        self.failed += other.failed;
        // A client belongs to one task, so no key occurs twice.
        self.acknowledged.extend(other.acknowledged);
    }

    fn record(&mut self, window: &Window, due: Instant, result: Result<Receipt, SubmitError>) {
        let now = Instant::now();
        match result {
            Ok(receipt) => {
                let acknowledged = self.acknowledged.entry(receipt.id.client).or_default();
                acknowledged.insert(receipt.id.sequence);
                if now >= window.begin && now < window.end {
                    self.answered += 1;
                    let micros = now.saturating_duration_since(due).as_micros();
                    let micros = u64::try_from(micros).unwrap_or(LATENCY_MAX_MICROS);
                    self.latency.saturating_record(micros.max(1));
                }
            }
            Err(SubmitError::Stopped) => {}
            Err(error) => {
                tracing::warn!(%error, "a request of the comparison failed");
                self.failed += 1;
            }
        }
    }
}

type Pending = Pin<Box<dyn Future<Output = (Instant, Result<Receipt, SubmitError>)> + Send>>;

/// What clients are told while they work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Work,
    /// The replica with this index is silent now: its clients go to another one.
    Leave(usize),
    Stop,
}

/// Clients at work.
#[derive(Debug)]
pub(crate) struct Load {
    tasks: JoinSet<Observed>,
    orders: watch::Sender<Order>,
}

impl Load {
    /// Starts clients at these replicas.
    pub(crate) fn start(
        replicas: &[ReplicaHandle],
        rate: Rate,
        request_bytes: usize,
        window: Window,
    ) -> Self {
        let (orders, received) = watch::channel(Order::Work);
        let mut tasks = JoinSet::new();
        let count = replicas.len() * CLIENTS_PER_REPLICA;
        for index in 0..count {
            let at = index % replicas.len();
            let name = ClientId(index as u128 + 1);
            let task = ClientTask {
                client: replicas[at].client(name),
                at,
                refuge: replicas[(at + 1) % replicas.len()].clone(),
                body: vec![index as u8; request_bytes],
                window,
                orders: received.clone(),
                pending: FuturesUnordered::new(),
                observed: Observed::nothing(),
            };
            match rate {
                Rate::Max => tasks.spawn(task.push()),
                Rate::PerSecond(rate) => {
                    let every = Duration::from_secs_f64(count as f64 / rate);
                    // Spread evenly, so that the clients together send at a steady pace.
                    tasks.spawn(task.pace(every, every.mul_f64(index as f64 / count as f64)))
                }
            };
        }
        Self { tasks, orders }
    }

    /// The clients of a replica, by its index, go to the next one.
    pub(crate) fn leave(&self, replica: usize) {
        self.orders.send_replace(Order::Leave(replica));
    }

    /// Stops sending, waits for what is under way (at most [`PATIENCE`]), and returns what was
    /// seen.
    pub(crate) async fn finish(mut self) -> Observed {
        self.orders.send_replace(Order::Stop);
        let mut all = Observed::nothing();
        while let Some(joined) = self.tasks.join_next().await {
            match joined {
                Ok(observed) => all.add(observed),
                Err(error) => {
                    tracing::error!(%error, "a client of the comparison died");
                    all.failed += 1;
                }
            }
        }
        all
    }
}

struct ClientTask {
    client: Client,
    at: usize,
    refuge: ReplicaHandle,
    body: Vec<u8>,
    window: Window,
    orders: watch::Receiver<Order>,
    pending: FuturesUnordered<Pending>,
    observed: Observed,
}

impl ClientTask {
    /// Keeps a full window of requests under way.
    async fn push(mut self) -> Observed {
        loop {
            while self.pending.len() < WINDOW {
                self.submit(Instant::now());
            }
            tokio::select! {
                Some((due, result)) = self.pending.next() => {
                    self.observed.record(&self.window, due, result);
                }
                _ = self.orders.changed() => {
                    if self.obey() {
                        return self.drain().await;
                    }
                }
            }
        }
    }

    /// Sends one request each time one is due, starting `offset` from now.
    async fn pace(mut self, every: Duration, offset: Duration) -> Observed {
        let mut due = Instant::now() + offset;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {
                    let now = Instant::now();
                    while due <= now {
                        self.submit(due);
                        due += every;
                    }
                }
                Some((due, result)) = self.pending.next(), if !self.pending.is_empty() => {
                    self.observed.record(&self.window, due, result);
                }
                _ = self.orders.changed() => {
                    if self.obey() {
                        return self.drain().await;
                    }
                }
            }
        }
    }

    fn submit(&mut self, due: Instant) {
        let (client, body) = (self.client.clone(), self.body.clone());
        self.pending
            .push(Box::pin(async move { (due, client.submit(body).await) }));
    }

    /// Whether to stop.
    fn obey(&mut self) -> bool {
        let order = *self.orders.borrow_and_update();
        if order == Order::Leave(self.at) {
            // What was under way there is lost to us; another name makes new requests of the
            // next ones.
            self.pending = FuturesUnordered::new();
            let name = ClientId(self.client.id().0 + (1 << 64));
            self.client = self.refuge.client(name);
        }
        order == Order::Stop
    }

    async fn drain(mut self) -> Observed {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(Some((due, result))) =
            tokio::time::timeout_at(deadline, self.pending.next()).await
        {
            self.observed.record(&self.window, due, result);
        }
        self.observed
    }
}
