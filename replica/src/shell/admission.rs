//! How many bytes of its own clients' requests a replica lets be under way.
//!
//! A queue that is longer than the engine's patience makes a busy leader look like a faulty one,
//! and adds nothing to throughput. So the limit follows the age of the oldest request that waits:
//! it shrinks while that age is above a target, and grows while clients use all of it.

use quorate_core::Time;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The least that is always allowed. A longer request counts as this much, so that it fits.
pub(crate) const ADMITTED_MIN: usize = 32 << 10;

/// What is allowed at first.
const ADMITTED_FIRST: usize = 256 << 10;

/// How often the limit is looked at.
const EVERY: Duration = Duration::from_millis(20);

/// Adjusts the permits that clients take, one for each byte.
#[derive(Debug)]
pub(super) struct Admission {
    permits: Arc<Semaphore>,
    /// Bytes that may be under way.
    limit: usize,
    /// Permits that exist, taken or not: more than `limit` until enough come back.
    granted: usize,
    most: usize,
    target: Duration,
    next: Time,
}

impl Admission {
    /// Allows at most `most` bytes, and aims at requests waiting for no longer than `target`.
    pub(super) fn new(most: usize, target: Duration) -> Self {
        let most = most.clamp(ADMITTED_MIN, Semaphore::MAX_PERMITS);
        let limit = ADMITTED_FIRST.min(most);
        let permits = Arc::new(Semaphore::new(limit));
        Self {
            permits,
            limit,
            granted: limit,
            most,
            target,
            next: Time::ZERO,
        }
    }

    /// What clients take permits from.
    pub(super) fn permits(&self) -> Arc<Semaphore> {
        Arc::clone(&self.permits)
    }

    /// Looks at the limit, if it is time.
    pub(super) fn adjust(&mut self, now: Time, oldest_waiting: Option<Time>) {
        if now < self.next {
            return;
        }
        self.next = now.after(EVERY);
        let age = oldest_waiting.map_or(Duration::ZERO, |since| now.since(since));
        let free = self.permits.available_permits();
        if age > self.target {
            self.limit = (self.limit / 4 * 3).max(ADMITTED_MIN);
        } else if free < self.limit / 8 && age < self.target / 2 {
            self.limit = (self.limit / 4 * 5).min(self.most);
        }
        if self.granted < self.limit {
            self.permits.add_permits(self.limit - self.granted);
            self.granted = self.limit;
        } else if self.granted > self.limit {
            self.granted -= self.permits.forget_permits(self.granted - self.limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn shrinks_while_requests_wait_for_too_long_and_grows_again() {
        let mut admission = Admission::new(1 << 20, Duration::from_millis(100));
        let permits = admission.permits();
        let taken = permits
            .try_acquire_many(ADMITTED_FIRST as u32)
            .expect("all are free");
        for step in 1..100 {
            admission.adjust(at(1000 + step * 20), Some(at(0)));
        }
        assert_eq!(admission.limit, ADMITTED_MIN);
        assert_eq!(permits.available_permits(), 0, "what is taken stays taken");
        drop(taken);
        admission.adjust(at(3000), Some(at(2990)));
        assert_eq!(
            permits.available_permits(),
            ADMITTED_MIN,
            "the rest is forgotten"
        );
        let taken = permits
            .try_acquire_many(ADMITTED_MIN as u32)
            .expect("all are free");
        for step in 1..100 {
            let all = permits.available_permits();
            permits
                .try_acquire_many(all as u32)
                .expect("all are free")
                .forget();
            admission.adjust(at(3000 + step * 20), None);
        }
        assert_eq!(admission.limit, 1 << 20);
        drop(taken);
    }

    #[test]
    fn unused_room_does_not_grow() {
        let mut admission = Admission::new(1 << 20, Duration::from_millis(100));
        for step in 1..100 {
            admission.adjust(at(step * 20), None);
        }
        assert_eq!(admission.limit, ADMITTED_FIRST);
    }
}
