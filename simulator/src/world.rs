//! Virtual time, and everything that happens in it.

use crate::HashChain;
use crate::adversary::{Behaviour, Power, is_restless};
use crate::audit::Audit;
use crate::checks::Checks;
use crate::network::Network;
use crate::node::Node;
use crate::oracle::{Oracles, Trial, Violation};
use crate::queue::Queue;
use crate::scheme::{Keys, SimulatedScheme};
use crate::stream::stream;
use crate::trace::{Happening, Tracer};
use crate::{Counts, Engine, Latency, Options};
use quorate_core::testing::Random;
use quorate_core::{
    Application, ChainId, Decision, Domain, Epoch, Frame, Height, ReplicaId, RequestId, Time,
    ValidatorSet,
};
use quorate_replica::driver::Event;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What happens at a replica.
#[derive(Debug)]
pub(crate) enum What<P: Engine> {
    /// A frame arrives, whatever run the replica is in.
    Arrives(ReplicaId, Frame),
    /// Something of this run's own reaches the driver.
    Event(u64, Event<P>),
    /// The driver wanted a tick now.
    Tick(u64),
    /// An adversary's power goes off or on.
    Switch,
    /// The sync of the safety log has ended.
    Synced(u64),
    /// The application has executed a decision.
    Executed(u64, Decision<P>),
    /// The block store is done with the oldest that it has been given.
    Stored(u64),
}

/// Makes the application of a replica that starts.
pub type Factory = Arc<dyn Fn(ReplicaId) -> Box<dyn Application> + Send + Sync>;

impl<P: Engine> What<P> {
    /// The run that it belongs to.
    pub(crate) const fn run(&self) -> Option<u64> {
        match self {
            Self::Arrives(..) | Self::Switch => None,
            Self::Event(run, _)
            | Self::Tick(run)
            | Self::Synced(run)
            | Self::Executed(run, _)
            | Self::Stored(run) => Some(*run),
        }
    }

    /// Whether it ends something that the replica has begun itself.
    pub(crate) const fn is_work(&self) -> bool {
        !matches!(self, Self::Arrives(..) | Self::Tick(_) | Self::Switch)
    }
}

/// A cluster in a virtual world.
pub struct World<P: Engine> {
    pub(crate) options: Options,
    pub(crate) validators: Arc<ValidatorSet>,
    pub(crate) scheme: P::Scheme,
    pub(crate) signers: Vec<<P::Scheme as SimulatedScheme>::Signer>,
    pub(crate) domain: Domain,
    pub(crate) leaders: quorate_core::Rotation,
    pub(crate) now: Time,
    pub(crate) queue: Queue<(ReplicaId, What<P>)>,
    pub(crate) network: Network,
    pub(crate) nodes: Vec<Node<P>>,
    pub(crate) checks: Checks,
    pub(crate) disk_random: Random,
    pub(crate) work_random: Random,
    pub(crate) crash_random: Random,
    pub(crate) sync_random: Random,
    pub(crate) store_random: Random,
    /// Whether disks may fail.
    pub(crate) troubled: bool,
    pub(crate) requests: u64,
    pub(crate) tracer: Tracer,
    pub(crate) ids: Vec<ReplicaId>,
    pub(crate) application: Factory,
    pub(crate) trial: Trial,
    pub(crate) oracles: Oracles,
    pub(crate) violation: Option<Violation>,
    pub(crate) audit: Audit,
    /// The request that a mempool refused last, and why.
    pub(crate) refused: Option<(RequestId, String)>,
    pub(crate) adversary_random: Random,
}

impl<P: Engine> std::fmt::Debug for World<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "world {} at {:?}", self.options.seed, self.now)
    }
}

