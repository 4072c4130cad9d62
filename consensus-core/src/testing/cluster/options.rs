//! What a cluster is made of.

use crate::{Protocol, Rotation, ValidatorSet};
use std::ops::RangeInclusive;
use std::time::Duration;

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Nothing, except through [`super::Cluster::submit`]. A replica without requests leaves its
    /// `Build` unanswered.
    Idle,
    /// A request always waits at every replica, and every `Build` is answered.
    Steady,
}

/// What a [`super::Cluster`] is made of. The same options give the same run.
#[derive(Clone, Debug)]
pub struct Options<P: Protocol> {
    /// Seed of everything random.
    pub seed: u64,
    /// Voting power of each replica.
    pub powers: Vec<u64>,
    /// The engines' options.
    pub config: P::Config,
    /// Who leads where: [`Rotation::by_view`] or [`Rotation::by_height`].
    pub rotation: fn(&ValidatorSet) -> Rotation,
    /// How long a message takes to another replica.
    pub delay: RangeInclusive<Duration>,
    /// How long a sync of the log, or storing a decision, takes.
    pub disk: RangeInclusive<Duration>,
    /// How long it takes to build a payload.
    pub build: Duration,
    /// How long the application takes to check a payload.
    pub check: Duration,
    /// Messages lost, in a thousand.
    pub loss: u32,
    /// Messages that arrive twice, in a thousand.
    pub duplication: u32,
    /// Heights between stable checkpoints; `None` for no checkpoints.
    pub checkpoint_every: Option<u64>,
    /// A replica that is at least so many heights behind a stable checkpoint is brought up by
    /// state transfer (`Installed`) and not by decisions (`Learned`); `None` for never.
    pub transfer_beyond: Option<u64>,
    /// What clients do at the start.
    pub load: Load,
}

impl<P: Protocol> Default for Options<P> {
    /// Four replicas of equal power under steady load, 1 to 5 ms apart, whose disks take 0.1 to
    /// 1 ms, with a checkpoint every 8 heights. Nothing is lost.
    fn default() -> Self {
        Self {
            seed: 1,
            powers: vec![1; 4],
            config: P::Config::default(),
            rotation: Rotation::by_view,
            delay: Duration::from_millis(1)..=Duration::from_millis(5),
            disk: Duration::from_micros(100)..=Duration::from_millis(1),
            build: Duration::from_micros(200),
            check: Duration::from_micros(100),
            loss: 0,
            duplication: 0,
            checkpoint_every: Some(8),
            transfer_beyond: None,
            load: Load::Steady,
        }
    }
}
