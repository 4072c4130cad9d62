//! What survives a crash: the safety log up to its last sync, and the block store.

mod log;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use log::Log;
pub(crate) use store::{Finished, Store};

/// What became of what the disks were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskCounts {
    /// Crashes that found the log unsynced.
    pub unsynced: u64,
    /// Records that were not synced and are lost.
    pub lost: u64,
    /// Records that were not synced and survive all the same.
    pub kept: u64,
    /// Records of which a part was written: what the log finds behind the last whole one when it
    /// opens, and drops.
    pub torn: u64,
    /// Syncs that failed.
    pub sync_failures: u64,
    /// Decisions or checkpoints on their way to the block store that are lost.
    pub unstored: u64,
    /// Those that got there although the crash came before the replica knew.
    pub stored: u64,
    /// Stores that failed.
    pub store_failures: u64,
    /// Crashes that took everything.
    pub amnesias: u64,
}
