//! A replica's options.

use crate::service::{DECISIONS_BYTES, DECISIONS_MAX};
use crate::{MempoolLimits, StartError};
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
    /// Longest message that is accepted, in bytes. At least [`Self::least_frame_bytes`], or the
    /// replica does not start; all replicas should have the same. Default 16 MiB.
    pub frame_bytes: usize,
    /// Most bytes of this replica's own clients' requests between submission and execution.
    /// Beyond it, submitting waits: back-pressure. Usually far fewer are admitted: as many as are
    /// decided within a fraction of the engine's timeout.
    pub submitted_bytes: usize,
    /// Which blocks stay in the block store.
    pub retention: Retention,
}

impl ReplicaConfig {
    /// What [`Self::frame_bytes`] must be at least, in a cluster of so many validators: the longest
    /// block, or the longest answer to a replica that is behind, with room for what proves the
    /// decisions in it. 4.5 MiB for up to 56 validators and blocks up to 4 MiB.
    #[must_use]
    pub fn least_frame_bytes(&self, validators: usize) -> usize {
        /// For headers, certificates, and a proof or two.
        const ROOM: usize = 512 << 10;
        /// A signature with what goes with it, rounded up, and everything else in a proof.
        const SIGNATURE: usize = 128;
        const PROOF: usize = 1 << 10;
        let proof = validators.saturating_mul(SIGNATURE).saturating_add(PROOF);
        let content = DECISIONS_BYTES.max(self.driver.mempool.batch_bytes);
        content.saturating_add(ROOM.max(proof.saturating_mul(DECISIONS_MAX)))
    }

    /// Checks that what the replicas of a cluster of so many validators say fits its messages.
    ///
    /// # Errors
    ///
    /// [`StartError::FrameBytes`] if it does not.
    pub fn check_frame_bytes(&self, validators: usize) -> Result<(), StartError> {
        let (found, least) = (self.frame_bytes, self.least_frame_bytes(validators));
        if found < least {
            return Err(StartError::FrameBytes { found, least });
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_hold_the_longest_block_and_the_longest_answer() {
        const MIB: usize = 1 << 20;
        let mut config = ReplicaConfig::default();
        assert_eq!(config.least_frame_bytes(4), 4 * MIB + MIB / 2);
        assert_eq!(config.least_frame_bytes(56), 4 * MIB + MIB / 2);
        assert!(config.least_frame_bytes(200) > 5 * MIB);
        assert!(config.check_frame_bytes(4).is_ok(), "the default");
        config.frame_bytes = config.least_frame_bytes(4);
        assert!(config.check_frame_bytes(4).is_ok());
        config.frame_bytes -= 1;
        let refused = config.check_frame_bytes(4);
        let Err(StartError::FrameBytes { found, least }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((found, least), (config.frame_bytes, config.frame_bytes + 1));
        config.driver.mempool.batch_bytes = 8 * MIB;
        assert_eq!(config.least_frame_bytes(4), 8 * MIB + MIB / 2);
    }
}
