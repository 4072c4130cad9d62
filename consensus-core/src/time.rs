//! Time as engines know it: a number that somebody else reads from a clock.

use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;
use std::time::Duration;

/// Nanoseconds since an epoch of the driver's choosing. Monotonic within one run of a replica.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Time(pub u64);

impl Time {
    /// The driver's epoch.
    pub const ZERO: Self = Self(0);

    /// This time plus `duration`; saturates at the end of time.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// How long ago `earlier` was; zero if it is in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

/// Deadlines by name. A name has one deadline at most; setting it again moves it.
///
/// Deadlines are state and not events: there is nothing to arm, cancel or lose. The engine says
/// which is next ([`Timers::next`]), and takes what is due ([`Timers::due`]) when it is told the
/// time.
#[derive(Clone, Debug)]
pub struct Timers<K>(Vec<(Time, K)>);

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + PartialEq> Timers<K> {
    /// Sets or moves the deadline of `name`.
    pub fn set(&mut self, name: K, at: Time) {
        self.clear(name);
        self.0.push((at, name));
    }

    /// Removes the deadline of `name`, if it has one.
    pub fn clear(&mut self, name: K) {
        self.0.retain(|(_, other)| *other != name);
    }

    /// Removes every deadline.
    pub fn clear_all(&mut self) {
        self.0.clear();
    }

    /// The deadline of `name`.
    #[must_use]
    pub fn get(&self, name: K) -> Option<Time> {
        self.0
            .iter()
            .find(|(_, other)| *other == name)
            .map(|(at, _)| *at)
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.0.iter().map(|(at, _)| *at).min()
    }

    /// Takes the earliest deadline that `now` has reached; of equal ones, the one set first.
    pub fn due(&mut self, now: Time) -> Option<K> {
        let first = self.next().filter(|at| *at <= now)?;
        let index = self.0.iter().position(|(at, _)| *at == first)?;
        Some(self.0.remove(index).1)
    }
}
