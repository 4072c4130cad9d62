//! A replica that keeps some of what it should say to itself.

use super::{Mind, Scene, Speech};
use crate::Engine;
use quorate_core::{Body as _, Destination, KeyRole};
use quorate_replica::Service;

/// How many timeouts a mood lasts.
const MOOD: u32 = 4;

/// Withholds one kind of thing for a while, and then another.
#[derive(Debug)]
pub(super) struct Withhold;

/// What is withheld at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Whatever is aggregated into certificates.
    Votes,
    /// Whatever carries payloads.
    Payloads,
    /// Everything else that the engine says: certificates, reports, view changes.
    Reports,
    /// Answers, checkpoints, and requests of others.
    Services,
    /// Half of everything.
    Half,
}

fn mood(scene: &Scene<'_>) -> Mood {
    let moods = [
        Mood::Votes,
        Mood::Payloads,
        Mood::Reports,
        Mood::Services,
        Mood::Half,
    ];
    moods[scene.season(MOOD).below(moods.len() as u64) as usize]
}

impl<P: Engine> Mind<P> for Withhold {
    fn speak(&mut self, scene: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>> {
        let is = if speech.body.payload().is_some() {
            Mood::Payloads
        } else if speech.body.signing().key == KeyRole::Voting {
            Mood::Votes
        } else {
            Mood::Reports
        };
        let mood = mood(scene);
        if mood == is || (mood == Mood::Half && scene.random.chance(500)) {
            scene.acts();
            return Vec::new();
        }
        vec![speech]
    }

    fn serve(
        &mut self,
        scene: &mut Scene<'_>,
        _: Destination,
        message: Service<P>,
    ) -> Option<Service<P>> {
        let mood = mood(scene);
        if mood == Mood::Services || (mood == Mood::Half && scene.random.chance(500)) {
            scene.acts();
            return None;
        }
        Some(message)
    }
}
