//! A replica that speaks to some only.

use super::{Mind, Scene, Speech};
use crate::Engine;
use quorate_core::{Destination, ReplicaId};
use quorate_replica::Service;

/// How many timeouts a choice of friends lasts.
const FRIENDSHIP: u32 = 5;

/// Speaks to one replica, to a few, or to all but one; from time to time to others.
#[derive(Debug)]
pub(super) struct Select;

/// Whom it speaks to at present.
fn friends(scene: &Scene<'_>) -> Vec<ReplicaId> {
    let mut friends = scene.hearers(Destination::Others);
    let mut season = scene.season(FRIENDSHIP);
    let wanted = 1 + season.below((friends.len() as u64 - 1).max(1)) as usize;
    while friends.len() > wanted {
        friends.remove(season.below(friends.len() as u64) as usize);
    }
    friends
}

impl<P: Engine> Mind<P> for Select {
    fn speak(&mut self, scene: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>> {
        let friends = friends(scene);
        let hearers = scene.hearers(speech.to);
        if hearers.iter().any(|id| !friends.contains(id)) {
            scene.acts();
        }
        speech.only(scene, |id| friends.contains(&id))
    }

    fn serve(
        &mut self,
        scene: &mut Scene<'_>,
        to: Destination,
        message: Service<P>,
    ) -> Option<Service<P>> {
        let Destination::One(id) = to else {
            return Some(message);
        };
        let friendly = friends(scene).contains(&id);
        if !friendly {
            scene.acts();
        }
        friendly.then_some(message)
    }
}
