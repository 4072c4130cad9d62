//! Starting a replica: from what survived to running tasks.

use super::admission::Admission;
use super::execution::Execution;
use super::forwards::Forwards;
use super::inbound::{INBOUND_BYTES, InboundTask};
use super::store::StableState;
use super::task::DriverTask;
use super::verification::{PayloadRule, Verification};
use super::{Clock, PeerWork, ReplicaStatus, logging, serving, store};
use crate::driver::{Driver, Survived};
use crate::entry;
use crate::handle::{ReplicaHandle, Shared, Waiters};
use crate::{Executor, ReplicaConfig, ReplyLimits, StartError};
use quorate_core::{
    Application, BlockStore, Checkpoint, CheckpointClaim, Decision, Height, Payload, Place,
    Protocol, SafetyLog, Scheme, Seq, Setup, Signer, Time, Transport,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Instant;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

/// Network turns that may wait for the driver; beyond it the transport's queues fill.
const INBOUND_TURNS: usize = 16;

/// Everything that a replica is made of.
pub struct Parts<P: Protocol, A: Application> {
    /// What all replicas agree on, and which one this is.
    pub setup: Setup<P>,
    /// The replica's options.
    pub config: ReplicaConfig,
    /// What executes requests, in its state at genesis.
    pub application: A,
    /// Carries messages.
    pub transport: Arc<dyn Transport>,
    /// Signs them.
    pub signer: Arc<dyn Signer<P::Scheme>>,
    /// The safety log.
    pub log: Box<dyn SafetyLog>,
    /// What survived in it.
    pub entries: Vec<(Seq, Vec<u8>)>,
    /// The block store.
    pub store: Arc<dyn BlockStore>,
    /// Threads for signature checks; `None` makes a pool of this replica's own.
    pub pool: Option<Arc<rayon::ThreadPool>>,
    /// Never to speak: for tests of the others.
    pub silent: bool,
}

impl<P: Protocol, A: Application> std::fmt::Debug for Parts<P, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "parts of replica {}", self.setup.me)
    }
}

/// A pool of threads for signature checks: as many as there are processors.
///
/// # Errors
///
/// If the operating system refuses a thread.
pub fn thread_pool() -> std::io::Result<Arc<rayon::ThreadPool>> {
    let builder = rayon::ThreadPoolBuilder::new().thread_name(|index| format!("quorate-{index}"));
    builder.build().map(Arc::new).map_err(std::io::Error::other)
}

/// Starts a replica on the current tokio runtime.
///
/// The application is first brought up to the last stored block; that may take long.
///
/// # Errors
///
/// If the configuration makes no sense, what is on disk cannot be used, or a thread cannot be
/// started.
pub async fn start<P: Protocol, A: Application>(
    parts: Parts<P, A>,
) -> Result<ReplicaHandle, StartError> {
    parts
        .config
        .check_frame_bytes(parts.setup.validators.len())?;
    // Replaying blocks runs the application.
    let restored = tokio::task::spawn_blocking(move || Restored::new(parts));
    let restored = restored.await.unwrap_or_else(|panic| {
        std::panic::resume_unwind(panic.into_panic());
    })?;
    restored.run()
}

/// How much is admitted. A stable leader is suspected when a request has waited for the timeout, so
/// the oldest may come to a quarter of that. Rotating leaders are not: there a failed leader costs
/// each of its turns a timeout, and what is admitted must last for a whole turn of the others.
fn admission<P: Protocol>(config: &ReplicaConfig) -> Admission {
    const TURN: usize = 256 << 10;
    let timeout = config.driver.forward_timeout;
    let (least, target) = if P::ROTATES {
        (TURN, timeout / 2)
    } else {
        (0, timeout / 4)
    };
    Admission::new(least, config.submitted_bytes, target)
}

/// The parts, with an application that is up to date.
struct Restored<P: Protocol, A: Application> {
    setup: Setup<P>,
    config: ReplicaConfig,
    transport: Arc<dyn Transport>,
    signer: Arc<dyn Signer<P::Scheme>>,
    log: Box<dyn SafetyLog>,
    store: Arc<dyn BlockStore>,
    pool: Option<Arc<rayon::ThreadPool>>,
    silent: bool,
    executor: Executor<A>,
    survived: Survived<P>,
}

