use quorate_core::Seq;

/// How a [`crate::SegmentLog`] uses the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Size that segments grow to, in bytes; 8 MiB by default. The first one has at most 4 MiB,
    /// and each one twice as much as the one before it, so that a small log stays small. The next
    /// segment is prepared once the one in use is half full. Values below 256 count as 256.
    ///
    /// An entry that fits no such segment gets one of its own size.
    pub segment_bytes: u64,
    /// Pruned segments kept to be written over, instead of writing zeros to new ones; 6 by default.
    /// At best it is what is pruned at once, divided by `segment_bytes`, and one more. Only
    /// segments of `segment_bytes` up to twice as many are kept.
    pub retired_segments: usize,
    /// Longest entry accepted, in bytes; 32 MiB by default, and never 4 GiB or more.
    pub max_entry_bytes: u32,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
            retired_segments: 6,
            max_entry_bytes: 32 << 20,
        }
    }
}

impl LogOptions {
    const FIRST_SEGMENT_BYTES: u64 = 4 << 20;
    const SMALLEST_SEGMENT_BYTES: u64 = 256;

    /// Size of the segment that follows one of `previous` bytes.
    pub(crate) fn segment_after(&self, previous: Option<u64>) -> u64 {
        previous
            .map_or(Self::FIRST_SEGMENT_BYTES, |bytes| bytes.saturating_mul(2))
            .min(self.largest_segment())
            .next_multiple_of(super::frame::ALIGNMENT as u64)
    }

    /// Size that segments grow to.
    pub(crate) fn largest_segment(&self) -> u64 {
        self.segment_bytes
            .max(Self::SMALLEST_SEGMENT_BYTES)
            .next_multiple_of(super::frame::ALIGNMENT as u64)
    }
}

/// Why a closed segment may or may not be pruned: what it ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClosedSegment {
    pub(crate) number: u64,
    /// Last entry in it, or before it if it has none.
    pub(crate) last: Seq,
    /// Length of its file, in bytes.
    pub(crate) capacity: u64,
}
