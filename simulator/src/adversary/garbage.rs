//! A replica that says what makes no sense.

use super::{Deceit, Mind, Scene, Speech};
use crate::Engine;
use quorate_core::Destination;

/// Says nonsense beside half of what it says: well-formed, and validly signed.
#[derive(Debug)]
pub(super) struct Garbage;

impl<P: Engine> Mind<P> for Garbage {
    fn speak(&mut self, scene: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>> {
        let mut said = Vec::new();
        if scene.random.chance(500)
            && let Some(body) = <P as Deceit>::nonsense(&speech.body, scene.random)
        {
            let to = match scene.random.below(2) {
                0 => Destination::Others,
                _ => Destination::One(scene.someone()),
            };
            scene.acts();
            said.push(Speech {
                to,
                ..speech.with(body)
            });
        }
        said.push(speech);
        said
    }
}