/// Waits until the threads have ended, which they do when nobody sends them work any more.
async fn join(threads: [std::thread::JoinHandle<()>; 3]) {
    let join = move || {
        for thread in threads {
            // A thread that panicked has said so, and holds nothing any more.
            let _ = thread.join();
        }
    };
    // An error says that the runtime is going down.
    let _ = tokio::task::spawn_blocking(join).await;
}

fn read_log<P: Protocol>(entries: Vec<(Seq, Vec<u8>)>) -> Result<Survived<P>, StartError> {
    let mut survived = Survived::default();
    for (seq, bytes) in entries {
        let entry = entry::decode(&bytes).ok_or(StartError::ForeignLog(seq.0))?;
        survived.log.push((seq, entry));
        survived.last = seq;
    }
    Ok(survived)
}

fn read_block<P: Protocol>(
    store: &dyn BlockStore,
    height: Height,
) -> Result<Decision<P>, StartError> {
    let block = store.get(height)?.ok_or(StartError::MissingBlock(height))?;
    borsh::from_slice(&block.decision).map_err(|_| StartError::ForeignBlock(height))
}

/// Reads the stable checkpoint, and puts the executor at its snapshot, if it has one.
fn restore<P: Protocol, A: Application>(
    store: &dyn BlockStore,
    executor: &mut Executor<A>,
) -> Result<Option<Arc<Checkpoint<P::Scheme>>>, StartError> {
    let Some(bytes) = store.checkpoint()? else {
        return Ok(None);
    };
    let bad = |error: &dyn std::fmt::Display| StartError::Snapshot(error.to_string());
    let state: StableState = borsh::from_slice(&bytes).map_err(|error| bad(&error))?;
    if let Some((claim, snapshot)) = state.snapshot {
        executor
            .restore(&snapshot, &claim)
            .map_err(|error| bad(&error))?;
    }
    let checkpoint = borsh::from_slice(&state.checkpoint).map_err(|error| bad(&error))?;
    Ok(Some(Arc::new(checkpoint)))
}

impl<P: Protocol, A: Application> Restored<P, A> {
    fn new(parts: Parts<P, A>) -> Result<Self, StartError> {
        let mut survived = read_log::<P>(parts.entries)?;
        let interval = parts.config.driver.checkpoint_interval;
        let mut executor = Executor::new(parts.application, ReplyLimits::default(), interval);
        survived.stable = restore::<P, A>(&*parts.store, &mut executor)?;
        if let Some((_, last)) = parts.store.bounds()? {
            while executor.height() < last {
                let height = executor.height().next();
                let decision = read_block::<P>(&*parts.store, height)?;
                let executed = executor.execute(height, &decision.payload);
                let payload = *decision.payload.digest();
                survived
                    .claims
                    .extend(executed.state.map(|state| CheckpointClaim {
                        height,
                        payload,
                        state,
                    }));
            }
            survived.decided = Some(read_block(&*parts.store, last)?);
        }
        Ok(Self {
            setup: parts.setup,
            config: parts.config,
            transport: parts.transport,
            signer: parts.signer,
            log: parts.log,
            store: parts.store,
            pool: parts.pool,
            silent: parts.silent,
            executor,
            survived,
        })
    }

    fn first_status(&self) -> ReplicaStatus {
        let stable = self
            .survived
            .stable
            .as_ref()
            .map(|stable| stable.claim.height);
        ReplicaStatus {
            me: self.setup.me,
            place: Place::default(),
            leader: self.setup.leaders.leader(Place::default()),
            decided: self.executor.height(),
            executed: self.executor.height(),
            stable: stable.unwrap_or(Height::GENESIS),
            pending_bytes: 0,
            peer_work: PeerWork::default(),
            evidence: 0,
            failure: None,
        }
    }

