//! How fast the simulator is.

use crate::schedule::Schedule;
use crate::{Engine, EngineKind, SchemeKind, Setting, Visitor, World, dispatch};
use std::time::{Duration, Instant};

/// What was simulated, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// The engine.
    pub engine: EngineKind,
    /// How many replicas there were.
    pub replicas: usize,
    /// How long the cluster ran, in virtual time.
    pub virtual_time: Duration,
    /// Heights decided.
    pub decisions: u64,
    /// Events handled by all drivers.
    pub events: u64,
    /// How long that took.
    pub took: Duration,
}

impl Speed {
    /// Simulated hours of one replica in a minute of one core.
    #[must_use]
    pub fn node_hours_a_minute(&self) -> f64 {
        let node_hours = self.virtual_time.as_secs_f64() * self.replicas as f64 / 3_600.0;
        node_hours / (self.took.as_secs_f64() / 60.0)
    }
}

/// Runs four replicas for so much virtual time, at about a decision a second and with all oracles.
/// Nothing goes wrong.
///
/// PBFT decides when there are requests: one comes a second. The others decide an empty block a
/// second, and with every request so many more as bring everyone's turn; so fewer come.
///
/// # Panics
///
/// If an oracle objects.
#[must_use]
pub fn speed(kind: EngineKind, virtual_time: Duration) -> Speed {
    let mut setting = Setting::faultless(1, 4);
    setting.world.timeout = Duration::from_secs(4);
    setting.world.idle_interval = Duration::from_secs(1);
    setting.phases.calm = virtual_time;
    dispatch(kind, SchemeKind::Mock, Measure(kind, &setting))
}

/// Runs a setting's stretch without trouble.
struct Measure<'a>(EngineKind, &'a Setting);

impl Visitor for Measure<'_> {
    type Output = Speed;

    fn visit<P: Engine>(self) -> Speed {
        let mut setting = self.1.clone();
        if P::ROTATES {
            setting.load.every = Duration::from_secs(15);
        }
        let begun = Instant::now();
        let mut world = World::<P>::new(setting.world.clone());
        let result = Schedule::new(&setting).calm_stretch(&mut world);
        assert_eq!(result, Ok(()), "nothing goes wrong");
        Speed {
            engine: self.0,
            replicas: setting.replicas(),
            virtual_time: setting.phases.calm,
            decisions: world.counts().decided,
            events: world.counts().events,
            took: begun.elapsed(),
        }
    }
}
