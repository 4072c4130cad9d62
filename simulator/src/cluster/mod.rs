//! The simulator for users: an application of their own on a cluster with faults and liars.

mod any;
mod error;
mod shared;
mod simulation;
#[cfg(test)]
mod tests;

pub use error::{Cause, ClusterError};
pub use simulation::Simulation;

use crate::{
    Behaviour, EngineKind, HashChain, NetworkOptions, Options, SchemeKind, TraceEvent, TraceSink,
};
use quorate_core::testing::mock_validator_set;
use quorate_core::{Application, QuorumPower, ReplicaId};
use shared::Applications;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

type Make<A> = Arc<dyn Fn(ReplicaId) -> A + Send + Sync>;

/// A cluster to be simulated: which engine, which application, which faults, which liars.
///
/// The replicas run Quorate's production code in one thread and virtual time: an hour of theirs
/// takes seconds, and the same seed gives the same run. On every event oracles check that all
/// correct replicas agree, that they execute each request once, and that their applications are
/// in equal states; what they object to is the error of the call that made it happen.
///
/// ```
/// use quorate_core::{Application, Height, RequestRef};
/// use quorate_simulator::{Behaviour, Cluster, EngineKind};
///
/// struct Counter(u64);
///
/// impl Application for Counter {
///     fn execute(&mut self, _: Height, request: RequestRef<'_>) -> Vec<u8> {
///         self.0 += request.body.len() as u64;
///         self.0.to_string().into_bytes()
///     }
/// }
///
/// # fn main() -> Result<(), quorate_simulator::ClusterError> {
/// for seed in 0..5 {
///     let mut cluster = Cluster::new(7)
///         .engine(EngineKind::Tendermint)
///         .application(|_| Counter(0))
///         .byzantine([2, 4], Behaviour::Equivocate)
///         .seed(seed)
///         .start()?;
///     assert_eq!(cluster.call(0, "four")?, b"4");
///     assert_eq!(cluster.call(1, "more")?, b"8");
///     cluster.settle()?;
///     assert_eq!(cluster.application(6, |counter| counter.0), Some(8));
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a cluster does nothing before it is started"]
pub struct Cluster<A = HashChain> {
    engine: EngineKind,
    scheme: SchemeKind,
    options: Options,
    behaviours: BTreeMap<u16, Vec<Behaviour>>,
    adversaries: Adversaries,
    make: Make<A>,
    trace: Option<TraceSink>,
}

/// How many adversaries there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Adversaries {
    Tolerated,
    AnyNumber,
}

impl<A> std::fmt::Debug for Cluster<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("engine", &self.engine)
            .field("scheme", &self.scheme)
            .field("options", &self.options)
            .field("behaviours", &self.behaviours)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// So many replicas of equal power, numbered from 0. Unless told otherwise they run PBFT with
    /// an application that hashes all requests into a chain, on a network that delays messages by
    /// 1 to 5 ms and loses none, with seed 0.
    pub fn new(replicas: usize) -> Self {
        Self {
            engine: EngineKind::Pbft,
            scheme: SchemeKind::Mock,
            options: Options::new(0, replicas),
            behaviours: BTreeMap::new(),
            adversaries: Adversaries::Tolerated,
            make: Arc::new(|_| HashChain::default()),
            trace: None,
        }
    }
}

impl<A: Application> Cluster<A> {
    /// Which engine orders the requests.
    pub const fn engine(mut self, engine: EngineKind) -> Self {
        self.engine = engine;
        self
    }

    /// How the replicas sign. The mock scheme is the default: nobody here can forge it, and real
    /// signatures show nothing more but take longer.
    pub const fn scheme(mut self, scheme: SchemeKind) -> Self {
        self.scheme = scheme;
        self
    }

    /// The seed of everything random. The same cluster with the same seed gives the same run.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// What the replicas execute. Called at every start of a replica, which then executes again
    /// what its block store has.
    pub fn application<B: Application>(
        self,
        make: impl Fn(ReplicaId) -> B + Send + Sync + 'static,
    ) -> Cluster<B> {
        Cluster {
            engine: self.engine,
            scheme: self.scheme,
            options: self.options,
            behaviours: self.behaviours,
            adversaries: self.adversaries,
            make: Arc::new(make),
            trace: self.trace,
        }
    }

