//! A seeded world that runs the production driver and engines, in one thread and virtual time.
//!
//! **To test an application of your own** on a cluster with faults and liars, start with
//! [`Cluster`]. Its interface is small, and not stable yet.
//!
//! **To look for bugs of Quorate**, draw a [`Setting`] from a seed and give it to [`run_kind`], as
//! the binary `quorate-sim` does; `docs/simulation.md` in the repository describes it.
//!
//! Below both is [`World`]: replicas ([`quorate_replica::driver::Driver`] around an [`Engine`]), a
//! network that delays, loses, doubles and cuts, disks that lose what is not synced, and
//! adversaries. It carries the driver's actions out as the tokio shell does, states what happens
//! as facts ([`fact`]), and lets the oracles ([`oracle`]) judge each. The same [`Options`] and
//! calls give the same run.
//!
//! # Features
//!
//! `cli` (on by default) is the binary; without it the library has none of its dependencies.

mod actions;
pub(crate) mod adversary;
mod application;
mod audit;
mod checks;
mod clients;
mod clock;
mod cluster;
mod disk;
mod engine;
pub mod fact;
mod holdings;
mod inbound;
mod kind;
mod life;
mod network;
mod node;
mod options;
pub mod oracle;
mod partition;
#[cfg(feature = "planted-bugs")]
mod planted;
mod queue;
mod run;
mod scenario;
mod schedule;
mod scheme;
mod setting;
mod speaking;
mod speed;
mod stream;
mod telling;
mod trace;
mod trials;
mod turn;
mod watched;
mod world;

pub use adversary::{Behaviour, Deceit};
pub use application::HashChain;
pub use checks::{Counts, Latency};
pub use clock::Clock;
pub use cluster::{Cause, Cluster, ClusterError, Simulation};
pub use disk::DiskCounts;
pub use engine::Engine;
pub use kind::{EngineKind, SchemeKind, UnknownName};
pub use network::NetworkCounts;
pub use options::{DiskOptions, NetworkOptions, Options, Work};
#[cfg(feature = "planted-bugs")]
pub use planted::Planted;
pub use run::{Failure, Report, Visitor, dispatch, run, run_in, run_kind, run_traced};
pub use scenario::Scenario;
pub use scheme::{Keys, SimulatedScheme};
pub use setting::{Load, Phases, Setting, Troubles};
pub use speed::{Speed, speed};
pub use trace::{Happening, Ink, Message, TraceEvent, TraceSink};
pub use world::{Factory, World};

/// The program of the guide, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/simulation.md")]
struct Guide;
