//! A replica that crashes and restarts, again and again.
//!
//! What it says is what the protocol says. The world switches it off and on.

use super::Behaviour;
use quorate_core::testing::Random;
use std::time::Duration;

/// Whether a replica is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    /// It is up.
    On,
    /// It is down.
    Off,
}

impl Power {
    /// How long it stays so. Up long enough to promise something, or hardly; down for a moment or
    /// for several views.
    pub(crate) fn lasts(self, timeout: Duration, random: &mut Random) -> Duration {
        let longest = match (self, random.chance(300)) {
            (Self::On, true) => timeout / 20,
            (Self::On, false) => timeout * 2,
            (Self::Off, true) => timeout * 4,
            (Self::Off, false) => timeout / 4,
        };
        random.duration(&(Duration::from_micros(50)..=longest.max(Duration::from_millis(1))))
    }
}

/// Whether a replica with these behaviours crashes and restarts.
pub(crate) fn is_restless(behaviours: &[Behaviour]) -> bool {
    behaviours.contains(&Behaviour::CrashLoop)
}
