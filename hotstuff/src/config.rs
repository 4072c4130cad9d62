//! The engine's options.

use std::time::Duration;

/// Timeouts and bounds of the HotStuff engine.
///
/// Timeouts and paces are a replica's own business: replicas with different ones still agree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How long a view may take, after a decision. It must exceed a round trip to the slowest
    /// correct replica, two syncs, and the time to build and to check a payload. Grows by half
    /// with every view given up since the last decision.
    pub view_timeout: Duration,
    /// What the view timeout grows to at most.
    pub timeout_max: Duration,
    /// How long a leader waits for a payload while requests are still undecided. Then it proposes
    /// an empty block: a block is decided only by the blocks above it.
    pub flush_after: Duration,
    /// How long a leader waits for a payload while nothing is undecided, before it proposes an
    /// empty block. Half of [`Self::view_timeout`] at most, so that an idle cluster gives up no
    /// view. Idleness is the driver's affair, which answers sooner; this is what happens if it
    /// does not.
    pub idle_after: Duration,
    /// Undecided blocks kept with their payloads. Beyond it, blocks that the newest certificate
    /// does not stand on are dropped, and leaders propose empty blocks.
    pub undecided: usize,
    /// How long to wait for a missing block before asking for it. Doubled with each attempt, up
    /// to thirty-two times.
    pub fetch_pace: Duration,
    /// The known bug that this replica has; `None` for none.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<crate::PlantedBug>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            view_timeout: Duration::from_secs(1),
            timeout_max: Duration::from_secs(30),
            flush_after: Duration::from_millis(2),
            idle_after: Duration::from_millis(500),
            undecided: 1024,
            fetch_pace: Duration::from_millis(20),
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }
}
