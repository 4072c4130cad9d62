//! A replica that signs states that nobody is in.

use super::{Mind, Scene, Speech};
use crate::Engine;
use quorate_core::{CheckpointClaim, Destination, Digest, Height};
use quorate_replica::Service;

/// Signs false digests of its state, states of heights that are not reached, and payloads that
/// were not decided.
#[derive(Debug)]
pub(super) struct FalseCheckpoint;

impl<P: Engine> Mind<P> for FalseCheckpoint {
    fn speak(&mut self, _: &mut Scene<'_>, speech: Speech<P>) -> Vec<Speech<P>> {
        vec![speech]
    }

    fn serve(
        &mut self,
        scene: &mut Scene<'_>,
        _: Destination,
        message: Service<P>,
    ) -> Option<Service<P>> {
        let Service::Checkpoint(claim, signature) = message else {
            return Some(message);
        };
        let nobody = Digest::builder("quorate simulator false checkpoint")
            .number(claim.height.0)
            .finish();
        let claim = match scene.random.below(5) {
            0 => claim,
            1 => CheckpointClaim {
                height: Height(super::deceit::somewhere(claim.height.0, scene.random)),
                ..claim
            },
            2 => CheckpointClaim {
                payload: nobody,
                ..claim
            },
            _ => CheckpointClaim {
                state: nobody,
                ..claim
            },
        };
        scene.acts();
        Some(Service::Checkpoint(claim, signature))
    }
}
