//! Several behaviours at once.

use super::{Mind, Scene, Speech};
use crate::Engine;
use quorate_core::{Destination, Verified};
use quorate_replica::Service;

/// What one mind lets through, the next gets. Without minds: what the protocol says.
#[derive(Debug)]
pub(super) struct Composed<P: Engine>(Vec<Box<dyn Mind<P>>>);

impl<P: Engine> Composed<P> {
    pub(super) fn new(minds: Vec<Box<dyn Mind<P>>>) -> Self {
        Self(minds)
    }
}

/// What is left of some speeches after these minds.
fn pass<P: Engine>(
    minds: &mut [Box<dyn Mind<P>>],
    scene: &mut Scene<'_>,
    speeches: Vec<Speech<P>>,
) -> Vec<Speech<P>> {
    minds.iter_mut().fold(speeches, |speeches, mind| {
        let speeches = speeches.into_iter();
        speeches
            .flat_map(|speech| {
                let held = speech.after;
                let mut said = mind.speak(scene, speech);
                // The longest delay counts.
                said.iter_mut()
                    .for_each(|said| said.after = said.after.max(held));
                said
            })
            .collect()
    })
}

impl<P: Engine> Mind<P> for Composed<P> {
    fn speak(&mut self, scene: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>> {
        pass(&mut self.0, scene, vec![speech])
    }

    fn hear(&mut self, scene: &mut Scene<'_>, message: &Verified<P>) -> Vec<Speech<P>> {
        let mut said = Vec::new();
        for index in 0..self.0.len() {
            let (mind, later) = self.0[index..].split_first_mut().expect("it is below");
            let answers = mind.hear(scene, message);
            said.extend(pass(later, scene, answers));
        }
        said
    }

    fn spoke(&mut self, message: &Verified<P>) {
        self.0.iter_mut().for_each(|mind| mind.spoke(message));
    }

    fn serve(
        &mut self,
        scene: &mut Scene<'_>,
        to: Destination,
        message: Service<P>,
    ) -> Option<Service<P>> {
        let mut minds = self.0.iter_mut();
        minds.try_fold(message, |message, mind| mind.serve(scene, to, message))
    }
}
