//! The PBFT engine of Quorate: Castro and Liskov's protocol as a pure state machine.
//!
//! [`Pbft`] implements [`quorate_core::Protocol`]. It has no clock, keys, threads or I/O; whoever
//! drives it gives it inputs and carries out its outputs.
//!
//! `docs/pbft.md` describes the protocol in our terms, where it deviates from the paper and why,
//! and what each record forbids after a restart.

#[cfg(all(feature = "planted-bugs", not(debug_assertions)))]
compile_error!(
    "the feature `planted-bugs` compiles known safety bugs in, which no release build may have: \
     build with `--profile planted` (as fast, with debug assertions), or without the feature"
);

mod body;
mod catch_up;
mod config;
mod engine;
mod help;
mod holdings;
mod new_view;
mod normal;
mod planted;
mod proof;
mod record;
mod recovery;
mod slot;
mod triage;
mod view_change;
mod view_change_body;

pub use body::{
    Body, COMMIT, IN_VIEW, InView, LAGGING, Lagging, NEW_VIEW, NEW_VIEW_COPY, PRE_PREPARE, PREPARE,
    PrePrepare, VIEW_CHANGE, Vote,
};
pub use config::Config;
pub use engine::Pbft;
pub use new_view::{NewViewPlan, PlannedSlot, compute};
#[cfg(feature = "planted-bugs")]
pub use planted::PlantedBug;
pub use proof::CommitCertificate;
pub use record::Record;
pub use view_change_body::{
    NewView, PreparedCertificate, SignedNewView, SignedViewChange, ViewChange,
};
