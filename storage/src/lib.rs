//! What a replica must not forget: its promises and the decided blocks.
//!
//! * [`SegmentLog`] is the safety log: checksummed segments, preallocated, so that a group commit
//!   costs one `fdatasync` and nothing else.
//! * [`RedbStore`] keeps decided blocks and the newest stable checkpoint in a redb database.
//! * [`MemoryLog`] and [`MemoryStore`] forget everything when the process ends. They are for tests,
//!   simulations and demonstrations: a replica that restarts on them has amnesia, which counts as
//!   a Byzantine fault.
//!
//! `docs/persistence.md` describes the format of the log, what it guarantees, and what it costs.

mod files;
mod log;
mod memory;
mod redb_store;

pub use log::{LogCounters, LogOptions, SegmentLog};
pub use memory::{MemoryLog, MemoryStore};
pub use redb_store::{RedbStore, StoreOptions};
