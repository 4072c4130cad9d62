//! How many bytes of its own clients' requests a replica lets be under way.
//!
//! A queue that is longer than the engine's patience makes a busy leader look like a faulty one,
//! and adds nothing to throughput. So the limit follows the age of the oldest request that waits:
//! it shrinks when that age is above a target, and grows while clients use all of it.
//!
//! What a change does is seen only when the requests that were admitted before it are decided.
//! Until then the limit is not changed again (as in TCP, once a round trip), except that it shrinks
//! further while the oldest request goes on to age: with many replicas a round takes a good part
//! of the target, and whoever does not wait for it overshoots in both directions.

use quorate_core::Time;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The least that is always allowed. A longer request counts as this much, so that it fits.
const ADMITTED_MIN: usize = 16 << 10;

/// What is allowed at first. Too much at once cannot be taken back.
const ADMITTED_FIRST: usize = 32 << 10;

/// How often the limit is looked at.
const EVERY: Duration = Duration::from_millis(20);

/// What clients take room from.
#[derive(Debug)]
pub(crate) struct Room {
    permits: Arc<Semaphore>,
    /// Bytes that may be under way.
    limit: AtomicUsize,
    /// Permits that exist, taken or not: more than `limit` until enough have come back.
    granted: AtomicUsize,
}

/// Room for a request, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    permit: Option<OwnedSemaphorePermit>,
    room: Arc<Room>,
}

impl Room {
    /// Waits for room for this many bytes; `None` when the replica stops.
    pub(crate) async fn take(self: &Arc<Self>, bytes: usize) -> Option<Admitted> {
        let permits = bytes.min(ADMITTED_MIN) as u32;
        let permit = Arc::clone(&self.permits)
            .acquire_many_owned(permits)
            .await
            .ok()?;
        Some(Admitted {
            permit: Some(permit),
            room: Arc::clone(self),
        })
    }

    /// Nobody gets room any more.
    pub(crate) fn close(&self) {
        self.permits.close();
    }

    /// How many of `returned` permits are to vanish, because there are more than the limit.
    fn excess(&self, returned: usize) -> usize {
        let limit = self.limit.load(Ordering::Relaxed);
        let mut excess = 0;
        // Never fails: the closure always gives a value.
        let _ = self
            .granted
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |granted| {
                excess = granted.saturating_sub(limit).min(returned);
                Some(granted - excess)
            });
        excess
    }

    fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        let granted = self.granted.load(Ordering::Relaxed);
        if granted < limit {
            self.granted.fetch_add(limit - granted, Ordering::Relaxed);
            self.permits.add_permits(limit - granted);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        // Whoever waits gets returned permits at once, so those that are too many must vanish
        // here: there is never a moment at which they are free.
        let Some(mut permit) = self.permit.take() else {
            return;
        };
        let excess = self.room.excess(permit.num_permits());
        if let Some(excess) = permit.split(excess) {
            excess.forget();
        }
    }
}

/// Adjusts the room that clients have.
#[derive(Debug)]
pub(super) struct Admission {
    room: Arc<Room>,
    least: usize,
    most: usize,
    target: Duration,
    next: Time,
    /// When the limit was changed last.
    changed: Time,
    /// How often it has shrunk since it was last seen what a change did.
    shrunk: u32,
    /// Whether it has never shrunk: until then nobody knows its order of magnitude, and it doubles.
    probing: bool,
}

impl Admission {
    /// Allows `least` to `most` bytes, and aims at requests waiting for no longer than `target`.
    pub(super) fn new(least: usize, most: usize, target: Duration) -> Self {
        let most = most.clamp(ADMITTED_MIN, Semaphore::MAX_PERMITS);
        let least = least.clamp(ADMITTED_MIN, most);
        let limit = ADMITTED_FIRST.clamp(least, most);
        let room = Room {
            permits: Arc::new(Semaphore::new(limit)),
            limit: AtomicUsize::new(limit),
            granted: AtomicUsize::new(limit),
        };
        Self {
            room: Arc::new(room),
            least,
            most,
            target,
            next: Time::ZERO,
            changed: Time::ZERO,
            shrunk: 0,
            probing: true,
        }
    }

    /// What clients take room from.
    pub(super) fn room(&self) -> Arc<Room> {
        Arc::clone(&self.room)
    }

