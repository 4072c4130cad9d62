use std::sync::atomic::{AtomicU64, Ordering};

/// What a [`crate::SegmentLog`] has cost the disk since it was opened. Readable from any thread.
#[derive(Debug, Default)]
pub struct LogCounters {
    syncs: AtomicU64,
    bytes: AtomicU64,
    housekeeping_syncs: AtomicU64,
    filled_segments: AtomicU64,
    recycled_segments: AtomicU64,
}

impl LogCounters {
    /// Syncs that commits have waited for: one for each group commit, and one more where it goes
    /// over to the next segment.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Bytes handed to the disk by these commits, frame headers included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Syncs that no commit has waited for: of preallocated segments, of the base file, of the
    /// directory.
    #[must_use]
    pub fn housekeeping_syncs(&self) -> u64 {
        self.housekeeping_syncs.load(Ordering::Relaxed)
    }

    /// Segments made by writing zeros to all of a new file.
    #[must_use]
    pub fn filled_segments(&self) -> u64 {
        self.filled_segments.load(Ordering::Relaxed)
    }

    /// Segments made of pruned ones. At steady state all are.
    #[must_use]
    pub fn recycled_segments(&self) -> u64 {
        self.recycled_segments.load(Ordering::Relaxed)
    }

    pub(crate) fn filled(&self) {
        self.filled_segments.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn recycled(&self) {
        self.recycled_segments.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn committed(&self, bytes: usize) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn kept_house(&self, syncs: u64) {
        self.housekeeping_syncs.fetch_add(syncs, Ordering::Relaxed);
    }
}
