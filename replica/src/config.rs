//! A replica's options.

use crate::MempoolLimits;
use quorate_core::Height;
use quorate_core::IntakeLimits;
use std::time::Duration;

/// Options of the driver: everything that shapes what a replica decides to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DriverConfig {
    /// Bounds of what peers may leave waiting to be checked.
    pub intake: IntakeLimits,
    /// Bounds of requests that wait to be ordered, and of batches.
    pub mempool: MempoolLimits,
    /// Most bytes of accepted payloads kept at hand.
    pub payload_cache_bytes: usize,
    /// How long an idle rotating leader holds back an empty block. Must be shorter than the
    /// engine's view or propose timeout, or idle leaders look faulty.
    pub idle_interval: Duration,
    /// The engine's request or view timeout: forwarding to everyone waits a quarter of it.
    pub forward_timeout: Duration,
    /// Every how many heights the replicas sign a checkpoint.
    pub checkpoint_interval: u64,
    /// How long a peer has to answer before another one is asked.
    pub fetch_patience: Duration,
    /// How often a replica for which nothing happens asks one peer whether it has missed
    /// something, and says its last checkpoint again if that is not stable: messages get lost.
    pub beat_interval: Duration,
    /// Most messages in one batch of signature checks.
    pub verify_batch: usize,
    /// How many of the newest decisions are kept at hand for peers that are a little behind.
    pub recent_decisions: usize,
    /// The known bug that this driver has; `None` for none.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<crate::PlantedBug>,
}

impl Default for DriverConfig {
    fn default() -> Self {
        Self {
            intake: IntakeLimits::default(),
            mempool: MempoolLimits::default(),
            payload_cache_bytes: 64 << 20,
            idle_interval: Duration::from_millis(200),
            forward_timeout: Duration::from_secs(1),
            checkpoint_interval: 64,
            fetch_patience: Duration::from_millis(250),
            beat_interval: Duration::from_secs(1),
            verify_batch: 256,
            recent_decisions: 128,
            #[cfg(feature = "planted-bugs")]
            planted: None,
        }
    }
}

/// Which decided blocks are kept. Nothing above the newest stable checkpoint is ever forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// So many below the newest snapshot, for peers to fetch. An application without snapshots
    /// ([`quorate_core::Application::snapshot`]) needs every block when it restarts, so all stay.
    BelowSnapshot(u64),
    /// So many below the newest stable checkpoint, whether or not there is a snapshot. An
    /// application without snapshots cannot be restarted then.
    Newest(u64),
}

impl Retention {
    /// The height below which blocks may be forgotten.
    pub(crate) fn superfluous(self, stable: Height, snapshot: Option<Height>) -> Option<Height> {
        let (from, keep) = match self {
            Self::BelowSnapshot(keep) => (snapshot?, keep),
            Self::Newest(keep) => (stable, keep),
        };
        Some(Height(from.0.saturating_sub(keep))).filter(|height| *height > Height::GENESIS)
    }
}

/// Options of a replica.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReplicaConfig {
    /// Options of the driver.
    pub driver: DriverConfig,
    /// Longest message that is accepted, in bytes.
    pub frame_bytes: usize,
    /// Most bytes of this replica's own clients' requests between submission and execution.
    /// Beyond it, submitting waits: back-pressure. Usually far fewer are admitted: as many as are
    /// decided within a fraction of the engine's timeout.
    pub submitted_bytes: usize,
    /// Which blocks stay in the block store.
    pub retention: Retention,
}

impl Default for ReplicaConfig {
    fn default() -> Self {
        Self {
            driver: DriverConfig::default(),
            frame_bytes: 16 << 20,
            submitted_bytes: 32 << 20,
            retention: Retention::BelowSnapshot(1024),
        }
    }
}