impl<P: Engine> World<P> {
    /// A world whose replicas are all down.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::with_application(options, Arc::new(|_| Box::new(HashChain::default())))
    }

    /// A world whose replicas are all down, and run an application of the caller's.
    ///
    /// The factory is called at every start: the application then executes again what the
    /// replica's block store has.
    #[must_use]
    pub fn with_application(options: Options, application: Factory) -> Self {
        let Keys {
            validators,
            scheme,
            signers,
        } = P::Scheme::keys(options.seed, &options.powers);
        let domain = Domain {
            engine: P::ENGINE,
            wire: P::WIRE,
            chain: ChainId(1),
            epoch: Epoch(0),
        };
        let trial = Trial {
            powers: options.powers.clone(),
            adversaries: BTreeSet::new(),
            phases: P::phases(),
        };
        Self {
            leaders: P::leaders(&validators),
            nodes: (0..options.powers.len())
                .map(|index| Node::new(options.clock(index)))
                .collect(),
            network: Network::new(options.network.clone(), options.seed),
            disk_random: stream(options.seed, "disk"),
            work_random: stream(options.seed, "work"),
            crash_random: stream(options.seed, "crash"),
            sync_random: stream(options.seed, "sync failure"),
            store_random: stream(options.seed, "store failure"),
            troubled: true,
            scheme,
            signers,
            domain,
            now: Time::ZERO,
            queue: Queue::default(),
            checks: Checks::default(),
            requests: 0,
            tracer: Tracer::of(&options),
            ids: validators.ids().collect(),
            oracles: Oracles::new(&trial),
            trial,
            application,
            violation: None,
            audit: Audit::new(),
            refused: None,
            adversary_random: stream(options.seed, "adversary"),
            validators,
            options,
        }
    }

    /// A world whose replicas have all just started.
    #[must_use]
    pub fn started(options: Options) -> Self {
        let mut world = Self::new(options);
        for id in world.ids() {
            world.start(id);
        }
        world
    }

    /// The replicas.
    #[must_use]
    pub fn ids(&self) -> Vec<ReplicaId> {
        self.ids.clone()
    }

    /// The virtual time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// What has happened so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.checks.counts
    }

    /// How long requests have taken so far.
    #[must_use]
    pub const fn latency(&self) -> Latency {
        self.checks.latency
    }

    /// Begins to measure latencies anew.
    pub fn reset_latency(&mut self) {
        self.checks.latency = Latency::default();
    }

    /// Whether a replica is up.
    #[must_use]
    pub fn is_up(&self, id: ReplicaId) -> bool {
        self.nodes[id.index()].running.is_some()
    }

    /// The last height that a replica has executed; genesis if it is down.
    #[must_use]
    pub fn executed(&self, id: ReplicaId) -> Height {
        let running = self.nodes[id.index()].running.as_ref();
        running.map_or(Height::GENESIS, |running| running.executor.height())
    }

    /// Height of the stable checkpoint that a replica's store has.
    #[must_use]
    pub fn stable(&self, id: ReplicaId) -> Height {
        let stable = self.nodes[id.index()].store.stable();
        stable.map_or(Height::GENESIS, |stable| stable.claim.height)
    }

    /// Entries in a replica's safety log.
    #[must_use]
    pub fn log_entries(&self, id: ReplicaId) -> usize {
        self.nodes[id.index()].log.entries()
    }

    /// Cuts the replicas of a group off from all others.
    pub fn cut(&mut self, group: &[ReplicaId]) {
        self.trace_all(|| Happening::links(format!("{group:?} are cut off")));
        for id in self.ids() {
            for other in self.ids() {
                if group.contains(&id) != group.contains(&other) {
                    self.network.cut(id, other);
                }
            }
        }
    }

    /// Cuts one direction of a link.
    pub fn cut_link(&mut self, from: ReplicaId, to: ReplicaId) {
        self.trace_all(|| Happening::links(format!("{from:?} to {to:?} is cut")));
        self.network.cut(from, to);
    }

    /// Mends every link.
    pub fn heal(&mut self) {
        self.trace_all(|| Happening::links("all links are mended"));
        self.network.heal(self.now);
    }

    /// Mends every link, and loses nothing from now on.
    pub fn end_faults(&mut self) {
        self.heal();
        self.network.set_loss(0, 0);
    }

    /// Where a replica stands, for people.
    #[must_use]
    pub fn describe(&self, id: ReplicaId) -> String {
        let node = &self.nodes[id.index()];
        let Some(running) = &node.running else {
            return format!("{id:?} is down");
        };
        let driver = &running.driver;
        format!(
            "{id:?}: {:?}, executed {:?}, pending {} bytes, oldest of its clients' {:?}, deadline {:?}",
            driver.status(),
            driver.executed_height(),
            driver.pending_bytes(),
            self.checks.oldest_at(id),
            driver.deadline().map(|at| node.global(at)),
        )
    }

    /// What an oracle has objected to.
    #[must_use]
    pub const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// A hash of everything that has happened, in order.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.audit.hash()
    }

    /// Makes a replica an adversary with these behaviours. Before it starts.
    pub fn corrupt(&mut self, id: ReplicaId, behaviours: &[Behaviour]) {
        self.nodes[id.index()].mind = Some(crate::adversary::mind(behaviours, &self.scheme));
        self.trial.adversaries.insert(id);
        self.oracles = Oracles::new(&self.trial);
        if is_restless(behaviours) {
            let after = Power::On.lasts(self.options.timeout, &mut self.adversary_random);
            self.schedule(after, id, What::Switch);
        }
    }

    /// Whether a replica follows the protocol.
    #[must_use]
    pub fn is_correct(&self, id: ReplicaId) -> bool {
        self.trial.is_correct(id)
    }
}

impl<P: Engine> Drop for World<P> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in self.tracer.recent() {
                eprintln!("{line}");
            }
            eprintln!(
                "seed {} of {} with {} replicas failed at {:?}; QUORATE_TRACE=1 shows the way",
                self.options.seed,
                P::NAME,
                self.nodes.len(),
                self.now
            );
        }
    }
}
