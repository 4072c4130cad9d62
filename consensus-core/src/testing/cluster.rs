//! A deterministic cluster in memory, for engines' own tests.

mod controls;
mod disk;
mod inbound;
mod node;
mod options;
mod outputs;
mod queries;
mod supply;

pub use options::{Load, Options};

use super::{Mock, Random, mock_validators};
use crate::{
    ChainId, Checkpoint, Digest, Domain, Epoch, Evidence, Fault, Height, Input, Kind,
    LeaderSchedule, Note, Payload, Protocol, Recovered, ReplicaId, Setup, Signed, SignerSet,
    Ticket, Time, ValidatorSet, Verified,
};
use node::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use supply::RequestNumber;

/// Most events handled in one call of [`Cluster::run_until`]: more means that engines talk without
/// end.
const MOST_EVENTS: u64 = 20_000_000;

/// Something scheduled.
struct Event<P: Protocol<Scheme = Mock>> {
    to: ReplicaId,
    /// The run of the replica that it belongs to; `None` for what comes over the network.
    run: Option<u64>,
    what: What<P>,
}

enum What<P: Protocol<Scheme = Mock>> {
    /// A message from the network, with the peer that vouches for it.
    Arrive(Option<ReplicaId>, Signed<P>),
    /// A replica's own copy of what it said.
    Own(Verified<P>),
    Input(Input<P>),
    Tick,
    Synced,
    Stored(Height),
    Stable(Arc<Checkpoint<Mock>>),
    Build(Ticket),
    FetchPayload(Digest, SignerSet),
    Fetch,
}

type Filter<P> = Box<dyn FnMut(ReplicaId, ReplicaId, &<P as Protocol>::Body) -> bool>;
type Corruption<P> =
    Box<dyn FnMut(ReplicaId, &<P as Protocol>::Body) -> Vec<(ReplicaId, <P as Protocol>::Body)>>;

/// A deterministic cluster in memory: replicas of one engine in virtual time, with everything that
/// the contract of [`Protocol`] lets the world do to them.
///
/// * Messages take a random time, overtake each other, and may be lost or doubled; links can be
///   cut and messages held back ([`Cluster::cut`], [`Cluster::block`]).
/// * Disks are lazy: an entry is durable some time after it was written, a message leaves only
///   when the entry that it names is, and a crash loses the rest ([`Cluster::restart`]).
/// * Each run of a replica has a clock of its own, ticks come early and twice now and then, and
///   answers to cancelled tickets arrive all the same.
/// * Payloads, missing decisions, checkpoints and state transfer come from the cluster.
///
/// It checks, and panics with the seed if not so: decisions come in order without gaps, their
/// proofs convince, honest replicas agree at every height, and they never blame or accuse an
/// honest one. A replica is honest unless the test makes it faulty ([`Cluster::corrupt`],
/// [`Cluster::say`]); silent and restarted ones are honest.
///
/// The same options and calls give the same run; [`Cluster::fingerprint`] tells.
///
/// # Example
///
/// An engine's test of a silent replica:
///
/// ```
/// use quorate_core::testing::{Cluster, Mock, Options};
/// use quorate_core::{Height, Protocol, ReplicaId};
/// use std::time::Duration;
///
/// fn one_silent_replica_stops_nobody<P: Protocol<Scheme = Mock>>() {
///     let mut cluster = Cluster::<P>::new(Options { seed: 7, ..Options::default() });
///     cluster.silence(ReplicaId(3));
///     let done = cluster.run_until(
///         |cluster| cluster.decided(ReplicaId(0)) >= Height(20),
///         Duration::from_secs(60),
///     );
///     assert!(done, "{}", cluster.report());
///
///     // A power cut: everything that was not durable is gone.
///     for id in cluster.ids() {
///         cluster.restart(id);
///     }
///     cluster.expect(
///         "they go on where they were",
///         |cluster| cluster.decided(ReplicaId(0)) >= Height(40),
///         Duration::from_secs(60),
///     );
/// }
/// ```
pub struct Cluster<P: Protocol<Scheme = Mock>> {
    options: Options<P>,
    random: Random,
    now: Time,
    validators: Arc<ValidatorSet>,
    leaders: Arc<dyn LeaderSchedule>,
    scheme: Mock,
    domain: Domain,
    nodes: Vec<Node<P>>,
    /// By time, and then in the order in which they were scheduled.
    queue: BTreeMap<(Time, u64), Event<P>>,
    scheduled: u64,
    silent: BTreeSet<ReplicaId>,
    faulty: BTreeSet<ReplicaId>,
    cuts: BTreeSet<(ReplicaId, ReplicaId)>,
    filter: Option<Filter<P>>,
    corruptions: BTreeMap<ReplicaId, Corruption<P>>,
    accepts: Box<dyn Fn(&Payload) -> bool>,
    /// When each request was received.
    requests: Vec<Time>,

