//! One row: a cluster, a load, and what came of it.

use super::CompareError;
use super::arguments::Plan;
use super::ledger::Ledger;
use super::load::{Load, Observed, Rate, Window};
use super::machine::{MemoryWatch, processor_millis};
use super::report::{Latency, PerDecision, Row};
use super::verdict;
use indicatif::ProgressBar;
use quorate::{LocalCluster, QuorumPower, ReplicaHandle, Retention};
use std::time::Duration;
use tokio::time::Instant;

/// Load before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// How long the replicas may take to find each other.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);

/// How long survivors may take to execute the same when the load has ended.
const SETTLE_PATIENCE: Duration = Duration::from_secs(5);

/// First kind of message that is not the protocol's.
const SERVICE: u8 = quorate_core::wire::FIRST_SERVICE_KIND;

/// What all replicas together have spent so far.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    messages: u64,
    bytes: u64,
    other_messages: u64,
    other_bytes: u64,
    signature_checks: u64,
    aggregate_checks: u64,
    syncs: u64,
    cpu_ms: Option<f64>,
    decided: u64,
}

impl Spent {
    fn now(replicas: &[ReplicaHandle], observer: &ReplicaHandle) -> Self {
        let mut spent = Self {
            cpu_ms: processor_millis(),
            decided: observer.status().decided.0,
            ..Self::default()
        };
        for replica in replicas {
            for (kind, traffic) in replica.traffic().sent {
                if kind < SERVICE {
                    spent.messages += traffic.messages;
                    spent.bytes += traffic.bytes;
                } else {
                    spent.other_messages += traffic.messages;
                    spent.other_bytes += traffic.bytes;
                }
            }
            let signatures = replica.signatures();
            spent.signature_checks += signatures.signature_checks;
            spent.aggregate_checks += signatures.aggregate_checks;
            spent.syncs += replica.syncs();
        }
        spent
    }
}

/// Runs one row.
pub(super) async fn run(plan: &Plan, bar: &ProgressBar) -> Result<Row, CompareError> {
    let folder = tempfile::Builder::new()
        .prefix("quorate-compare-")
        .tempdir()
        .map_err(CompareError::Folder)?;
    let ledgers: Vec<Ledger> = (0..plan.replicas).map(|_| Ledger::default()).collect();
    bar.set_message("starting");
    let cluster = start(plan, folder.path(), &ledgers).await?;
    let result = measure(plan, bar, &cluster, &ledgers).await;
    bar.set_message("stopping");
    cluster.stop().await;
    result
}

async fn start(
    plan: &Plan,
    folder: &std::path::Path,
    ledgers: &[Ledger],
) -> Result<LocalCluster, CompareError> {
    let engine = plan.engine.name();
    let speaking = plan.replicas - plan.silent;
    let timeout = plan.timeout;
    LocalCluster::builder(plan.replicas)
        .engine(plan.engine)
        .scheme(plan.scheme)
        .network(plan.network)
        .timeout(timeout)
        .directory(folder)
        .silent(speaking..plan.replicas)
        // Nobody restarts here, so nobody needs the old blocks.
        .configure(|config| config.retention = Retention::Newest(256))
        .connect_patience(CONNECT_PATIENCE)
        .start(|index| ledgers[index].clone())
        .await
        .map_err(|source| CompareError::Start { engine, source })
}

async fn measure(
    plan: &Plan,
    bar: &ProgressBar,
    cluster: &LocalCluster,
    ledgers: &[Ledger],
) -> Result<Row, CompareError> {
    let replicas = cluster.replicas();
    let speaking = &replicas[..plan.replicas - plan.silent];
    let begin = Instant::now() + WARM_UP;
    let window = Window {
        begin,
        end: begin + plan.seconds,
    };
    let memory = MemoryWatch::start();
    let load = Load::start(speaking, plan.rate, plan.request_bytes, window);
    bar.set_message("warming up");
    tokio::time::sleep_until(begin).await;
    let first = Spent::now(replicas, &speaking[0]);
    let observed = watch(plan, bar, speaking, &load, window).await;
    let Watched { stopped, gap } = observed;
    let observer = survivors(speaking, stopped)
        .next()
        .expect("somebody speaks");
    let last = Spent::now(replicas, observer);
    bar.set_message("finishing");
    let seen = load.finish().await;
    let alive: Vec<usize> = survivor_indices(speaking.len(), stopped).collect();
    settle(replicas, &alive).await;
    let peak_rss_bytes = memory.peak();
    let judged: Vec<_> = alive
        .iter()
        .map(|index| {
            (
                replicas[*index].status().executed,
                ledgers[*index].history(),
            )
        })
        .collect();
    let decided = last.decided.saturating_sub(first.decided);
    let complaint = verdict::complaint(decided, &judged, &seen);
    let mut row = describe(plan, &seen);
    row.decisions_per_second = decided as f64 / plan.seconds.as_secs_f64();
    row.per_decision = per_decision(&first, &last);
    row.other_messages = last.other_messages - first.other_messages;
    row.other_bytes = last.other_bytes - first.other_bytes;
    row.peak_rss_bytes = peak_rss_bytes;
    row.leader_gap_ms = gap.map(|gap| gap.as_secs_f64() * 1000.0);
    row.agreed = complaint.is_none();
    row.complaint = complaint;
    Ok(row)
}

