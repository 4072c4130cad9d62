//! The order of what waits.

use quorate_core::{Request, Time};

/// Order in which requests arrived. Later arrivals have greater numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival(pub(super) u64);

impl Arrival {
    /// The first arrival.
    pub const START: Self = Self(0);

    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A request of a local client that waits here.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'a> {
    /// Its place in the order of arrival.
    pub arrival: Arrival,
    /// When it was received.
    pub received: Time,
    /// Whether a payload that the last build stood on, or made, contains it.
    pub standing: Standing,
    /// The request.
    pub request: &'a Request,
}

/// Whether a waiting request may be built into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Ready,
    /// It is in a payload that is still in play.
    InFlight,
}

/// The last decision on requests of this replica's own clients: how the forwarding policy tells
/// that they get through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalProgress {
    /// The latest arrival that has been decided, of those received here from clients.
    pub arrival: Arrival,
    /// When the last of them was decided.
    pub at: Time,
}
