//! One seed from beginning to end.

use crate::oracle::Violation;
use crate::schedule::Schedule;
use crate::{Counts, Engine, EngineKind, NetworkCounts, SchemeKind, Setting, TraceSink, World};
use quorate_core::Time;
use quorate_core::testing::Mock;
use quorate_crypto::{Bls, Ed25519};
use quorate_hotstuff::{HotStuff, ThreeChain, TwoChain};
use quorate_pbft::Pbft;
use quorate_tendermint::Tendermint;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// What a run has come to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The engine's name.
    pub engine: &'static str,
    /// The scheme that was used.
    pub scheme: SchemeKind,
    /// The seed.
    pub seed: u64,
    /// How many replicas there were.
    pub replicas: usize,
    /// How much virtual time has passed.
    pub virtual_time: Duration,
    /// Heights decided.
    pub decisions: u64,
    /// Requests executed where they were submitted.
    pub requests: u64,
    /// Views given up, summed over the replicas.
    pub view_changes: u64,
    /// Restarts.
    pub restarts: u64,
    /// What adversaries did that the protocol does not say.
    pub acts: u64,
    /// Events handled by all drivers.
    pub events: u64,
    /// What the network did.
    pub network: NetworkCounts,
    /// Everything else that is counted.
    pub counts: Counts,
    /// How long the quorum at the end took to decide and to execute what waited; none if the run
    /// ended before.
    pub recovered: Option<Duration>,
    /// A hash of everything that happened, in order: equal for equal runs on every machine.
    pub hash: u64,
    /// What went wrong, if anything did.
    pub failure: Option<Failure>,
}

/// What went wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The oracle that objects; "panic" if an engine, the driver or the world panicked, and
    /// "liveness" if too little came of the end.
    pub oracle: String,
    /// When, in virtual time.
    pub at: Time,
    /// What.
    pub message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at.since(Time::ZERO).as_secs_f64();
        write!(f, "{} at {at:.6} s: {}", self.oracle, self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self {
            oracle: violation.oracle.into(),
            at: violation.at,
            message: violation.message,
        }
    }
}

/// Runs a setting with an engine. Never panics: what panics within is reported.
#[must_use]
pub fn run<P: Engine>(setting: &Setting) -> Report {
    run_in(&mut World::<P>::new(setting.world.clone()), setting)
}

/// Runs a setting in a world of the caller's: with an application or an observer of its own. The
/// world must be new, and made of [`Setting::world`].
#[must_use]
pub fn run_in<P: Engine>(world: &mut World<P>, setting: &Setting) -> Report {
    let mut schedule = Schedule::new(setting);
    let result = catch_unwind(AssertUnwindSafe(|| schedule.run(world)));
    let outcome = result.unwrap_or_else(|payload| {
        // An oracle may have objected before the panic, which then only follows.
        let violation = world.violation().cloned().map(Failure::from);
        Err(violation.unwrap_or_else(|| Failure {
            oracle: "panic".into(),
            at: world.now(),
            message: said(&*payload),
        }))
    });
    let counts = world.counts();
    Report {
        engine: P::NAME,
        scheme: setting.scheme,
        seed: setting.seed(),
        replicas: setting.replicas(),
        virtual_time: world.now().since(Time::ZERO),
        decisions: counts.decided,
        requests: counts.requests,
        view_changes: counts.timed_out,
        restarts: counts.restarts,
        acts: counts.acts,
        events: counts.events,
        network: world.network_counts(),
        counts,
        recovered: outcome.as_ref().ok().copied(),
        hash: world.hash(),
        failure: outcome.err(),
    }
}

/// What a panic said.
fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".into())
}

/// Runs a setting with the engine of this kind, and the setting's scheme.
#[must_use]
pub fn run_kind(kind: EngineKind, setting: &Setting) -> Report {
    struct Plain<'a>(&'a Setting);
    impl Visitor for Plain<'_> {
        type Output = Report;
        fn visit<P: Engine>(self) -> Report {
            run::<P>(self.0)
        }
    }
    let mut report = dispatch(kind, setting.scheme, Plain(setting));
    report.engine = kind.name();
    report
}

/// The same as [`run_kind`], and every event goes to somebody as it happens.
#[must_use]
pub fn run_traced(kind: EngineKind, setting: &Setting, sink: TraceSink) -> Report {
    struct Traced<'a>(&'a Setting, TraceSink);
    impl Visitor for Traced<'_> {
        type Output = Report;
        fn visit<P: Engine>(self) -> Report {
            let mut world = World::<P>::new(self.0.world.clone());
            world.set_trace(self.1);
            run_in(&mut world, self.0)
        }
    }
    let mut report = dispatch(kind, setting.scheme, Traced(setting, sink));
    report.engine = kind.name();
    report
}

/// Something that is done with an engine chosen at run time.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<P: Engine>(self) -> Self::Output;
}

/// Does something with the engine of this kind over this scheme.
pub fn dispatch<V: Visitor>(kind: EngineKind, scheme: SchemeKind, visitor: V) -> V::Output {
    macro_rules! over {
        ($scheme:ty) => {
            match kind {
                EngineKind::Pbft => visitor.visit::<Pbft<$scheme>>(),
                EngineKind::HotStuffTwoChain => visitor.visit::<HotStuff<$scheme, TwoChain>>(),
                EngineKind::HotStuffThreeChain => visitor.visit::<HotStuff<$scheme, ThreeChain>>(),
                EngineKind::Tendermint => visitor.visit::<Tendermint<$scheme>>(),
            }
        };
    }
    match scheme {
        SchemeKind::Mock => over!(Mock),
        SchemeKind::Ed25519 => over!(Ed25519),
        SchemeKind::Bls => over!(Bls),
    }
}
