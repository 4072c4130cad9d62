//! One replica: its driver, its disks, and its application.

use crate::adversary::Mind;
use crate::disk::{Log, Store};
use crate::watched::{Executed, Watched};
use crate::{Clock, Engine, Options};
use quorate_core::{Application, CheckpointClaim, Place, Setup, Time};
use quorate_replica::driver::{Driver, Survived};
use quorate_replica::{DriverConfig, Executor, MempoolLimits, PayloadCheck, ReplyLimits};
use std::time::Duration;

/// What runs while a replica is up. All of it is lost in a crash.
pub(crate) struct Running<P: Engine> {
    pub(crate) driver: Driver<P>,
    pub(crate) executor: Executor<Watched>,
    /// What the application has executed since the world last looked.
    pub(crate) executed: Executed,
    pub(crate) rule: PayloadCheck<Watched>,
    /// When the execution thread is free.
    pub(crate) execution_free: Time,
    /// When the store's thread is free.
    pub(crate) store_free: Time,
    /// The tick that is scheduled.
    pub(crate) tick: Option<Time>,
    /// Ticks in a row at one time.
    pub(crate) ticks_in_place: u32,
    /// Whether the action carried out last was an append.
    pub(crate) just_appended: bool,
    /// Events that it has handled in this run.
    pub(crate) turns: u64,
    /// The replica's own work under way: syncs, signatures, checks, executions.
    pub(crate) outstanding: u64,
    /// Where its engine stood when the oracles were last told.
    pub(crate) stood: Option<(Place, Option<Place>)>,
}

impl<P: Engine> std::fmt::Debug for Running<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.driver.fmt(f)
    }
}

/// A replica, up or down.
#[derive(Debug)]
pub(crate) struct Node<P: Engine> {
    pub(crate) running: Option<Running<P>>,
    /// Counts starts: what belongs to an earlier run never reaches a later one.
    pub(crate) run: u64,
    /// When this run began: its clock starts anew.
    pub(crate) started: Time,
    pub(crate) clock: Clock,
    pub(crate) log: Log<P>,
    pub(crate) store: Store<P>,
    /// When the power fails, if it is about to.
    pub(crate) fuse: Option<Fuse>,
    /// What makes it an adversary, if it is one.
    pub(crate) mind: Option<Box<dyn Mind<P>>>,
}

/// A power failure to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fuse {
    /// What is left: an action takes one.
    pub(crate) left: u64,
    /// What an action takes that finds the log unsynced.
    pub(crate) unsynced: u64,
    /// Whether the disks are empty afterwards.
    pub(crate) amnesia: bool,
}

/// The limits of every replica's mempool.
pub(crate) fn limits() -> MempoolLimits {
    MempoolLimits::default()
}

impl<P: Engine> Node<P> {
    pub(crate) const fn new(clock: Clock) -> Self {
        Self {
            clock,
            running: None,
            run: 0,
            started: Time::ZERO,
            log: Log::new(),
            store: Store::new(),
            fuse: None,
            mind: None,
        }
    }

    /// A time on this run's clock.
    pub(crate) fn local(&self, now: Time) -> Time {
        self.clock.local(self.started, now)
    }

    /// A time of this run's clock as virtual time.
    pub(crate) fn global(&self, local: Time) -> Time {
        self.clock.global(self.started, local)
    }

    /// Starts the replica from what its disks have.
    pub(crate) fn start(
        &mut self,
        now: Time,
        setup: Setup<P>,
        options: &Options,
        application: Box<dyn Application>,
    ) {
        assert!(self.running.is_none(), "{:?} is up already", setup.me);
        self.run += 1;
        self.started = now;
        self.fuse = None;
        let interval = options.checkpoint_interval;
        let executed = Executed::default();
        let watched = Watched::new(application, executed.clone());
        let mut executor = Executor::new(watched, ReplyLimits::default(), interval);
        let mut claims = Vec::new();
        for block in self.store.blocks() {
            let executed = executor.execute(block.height, &block.payload);
            claims.extend(executed.state.map(|state| CheckpointClaim {
                height: block.height,
                payload: *block.payload.digest(),
                state,
            }));
        }
        let (log, last) = self.log.survived();
        let survived = Survived {
            log,
            last,
            decided: self.store.last().cloned(),
            stable: self.store.stable(),
            claims,
        };
        let driver = Driver::start(setup, driver_config(options), survived, self.local(now));
        self.running = Some(Running {
            driver,
            rule: executor.payload_check(limits()),
            executor,
            execution_free: now,
            store_free: now,
            tick: None,
            ticks_in_place: 0,
            just_appended: false,
            turns: 0,
            outstanding: 0,
            stood: None,
            executed,
        });
    }
}

/// The driver's options, as production derives them from the timeout.
pub(crate) fn driver_config(options: &Options) -> DriverConfig {
    let mut config = DriverConfig::default();
    #[cfg(feature = "planted-bugs")]
    if let Some(crate::Planted::Driver(bug)) = options.planted {
        config.planted = Some(bug);
    }
    config.mempool = limits();
    config.checkpoint_interval = options.checkpoint_interval;
    config.forward_timeout = options.timeout;
    config.idle_interval = options.idle_interval.min(options.timeout / 4);
    config
}

/// The time after which a replica's tick is due at the earliest: clocks have a resolution.
pub(crate) const TICK_RESOLUTION: Duration = Duration::from_micros(1);
