//! A replica that is as slow as it can be.

use super::{Mind, Scene, Speech};
use crate::Engine;
use quorate_core::Body as _;
use std::time::Duration;

/// Proposes shortly before the timeout, and votes when others have almost given up.
#[derive(Debug)]
pub(super) struct SlowDrip;

impl SlowDrip {
    /// How long it waits: in thousandths of the timeout.
    fn delay(scene: &mut Scene<'_>, from: u32, to: u32) -> Duration {
        let part = |thousandths: u32| scene.timeout * thousandths / 1000;
        let range = part(from)..=part(to);
        scene.random.duration(&range)
    }
}

impl<P: Engine> Mind<P> for SlowDrip {
    fn speak(&mut self, scene: &mut Scene<'_>, mut speech: Speech<P>) -> Vec<Speech<P>> {
        // The proposal's way, and the votes', take time as well.
        let wait = if speech.body.payload().is_some() {
            Self::delay(scene, 700, 950)
        } else {
            Self::delay(scene, 300, 700)
        };
        speech.after = speech.after.max(wait);
        scene.acts();
        vec![speech]
    }
}