    /// Payloads built, with the request in each.
    built: BTreeMap<Digest, RequestNumber>,
    /// What honest replicas have decided.
    decided: BTreeMap<Height, Digest>,
    checkpoints: BTreeMap<Height, Arc<Checkpoint<Mock>>>,
    blames: Vec<(ReplicaId, ReplicaId, Fault)>,
    evidence: Vec<Evidence<P>>,
    notes: Vec<(ReplicaId, Note)>,
    sent: BTreeMap<Kind, u64>,
    fingerprint: blake3::Hasher,
}

impl<P: Protocol<Scheme = Mock>> Cluster<P> {
    /// Starts a fresh cluster.
    ///
    /// # Panics
    ///
    /// If the powers make no validator set.
    #[must_use]
    pub fn new(options: Options<P>) -> Self {
        let validators = mock_validators(&options.powers);
        let mut random = Random::new(options.seed);
        let secret = blake3::hash(&random.number().to_le_bytes());
        let mut cluster = Self {
            leaders: Arc::new((options.rotation)(&validators)),
            scheme: Mock::new(Arc::clone(&validators), *secret.as_bytes()),
            domain: Domain {
                engine: P::ENGINE,
                wire: P::WIRE,
                chain: ChainId(options.seed),
                epoch: Epoch(0),
            },
            nodes: validators.ids().map(|_| Node::new()).collect(),
            validators,
            random,
            options,
            now: Time::ZERO,
            queue: BTreeMap::new(),
            scheduled: 0,
            silent: BTreeSet::new(),
            faulty: BTreeSet::new(),
            cuts: BTreeSet::new(),
            filter: None,
            corruptions: BTreeMap::new(),
            accepts: Box::new(|_| true),
            requests: Vec::new(),

            built: BTreeMap::new(),
            decided: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            blames: Vec::new(),
            evidence: Vec::new(),
            notes: Vec::new(),
            sent: BTreeMap::new(),
            fingerprint: blake3::Hasher::new(),
        };
        for id in cluster.ids() {
            cluster.start(id);
        }
        cluster
    }

    /// The replicas.
    #[must_use]
    pub fn ids(&self) -> Vec<ReplicaId> {
        self.validators.ids().collect()
    }

    fn start(&mut self, id: ReplicaId) {
        let clock = self.random.below(1 << 40);
        // Pruning is at the log's convenience: some of what may be gone still shows up.
        let pruned = self.nodes[id.index()].disk.pruned().0;
        let cut = crate::Seq(pruned - self.random.below(pruned + 1));
        let node = &mut self.nodes[id.index()];
        node.run += 1;
        node.clock = clock;
        node.started = self.now;
        node.disk.cut(cut);
        let payloads = node.disk.payloads();
        node.payloads = payloads.map(|it| (*it.digest(), it.clone())).collect();
        node.outbox = crate::Outbox::new(node.disk.durable());
        let recovered = Recovered {
            records: node.disk.records(),
            decided: node.ledger.get(&node.stored).cloned(),
            stable: node.stable.clone(),
        };
        let setup = Setup {
            me: id,
            chain: self.domain.chain,
            epoch: self.domain.epoch,
            validators: Arc::clone(&self.validators),
            scheme: self.scheme.clone(),
            leaders: Arc::clone(&self.leaders),
            config: self.options.config.clone(),
        };
        let now = node.local(self.now);
        node.engine = Some(P::start(setup, recovered, now, &mut node.outbox));
        let stored = node.stored;
        if stored > Height::GENESIS {
            self.input(id, Input::Executed(stored));
        }
        let newest = self.checkpoints.range(..=stored).next_back();
        if let Some(stable) = newest.map(|(_, stable)| Arc::clone(stable)) {
            self.after(Duration::ZERO, id, What::Stable(stable));
        }
        self.settle(id);
        self.keep_loaded(id);
        self.tell_waiting(id);
    }