    /// Makes replicas adversaries. One that is named several times misbehaves in all these ways.
    pub fn byzantine(
        mut self,
        replicas: impl IntoIterator<Item = u16>,
        behaviour: Behaviour,
    ) -> Self {
        for replica in replicas {
            self.behaviours.entry(replica).or_default().push(behaviour);
        }
        self
    }

    /// Lets [`Self::start`] accept more adversaries than the cluster tolerates. What they break
    /// is then found, and is no bug.
    pub const fn allow_too_many(mut self) -> Self {
        self.adversaries = Adversaries::AnyNumber;
        self
    }

    /// The voting power of each replica, instead of 1. It also says how many replicas there are.
    pub fn powers(mut self, powers: impl Into<Vec<u64>>) -> Self {
        self.options.powers = powers.into();
        self
    }

    /// What the network does to messages.
    pub fn network(mut self, network: NetworkOptions) -> Self {
        self.options.network = network;
        self
    }

    /// So many messages in a thousand are lost, and a third as many arrive twice.
    pub fn lossy(mut self, per_mille: u32) -> Self {
        self.options = self.options.lossy(per_mille);
        self
    }

    /// The engine's request or view timeout, one second by default.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// Hands every event of the run to somebody. Without this nothing is put into words.
    pub fn trace(mut self, take: impl FnMut(&TraceEvent) + Send + 'static) -> Self {
        self.trace = Some(Box::new(take));
        self
    }

    /// Changes anything else about the world.
    pub fn configure(mut self, configure: impl FnOnce(&mut Options)) -> Self {
        configure(&mut self.options);
        self
    }

    /// Starts all replicas, and lets virtual time pass until something holds.
    ///
    /// # Errors
    ///
    /// Those of [`Self::start`] and [`Simulation::run_until`].
    pub fn run_until(
        self,
        within: Duration,
        holds: impl Fn(&Simulation<A>) -> bool,
    ) -> Result<Simulation<A>, ClusterError> {
        let mut simulation = self.start()?;
        simulation.run_until(within, holds)?;
        Ok(simulation)
    }

    /// Starts all replicas, at virtual time zero.
    ///
    /// # Errors
    ///
    /// If the powers make no cluster, an adversary does not exist, or the adversaries have more
    /// power than is tolerated.
    pub fn start(self) -> Result<Simulation<A>, ClusterError> {
        let error = |cause| ClusterError {
            engine: self.engine,
            seed: self.options.seed,
            cause,
        };
        let power = power(&self.options.powers).map_err(error)?;
        let replicas = self.options.powers.len();
        let mut adverse = 0;
        for replica in self.behaviours.keys().copied() {
            let own = self.options.powers.get(usize::from(replica));
            adverse += own.ok_or_else(|| error(Cause::UnknownReplica { replica, replicas }))?;
        }
        if adverse > power.faulty() && self.adversaries == Adversaries::Tolerated {
            return Err(error(Cause::TooManyAdversaries {
                power: adverse,
                tolerated: power.faulty(),
            }));
        }
        let make = self.make;
        let (applications, factory) = Applications::new(replicas, move |id| make(id));
        let seed = self.options.seed;
        let mut world = any::world(self.engine, self.scheme, self.options, factory);
        if let Some(sink) = self.trace {
            world.set_trace(sink);
        }
        for (replica, behaviours) in &self.behaviours {
            world.corrupt(ReplicaId(*replica), behaviours);
        }
        let mut simulation = Simulation::new(self.engine, seed, world, applications);
        for replica in 0..replicas {
            simulation.restart(replica as u16)?;
        }
        Ok(simulation)
    }
}

/// The quorums of replicas with these powers.
fn power(powers: &[u64]) -> Result<QuorumPower, Cause> {
    let set = mock_validator_set(powers).map_err(|error| Cause::Powers(error.to_string()))?;
    Ok(*set.quorum())
}