fn survivor_indices(count: usize, stopped: Option<usize>) -> impl Iterator<Item = usize> {
    (0..count).filter(move |index| Some(*index) != stopped)
}

fn survivors(
    speaking: &[ReplicaHandle],
    stopped: Option<usize>,
) -> impl Iterator<Item = &ReplicaHandle> {
    survivor_indices(speaking.len(), stopped).map(|index| &speaking[index])
}

/// What happened in the measured window.
struct Watched {
    /// The replica that was silenced.
    stopped: Option<usize>,
    /// The longest time without a decision at a survivor, from then on.
    gap: Option<Duration>,
}

/// Lets the window pass, stops the leader if that is the plan, and watches for gaps.
async fn watch(
    plan: &Plan,
    bar: &ProgressBar,
    speaking: &[ReplicaHandle],
    load: &Load,
    window: Window,
) -> Watched {
    /// How often is looked for new decisions: the resolution of the gap.
    const LOOK: Duration = Duration::from_millis(2);
    let stop_at = plan.stop_leader_at.map(|at| window.begin + at);
    let mut stopped = None;
    // For each replica, the height seen last, and when it was new.
    let mut heights: Vec<_> = speaking
        .iter()
        .map(|replica| (replica.status().decided, Instant::now()))
        .collect();
    let mut gap = Duration::ZERO;
    loop {
        let now = Instant::now();
        bar.set_position(now.saturating_duration_since(window.begin).as_millis() as u64);
        let decided = heights
            .iter()
            .map(|(height, _)| height.0)
            .max()
            .unwrap_or(0);
        bar.set_message(format!("{decided} decisions"));
        if stopped.is_none() && stop_at.is_some_and(|at| now >= at) {
            let leader = speaking[0].status().leader.index().min(speaking.len() - 1);
            speaking[leader].silence();
            load.leave(leader);
            stopped = Some(leader);
            heights.iter_mut().for_each(|(_, since)| *since = now);
        }
        for index in survivor_indices(speaking.len(), stopped) {
            let (height, since) = &mut heights[index];
            let decided = speaking[index].status().decided;
            if stopped.is_some() {
                gap = gap.max(now - *since);
            }
            if decided > *height {
                (*height, *since) = (decided, now);
            }
        }
        if now >= window.end {
            return Watched {
                stopped,
                gap: stopped.map(|_| gap),
            };
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until the survivors have executed the same, as far as they will.
async fn settle(replicas: &[ReplicaHandle], alive: &[usize]) {
    let deadline = Instant::now() + SETTLE_PATIENCE;
    loop {
        let pending = alive
            .iter()
            .map(|index| replicas[*index].status().pending_bytes);
        let heights = || {
            alive
                .iter()
                .map(|index| replicas[*index].status().executed.0)
        };
        let (lowest, highest) = (heights().min().unwrap_or(0), heights().max().unwrap_or(0));
        let quiet = pending.sum::<usize>() == 0 && highest - lowest <= 2;
        if quiet || Instant::now() >= deadline {
            // The last decisions are on their way through the executors.
            tokio::time::sleep(Duration::from_millis(50)).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn describe(plan: &Plan, seen: &Observed) -> Row {
    let millis = |quantile| seen.latency.value_at_quantile(quantile) as f64 / 1000.0;
    let latency = || Latency {
        p50: millis(0.50),
        p95: millis(0.95),
        p99: millis(0.99),
    };
    let power = QuorumPower::of(plan.replicas as u64).expect("there is a replica");
    Row {
        engine: plan.engine.name().into(),
        scheme: plan.scheme.name().into(),
        network: plan.network.name().into(),
        replicas: plan.replicas,
        faults_tolerated: power.faulty() as usize,
        silent: plan.silent,
        rate: match plan.rate {
            Rate::Max => None,
            Rate::PerSecond(rate) => Some(rate),
        },
        decisions_per_second: 0.0,
        requests_per_second: seen.answered as f64 / plan.seconds.as_secs_f64(),
        latency_ms: (!seen.latency.is_empty()).then(latency),
        per_decision: None,
        other_messages: 0,
        other_bytes: 0,
        peak_rss_bytes: None,
        leader_gap_ms: None,
        agreed: false,
        complaint: None,
    }
}

fn per_decision(first: &Spent, last: &Spent) -> Option<PerDecision> {
    let decided = last
        .decided
        .checked_sub(first.decided)
        .filter(|decided| *decided > 0)? as f64;
    let each = |pick: fn(&Spent) -> u64| (pick(last) - pick(first)) as f64 / decided;
    Some(PerDecision {
        messages: each(|spent| spent.messages),
        bytes: each(|spent| spent.bytes),
        signature_checks: each(|spent| spent.signature_checks),
        aggregate_checks: each(|spent| spent.aggregate_checks),
        syncs: each(|spent| spent.syncs),
        cpu_ms: first
            .cpu_ms
            .zip(last.cpu_ms)
            .map(|(first, last)| (last - first) / decided),
    })
}
