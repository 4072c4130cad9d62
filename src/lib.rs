//! Byzantine-fault-tolerant replication with a choice of engine.
//!
//! An [`Application`] is a deterministic state machine: it executes requests. Quorate runs it on
//! several replicas, which agree on the order of the requests although up to a third of them (by
//! voting power) may be stopped, slow or lying. Three engines do the agreeing: PBFT, HotStuff
//! (with two commit rules) and Tendermint. What an application or a client sees does not depend on
//! the engine: every request is executed once, in the same order everywhere, and comes back as a
//! [`Receipt`] with a [`Certificate`] of the quorum's signatures.
//!
//! ```no_run
//! use quorate::{Application, ClientId, Engine, Height, LocalCluster, RequestRef};
//!
//! struct Counter(u64);
//!
//! impl Application for Counter {
//!     fn execute(&mut self, _: Height, request: RequestRef<'_>) -> Vec<u8> {
//!         self.0 += request.body.len() as u64;
//!         self.0.to_string().into_bytes()
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let cluster =
//!     LocalCluster::builder(4).engine(Engine::HotStuffTwoChain).start(|_| Counter(0)).await?;
//! let client = cluster.replica(0).client(ClientId(1));
//! let receipt = client.submit("four bytes and more").await?;
//! println!("decided at height {}", receipt.certificate.height);
//! cluster.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`LocalCluster`] runs all replicas in this process, for trying out and for tests;
//! [`Replica::builder`] starts one replica of a cluster that is spread over machines.
//!
//! # Features
//!
//! `pbft`, `hotstuff` and `tendermint` compile an engine in; all three are on by default. They
//! are additive: a feature never changes which engine runs. With one engine compiled in it is the
//! default, with several one must be named ([`ReplicaBuilder::engine`]).

mod builder;
mod cluster;
mod engine;
mod error;
mod launch;

pub use builder::{Member, NetworkMode, Replica, ReplicaBuilder};
pub use cluster::{LocalCluster, LocalClusterBuilder};
pub use engine::{Engine, SchemeKind, UnknownName};
pub use error::ConfigError;

pub use quorate_core::{
    Application, ChainId, ClientId, Digest, Height, Place, QuorumPower, Refusal, ReplicaId,
    Request, RequestId, RequestRef, Validator, ValidatorSet,
};
pub use quorate_crypto::ReplicaKeys;
pub use quorate_replica::{
    AdmissionError, Certificate, Client, DriverConfig, PeerWork, Receipt, ReplicaConfig,
    ReplicaHandle, ReplicaStatus, Retention, StartError, SubmitError,
};

/// The program of the README, compiled and run.
#[cfg(all(doctest, feature = "hotstuff"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The programs of the guide, compiled.
#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
struct Embedding;