    /// Crashes a replica: whatever was not durable is lost. It stays down.
    pub fn stop(&mut self, id: ReplicaId) {
        let executed = self.executed_up_to(self.nodes[id.index()].stored);
        let node = &mut self.nodes[id.index()];
        node.crash();
        node.executed.clear();
        node.frontier = 0;
        node.execute(executed);
    }

    /// Crashes a replica if it is up, and starts it again from its disk.
    pub fn restart(&mut self, id: ReplicaId) {
        self.stop(id);
        self.start(id);
    }

    /// Whether the replica is up.
    #[must_use]
    pub fn is_running(&self, id: ReplicaId) -> bool {
        self.nodes[id.index()].engine.is_some()
    }

    fn queue_at(&mut self, at: Time, event: Event<P>) {
        self.scheduled += 1;
        self.queue.insert((at, self.scheduled), event);
    }

    /// Runs until `done` or for `limit` of virtual time; says whether it is done.
    ///
    /// # Panics
    ///
    /// If a check of the cluster fails.
    #[must_use]
    pub fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool, limit: Duration) -> bool {
        let end = self.now.after(limit);
        for _ in 0..MOST_EVENTS {
            if done(self) {
                return true;
            }
            let next = self.queue.first_entry().filter(|next| next.key().0 <= end);
            let Some(next) = next else {
                self.now = end;
                return false;
            };
            let ((at, _), event) = next.remove_entry();
            self.now = at;
            self.handle(event);
        }
        panic!("{MOST_EVENTS} events in one run: {}", self.report());
    }

    /// Runs for some virtual time.
    pub fn run_for(&mut self, time: Duration) {
        let done = self.run_until(|_| false, time);
        debug_assert!(!done, "nothing ends it early");
    }

    /// Runs until `done`.
    ///
    /// # Panics
    ///
    /// If that takes longer than `limit`, with a report of where everyone stands.
    pub fn expect(&mut self, what: &str, done: impl FnMut(&Self) -> bool, limit: Duration) {
        let done = self.run_until(done, limit);
        assert!(done, "not within {limit:?}: {what}\n{}", self.report());
    }

    fn handle(&mut self, event: Event<P>) {
        let Event { to, run, what } = event;
        let node = &mut self.nodes[to.index()];
        if node.engine.is_none() || run.is_some_and(|run| run != node.run) {
            return;
        }
        match what {
            What::Arrive(link, signed) => self.arrive(to, link, signed),
            What::Own(message) => self.step(to, Input::Message(message)),
            What::Input(input) => self.step(to, input),
            What::Tick => self.tick(to),
            What::Synced => self.synced(to),
            What::Stored(height) => self.stored(to, height),
            What::Stable(stable) => {
                let known = node.stable.as_ref().map(|it| it.claim.height);
                if known < Some(stable.claim.height) {
                    node.stable = Some(Arc::clone(&stable));
                    self.step(to, Input::Stable(stable));
                }
            }
            What::Build(ticket) => self.finish_build(to, ticket),
            What::FetchPayload(digest, from) => self.fetch_payload(to, digest, from),
            What::Fetch => self.fetch(to),
        }
    }
}

impl<P: Protocol<Scheme = Mock>> fmt::Debug for Cluster<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report())
    }
}
