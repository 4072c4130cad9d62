//! A replica that shows what was true once, or a part of what is.

use super::{Deceit, Mind, Scene, Speech};
use crate::Engine;
use quorate_core::{Body as _, Verified};

/// How many timeouts it keeps to what it has decided about lies.
const SEASON: u32 = 4;

/// At times lies about everything, at others about half, and then about nothing, so that it is
/// listened to.
#[derive(Debug)]
pub(super) struct Lie<P: Engine> {
    memory: <P as Deceit>::Memory,
}

impl<P: Engine> Lie<P> {
    pub(super) fn new(scheme: &P::Scheme) -> Self {
        Self {
            memory: P::memory(scheme),
        }
    }
}

impl<P: Engine> Mind<P> for Lie<P> {
    fn speak(&mut self, scene: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>> {
        let lies = [0, 500, 1000][scene.season(SEASON).below(3) as usize];
        if scene.random.chance(lies) {
            let bodies = P::lie(&speech.body, scene.me, &self.memory, scene.random);
            if !bodies.is_empty() {
                scene.acts();
                return bodies.into_iter().map(|body| speech.with(body)).collect();
            }
        }
        // The same one again and again in one height or view: it shall be alone with it.
        let mut plan = scene.plan(speech.body.place());
        if P::is_worth_hiding(&speech.body) && plan.chance(300) {
            let hearers = scene.hearers(speech.to);
            let alone = hearers[plan.below(hearers.len() as u64) as usize];
            scene.acts();
            return speech.only(scene, |id| id == alone);
        }
        vec![speech]
    }

    fn hear(&mut self, _: &mut Scene<'_>, message: &Verified<P>) -> Vec<Speech<P>> {
        P::learn(&mut self.memory, message);
        Vec::new()
    }

    fn spoke(&mut self, message: &Verified<P>) {
        P::learn(&mut self.memory, message);
    }
}