    /// Starts the threads and tasks.
    fn run(self) -> Result<ReplicaHandle, StartError> {
        let clock = Clock(Instant::now());
        let pool = self.pool.clone().map_or_else(thread_pool, Ok)?;
        let (internal_sender, internal) = mpsc::unbounded_channel();
        let (inbound_sender, inbound) = mpsc::channel(INBOUND_TURNS);
        let (submissions_sender, submissions) = mpsc::unbounded_channel();
        let (status, published) = watch::channel(self.first_status());
        let (stop, stopping) = watch::channel(false);
        let (stopped_sender, stopped) = watch::channel(false);
        let waiters = Arc::new(Waiters::default());
        let silent = Arc::new(AtomicBool::new(self.silent));
        let syncs = Arc::new(AtomicU64::new(0));
        let limits = self.config.driver.mempool;
        let check = self.executor.payload_check(limits);
        let rule: Arc<PayloadRule> = {
            let check = check.clone();
            Arc::new(move |payload: &Payload| check.check(payload).is_ok())
        };
        let (replies, application) = (self.executor.replies(), self.executor.application());
        let domain = self.setup.domain();
        let (log, log_thread) =
            logging::start(self.log, internal_sender.clone(), Arc::clone(&syncs))?;
        let (store_work, store_thread) = store::start::<P>(
            Arc::clone(&self.store),
            self.config.retention,
            internal_sender.clone(),
        )?;
        let execution = Execution {
            executor: self.executor,
            waiters: Arc::clone(&waiters),
            store: store_work,
            events: internal_sender.clone(),
            snapshots: BTreeMap::new(),
        };
        let (execution, execution_thread) = execution.start()?;
        let threads = [execution_thread, log_thread, store_thread];
        let validators = self.setup.validators.len();
        let forwards = Arc::new(Forwards::new(
            Arc::clone(&pool),
            Arc::clone(&rule),
            Arc::clone(&self.transport),
            internal_sender.clone(),
            (validators, limits.batch_bytes),
        ));
        let forwarding = Arc::clone(&forwards.shares);
        let inbound_task = InboundTask {
            transport: Arc::clone(&self.transport),
            domain,
            frame_bytes: self.config.frame_bytes,
            forwards,
            events: inbound_sender,
            bytes: Arc::new(Semaphore::new(INBOUND_BYTES)),
        };
        let verification = Verification {
            pool,
            domain,
            scheme: self.setup.scheme.clone(),
            rule,
            events: internal_sender.clone(),
        };
        let others = self
            .setup
            .validators
            .ids()
            .filter(|id| *id != self.setup.me)
            .collect();
        let admission = admission::<P>(&self.config);
        let (me, scheme) = (self.setup.me, self.setup.scheme.clone());
        let driver = Driver::start(
            self.setup,
            self.config.driver.clone(),
            self.survived,
            clock.now(),
        );
        let room = admission.room();
        let task = DriverTask {
            admission,
            others,
            driver,
            clock,
            me,
            domain,
            transport: Arc::clone(&self.transport),
            signer: self.signer,
            store: self.store,
            verification,
            log,
            execution,
            internal_sender,
            internal,
            inbound,
            submissions,
            waiters: Arc::clone(&waiters),
            silent: Arc::clone(&silent),
            status,
            published: Time::ZERO,
            unpublished: false,
            entries: Vec::new(),
            reads: JoinSet::new(),
            reading: serving::reads(validators),
            forwarding,
        };
        tokio::spawn(inbound_task.run());
        tokio::spawn(async move {
            task.run(stopping).await;
            // What was decided is stored, and the files are closed: the directory is free.
            join(threads).await;
            stopped_sender.send_replace(true);
        });
        let transport = self.transport;
        Ok(ReplicaHandle(Arc::new(Shared {
            submissions: submissions_sender,
            room,
            request_bytes: limits.request_bytes,
            waiters,
            check: Box::new(move |request| check.check_request(request)),
            window: Box::new(move |client| replies.window(client)),
            query: Box::new(move |question| {
                application
                    .read()
                    .expect("the application panicked")
                    .query(question)
            }),
            status: published,
            traffic: Box::new(move || transport.counters()),
            signatures: Box::new(move || scheme.counters()),
            syncs,
            silent,
            stop,
            stopped,
        })))
    }
}
