//! A Quorate replica: the pure driver, and the tokio shell around it.
//!
//! [`driver::Driver`] decides everything that a replica does, without a clock, a socket or a disk;
//! it owns the engine, the intake, the mempool, forwarding, checkpoints and catch-up. [`start`]
//! runs it for real: on tokio, with a thread for the safety log, one for the application, one for
//! the block store, and a pool that checks signatures. The simulator runs the same driver in
//! virtual time.

#[cfg(all(feature = "planted-bugs", not(debug_assertions)))]
compile_error!(
    "the feature `planted-bugs` compiles known safety bugs in, which no release build may have: \
     build with `--profile planted` (as fast, with debug assertions), or without the feature"
);

pub mod driver;
pub mod entry;

mod checkpoints;
mod client;
mod config;
mod error;
mod executor;
mod forwarding;
mod handle;
mod mempool;
mod quiet;
mod reply_table;
mod service;
mod shell;

pub use checkpoints::{CheckpointConflict, CheckpointEvent, Checkpoints, Divergence};
pub use client::Client;
pub use config::{DriverConfig, ReplicaConfig, Retention};
#[cfg(feature = "planted-bugs")]
pub use driver::PlantedBug;
pub use error::{StartError, SubmitError};
pub use executor::{
    Executed, Executor, Outcome, PayloadCheck, PayloadRefusal, Replies, RestoreError,
    SequenceWindow,
};
pub use forwarding::{Forwarded, Forwarding, LeaderStyle};
pub use handle::{AnyProof, Certificate, Receipt, ReplicaHandle};
pub use mempool::{
    AdmissionError, Arrival, LocalProgress, Mempool, MempoolLimits, Origin, Standing, Waiting,
};
pub use quiet::{EmptyTurn, Quiet};
pub use rayon::ThreadPool;
pub use reply_table::{MalformedReplyTable, ReplyLimits, ReplyTable, RequestStatus};
pub use service::Service;
pub use shell::{Parts, PeerWork, ReplicaStatus, start, thread_pool};
