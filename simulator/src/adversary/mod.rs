//! Replicas that do not follow the protocol.
//!
//! An adversary runs the production driver, and its [`Mind`] decides what of it others get to
//! hear: it acts before anything is signed, and signs only as itself.

use crate::Engine;
use quorate_core::testing::Random;
use quorate_core::{Destination, ReplicaId, Time};
use quorate_replica::Service;
use std::fmt::Debug;
use std::time::Duration;

/// A kind of misbehaviour. An adversary may have several: what one lets through, the next gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Behaviour {
    /// Never speaks.
    Silent,
    /// Crashes and restarts, again and again.
    CrashLoop,
    /// Says one thing to some and another to the others.
    Equivocate,
    /// Keeps some of what it should say to itself: votes, payloads, answers.
    Withhold,
    /// Speaks to some replicas only.
    Select,
    /// Says everything as late as it can without being given up.
    SlowDrip,
    /// Proposes and reports valid old certificates, prepared sets and polkas as if they were its
    /// newest.
    Lie,
}

/// Something that an adversary is about to say.
#[derive(Clone, Debug)]
pub(crate) struct Speech<P: Engine> {
    /// To whom.
    pub(crate) to: Destination,
    /// What; signed, as itself, when it leaves.
    pub(crate) body: P::Body,
    /// How long it holds it back.
    pub(crate) after: Duration,
}

/// What a mind has to decide with.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    /// Which replica it is.
    pub(crate) me: ReplicaId,
    /// The virtual time.
    pub(crate) now: Time,
    /// All replicas.
    pub(crate) replicas: &'a [ReplicaId],
    /// The engine's request or view timeout.
    pub(crate) timeout: Duration,
    /// Random numbers of the adversaries alone.
    pub(crate) random: &'a mut Random,
    /// Counts what differs from the protocol.
    pub(crate) acts: &'a mut u64,
}

/// What makes a replica an adversary.
pub(crate) trait Mind<P: Engine>: Debug + Send {
    /// What is said in place of a message of the protocol.
    fn speak(&mut self, scene: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>>;

    /// Somebody's message has come, and is authentic.
    fn hear(&mut self, scene: &mut Scene<'_>, by: ReplicaId, body: &P::Body) -> Vec<Speech<P>> {
        let _ = (scene, by, body);
        Vec::new()
    }

    /// What is sent in place of a service message; `None` for nothing.
    fn serve(
        &mut self,
        scene: &mut Scene<'_>,
        to: Destination,
        message: Service<P>,
    ) -> Option<Service<P>> {
        let _ = (scene, to);
        Some(message)
    }
}

/// Makes a mind of behaviours, the first first.
pub(crate) fn mind<P: Engine>(_behaviours: &[Behaviour]) -> Box<dyn Mind<P>> {
    Box::new(Honest)
}

/// Does what the protocol says.
#[derive(Debug)]
struct Honest;

impl<P: Engine> Mind<P> for Honest {
    fn speak(&mut self, _: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>> {
        vec![speech]
    }
}
