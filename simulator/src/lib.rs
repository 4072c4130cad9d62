//! A seeded world that runs the production driver and engines, in one thread and virtual time.
//!
//! [`World`] has replicas ([`quorate_replica::driver::Driver`] around an engine on the mock
//! scheme), a network that delays, loses, doubles and cuts, and disks that lose what is not
//! synced. It carries the driver's actions out as the tokio shell does, and checks on every event
//! that the replicas agree, promise before they speak, and execute each request once. The same
//! [`Options`] give the same run.

mod actions;
pub(crate) mod adversary;
mod application;
mod audit;
mod checks;
mod clients;
mod clock;
mod disk;
mod engine;
pub mod fact;
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
mod speed;
mod stream;
mod telling;
mod trials;
mod turn;
mod watched;
mod world;

pub use adversary::{Behaviour, Deceit};
pub use application::HashChain;
pub use checks::{Counts, Latency};
pub use clock::Clock;
pub use disk::DiskCounts;
pub use engine::Engine;
pub use kind::{EngineKind, SchemeKind, UnknownName};
pub use network::NetworkCounts;
pub use options::{DiskOptions, NetworkOptions, Options, Work};
#[cfg(feature = "planted-bugs")]
pub use planted::Planted;
pub use run::{Failure, Report, Visitor, dispatch, run, run_in, run_kind};
pub use scenario::Scenario;
pub use scheme::{Keys, SimulatedScheme};
pub use setting::{Load, Phases, Setting, Troubles};
pub use speed::{Speed, speed};
pub use world::{Factory, World};