    /// Looks at the limit, if it is time.
    pub(super) fn adjust(&mut self, now: Time, oldest_waiting: Option<Time>) {
        if now < self.next {
            return;
        }
        self.next = now.after(EVERY);
        let age = oldest_waiting.map_or(Duration::ZERO, |since| now.since(since));
        let free = self.room.permits.available_permits();
        let limit = self.room.limit.load(Ordering::Relaxed);
        let seen = oldest_waiting.is_none_or(|since| since >= self.changed);
        if seen {
            self.shrunk = 0;
        }
        if age > self.target + self.target / 2 * self.shrunk {
            self.shrunk += 1;
            self.probing = false;
            self.change(now, (limit / 4 * 3).max(self.least));
        } else if seen && free < limit / 8 && age < self.target / 2 {
            let more = if self.probing { limit } else { limit / 7 };
            self.change(now, (limit + more).min(self.most));
        }
    }

    fn change(&mut self, now: Time, limit: usize) {
        self.changed = now;
        self.room.set_limit(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(admission: &Admission) -> usize {
        admission.room.limit.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn shrinks_while_requests_wait_for_too_long_and_grows_again() {
        let mut admission = Admission::new(0, 1 << 20, Duration::from_millis(100));
        let room = admission.room();
        let first = room.take(ADMITTED_MIN).await.expect("open");
        let second = room.take(ADMITTED_MIN).await.expect("open");
        let waiting = tokio::spawn({
            let room = Arc::clone(&room);
            async move { room.take(ADMITTED_MIN).await }
        });
        tokio::task::yield_now().await;
        for step in 1..100 {
            admission.adjust(Time::from_millis(1000 + step * 20), Some(Time::ZERO));
        }
        assert_eq!(limit(&admission), ADMITTED_MIN);
        drop(first);
        tokio::task::yield_now().await;
        assert!(
            !waiting.is_finished(),
            "there is room for one, and the second still has it"
        );
        drop(second);
        let third = waiting.await.expect("no panic").expect("open");
        let mut taken = vec![third];
        for step in 1..200 {
            while room.permits.available_permits() > 0 {
                let free = room.permits.available_permits();
                taken.push(room.take(free).await.expect("open"));
            }
            admission.adjust(Time::from_millis(3000 + step * 20), None);
        }
        assert_eq!(limit(&admission), 1 << 20);
    }

    #[tokio::test]
    async fn a_change_is_seen_before_the_next() {
        let mut admission = Admission::new(0, 1 << 20, Duration::from_millis(100));
        let room = admission.room();
        let mut taken = Vec::new();
        let mut fill = || {
            while let Ok(permit) = room.permits.clone().try_acquire_owned() {
                taken.push(permit);
            }
        };
        fill();
        admission.adjust(Time::from_millis(20), Some(Time::ZERO));
        assert_eq!(
            limit(&admission),
            2 * ADMITTED_FIRST,
            "nothing is known yet"
        );
        fill();
        let before = Some(Time::from_millis(19));
        admission.adjust(Time::from_millis(40), before);
        assert_eq!(limit(&admission), 2 * ADMITTED_FIRST, "not seen yet");
        let after = Some(Time::from_millis(21));
        admission.adjust(Time::from_millis(60), after);
        assert_eq!(limit(&admission), 4 * ADMITTED_FIRST);

        // Too much: down by a quarter, and again for every half of the target that it goes on.
        let old = Some(Time::from_millis(61));
        let mut limits = Vec::new();
        for step in 9..=13 {
            admission.adjust(Time::from_millis(step * 20), old);
            limits.push(limit(&admission) / ADMITTED_FIRST);
        }
        assert_eq!(limits, [3, 3, 2, 2, 2], "at 119, 139, 159, 179 and 199 ms");

        // From now on it grows by a seventh.
        fill();
        let shrunk = limit(&admission);
        admission.adjust(Time::from_millis(300), Some(Time::from_millis(290)));
        assert_eq!(limit(&admission), shrunk + shrunk / 7);
    }

    #[test]
    fn unused_room_does_not_grow() {
        let mut admission = Admission::new(0, 1 << 20, Duration::from_millis(100));
        for step in 1..100 {
            admission.adjust(Time::from_millis(step * 20), None);
        }
        assert_eq!(limit(&admission), ADMITTED_FIRST);
    }
}
