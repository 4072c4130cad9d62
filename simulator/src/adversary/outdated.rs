//! A replica that repeats itself.

use super::{Mind, Scene, Speech};
use crate::Engine;
use quorate_core::Destination;
use std::collections::VecDeque;
use std::time::Duration;

/// How much it remembers of what it has said.
const KEPT: usize = 128;

/// Says with everything something that it has said before, to the same or to somebody else.
#[derive(Debug)]
pub(super) struct Outdated<P: Engine>(VecDeque<P::Body>);

impl<P: Engine> Default for Outdated<P> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<P: Engine> Mind<P> for Outdated<P> {
    fn speak(&mut self, scene: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>> {
        let mut said = vec![speech.clone()];
        let known = self.0.len() as u64;
        if known > 0 && scene.random.chance(600) {
            let to = match scene.random.below(2) {
                0 => Destination::Others,
                _ => Destination::One(scene.someone()),
            };
            let body = self.0[scene.random.below(known) as usize].clone();
            let after = Duration::ZERO;
            said.push(Speech { to, body, after });
            scene.acts();
        }
        if self.0.len() >= KEPT {
            // Not always the oldest: some of it is to become very old.
            self.0.remove(scene.random.below(KEPT as u64) as usize);
        }
        self.0.push_back(speech.body);
        said
    }
}
