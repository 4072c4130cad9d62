//! Replicas that do not follow the protocol.
//!
//! An adversary runs the production driver, and its [`Mind`] decides what of it others get to
//! hear: it acts before anything is signed, and signs only as itself. What the minds do to an
//! engine's messages in particular they know from [`Deceit`].

mod composed;
mod crash_loop;
mod deceit;
mod equivocate;
mod false_checkpoint;
mod garbage;
mod hotstuff;
mod lie;
mod outdated;
mod pbft;
mod recent;
mod select;
mod silent;
mod slow_drip;
mod tendermint;
#[cfg(test)]
mod tests;
mod withhold;

pub(crate) use crash_loop::{Power, is_restless};
pub use deceit::Deceit;

use crate::Engine;
use quorate_core::testing::Random;
use quorate_core::{Destination, Place, ReplicaId, Time, Verified};
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
    /// Says what it has said before, again and again.
    Outdated,
    /// Says what has the right form and a valid signature, and makes no sense: in views and at
    /// heights up to the last.
    Garbage,
    /// Signs checkpoints of a state that nobody is in.
    FalseCheckpoint,
}

impl Behaviour {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Silent,
        Self::CrashLoop,
        Self::Equivocate,
        Self::Withhold,
        Self::Select,
        Self::SlowDrip,
        Self::Lie,
        Self::Outdated,
        Self::Garbage,
        Self::FalseCheckpoint,
    ];
}

/// Something that an adversary is about to say.
#[derive(Debug)]
pub(crate) struct Speech<P: Engine> {
    /// To whom.
    pub(crate) to: Destination,
    /// What; signed, as itself, when it leaves.
    pub(crate) body: P::Body,
    /// How long it holds it back.
    pub(crate) after: Duration,
}

// Written out, because `derive` would ask the same of `P`.
impl<P: Engine> Clone for Speech<P> {
    fn clone(&self) -> Self {
        Self {
            to: self.to,
            body: self.body.clone(),
            after: self.after,
        }
    }
}

impl<P: Engine> Speech<P> {
    /// The same to those of its hearers only of whom this holds.
    fn only(&self, scene: &Scene<'_>, wanted: impl Fn(ReplicaId) -> bool) -> Vec<Self> {
        let hearers = scene.hearers(self.to);
        let all = hearers.len();
        let hearers: Vec<_> = hearers.into_iter().filter(|id| wanted(*id)).collect();
        if hearers.len() == all {
            return vec![self.clone()];
        }
        let to_one = |id| Self {
            to: Destination::One(id),
            ..self.clone()
        };
        hearers.into_iter().map(to_one).collect()
    }

    /// The same to the same, with another body.
    fn with(&self, body: P::Body) -> Self {
        Self {
            body,
            ..self.clone()
        }
    }
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

impl Scene<'_> {
    /// Who hears what is said to this destination.
    fn hearers(&self, to: Destination) -> Vec<ReplicaId> {
        match to {
            Destination::Others => {
                let others = self.replicas.iter().copied();
                others.filter(|id| *id != self.me).collect()
            }
            Destination::One(id) => vec![id],
        }
    }

    /// One of the others.
    fn someone(&mut self) -> ReplicaId {
        let others = self.hearers(Destination::Others);
        others[self.random.below(others.len() as u64) as usize]
    }

    /// Something has been done that the protocol does not say.
    const fn acts(&mut self) {
        *self.acts += 1;
    }

    /// Random numbers that depend on nothing but the adversary and a place of the protocol: what
    /// it does about one slot fits together, and what it says again is what it said.
    fn plan(&self, place: Place) -> Random {
        let mut seed = Random::new(u64::from(self.me.0) ^ place.height.0.rotate_left(32));
        Random::new(seed.number() ^ place.view.0)
    }

    /// Which time it is, counted in so many timeouts: what changes from time to time.
    fn season(&self, timeouts: u32) -> Random {
        let length = self.timeout.as_nanos().max(1) * u128::from(timeouts);
        let season = (self.now.since(Time::ZERO).as_nanos() / length) as u64;
        let mut seed = Random::new(u64::from(self.me.0).rotate_left(16) ^ 0x5ea5);
        Random::new(seed.number() ^ season)
    }
}

/// What makes a replica an adversary.
pub(crate) trait Mind<P: Engine>: Debug + Send {
    /// What is said in place of a message of the protocol.
    fn speak(&mut self, scene: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>>;

    /// Somebody's message has come, and is authentic. What is said at once.
    fn hear(&mut self, scene: &mut Scene<'_>, message: &Verified<P>) -> Vec<Speech<P>> {
        let _ = (scene, message);
        Vec::new()
    }

    /// A message of its own has left, as it was signed.
    fn spoke(&mut self, message: &Verified<P>) {
        let _ = message;
    }

    /// What is sent in place of a service message; `None` for nothing. A checkpoint that differs
    /// is signed again when it leaves.
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
pub(crate) fn mind<P: Engine>(behaviours: &[Behaviour], scheme: &P::Scheme) -> Box<dyn Mind<P>> {
    let mut minds: Vec<_> = behaviours
        .iter()
        .filter_map(|behaviour| one(*behaviour, scheme))
        .collect();
    if minds.len() == 1 {
        minds.remove(0)
    } else {
        Box::new(composed::Composed::new(minds))
    }
}

/// The mind of one behaviour; `None` if it says what the protocol says.
fn one<P: Engine>(behaviour: Behaviour, scheme: &P::Scheme) -> Option<Box<dyn Mind<P>>> {
    Some(match behaviour {
        Behaviour::Silent => Box::new(silent::Silent),
        Behaviour::CrashLoop => return None,
        Behaviour::Equivocate => Box::new(equivocate::Equivocate::<P>::new(scheme)),
        Behaviour::Withhold => Box::new(withhold::Withhold),
        Behaviour::Select => Box::new(select::Select),
        Behaviour::SlowDrip => Box::new(slow_drip::SlowDrip),
        Behaviour::Lie => Box::new(lie::Lie::<P>::new(scheme)),
        Behaviour::Outdated => Box::new(outdated::Outdated::<P>::default()),
        Behaviour::Garbage => Box::new(garbage::Garbage),
        Behaviour::FalseCheckpoint => Box::new(false_checkpoint::FalseCheckpoint),
    })
}
