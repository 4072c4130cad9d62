//! A replica that says one thing to some and another to the others.

use super::{Deceit, Mind, Scene, Speech};
use crate::Engine;
use quorate_core::{Body as _, Verified};

/// Equivocates in many slots. All that it says about one slot goes to the same two factions, so
/// that each hears one story from it; and what it repeats is what it said.
#[derive(Debug)]
pub(super) struct Equivocate<P: Engine> {
    memory: <P as Deceit>::Memory,
}

impl<P: Engine> Equivocate<P> {
    pub(super) fn new(scheme: &P::Scheme) -> Self {
        Self {
            memory: P::memory(scheme),
        }
    }
}

impl<P: Engine> Mind<P> for Equivocate<P> {
    fn speak(&mut self, scene: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>> {
        let mut plan = scene.plan(speech.body.signing().slot.place);
        let (style, factions) = (plan.below(10), plan.number());
        if style < 3 {
            return vec![speech];
        }
        let Some(other) = P::contradict(&speech.body, &self.memory, &mut plan) else {
            return vec![speech];
        };
        scene.acts();
        let other = speech.with(other);
        let hearers = scene.hearers(speech.to);
        let alone = hearers[(factions % hearers.len() as u64) as usize];
        match style {
            // Both to the same, in either order.
            3 => vec![speech, other],
            4 => vec![other, speech],
            // One hears another story than all others.
            5 | 6 => {
                let mut said = speech.only(scene, |id| id != alone);
                said.extend(other.only(scene, |id| id == alone));
                said
            }
            _ => {
                let first = |id: quorate_core::ReplicaId| (factions >> (id.0 % 64)) & 1 == 0;
                let mut said = speech.only(scene, first);
                said.extend(other.only(scene, |id| !first(id)));
                said
            }
        }
    }

    fn hear(&mut self, _: &mut Scene<'_>, message: &Verified<P>) -> Vec<Speech<P>> {
        P::learn(&mut self.memory, message);
        Vec::new()
    }

    fn spoke(&mut self, message: &Verified<P>) {
        P::learn(&mut self.memory, message);
    }
}
