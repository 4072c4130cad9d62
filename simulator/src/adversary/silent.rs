//! A replica that listens and says nothing.

use super::{Mind, Scene, Speech};
use crate::Engine;
use quorate_core::Destination;
use quorate_replica::Service;

/// Never speaks.
#[derive(Debug)]
pub(super) struct Silent;

impl<P: Engine> Mind<P> for Silent {
    fn speak(&mut self, scene: &mut Scene<'_>, _: Speech<P>) -> Vec<Speech<P>> {
        scene.acts();
        Vec::new()
    }

    fn serve(
        &mut self,
        scene: &mut Scene<'_>,
        _: Destination,
        _: Service<P>,
    ) -> Option<Service<P>> {
        scene.acts();
        None
    }
}
