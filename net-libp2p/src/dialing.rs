//! When to dial whom.

use crate::Backoff;
use quorate_core::ReplicaId;
use std::time::{Duration, Instant};

/// Whoever has the higher index leaves dialing to the other, but not for ever: the other may not
/// know the address.
const LEAVE_DIALING: Duration = Duration::from_secs(2);

/// A connection that has lasted so long was a success, so the next attempt need not wait.
const STABLE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Default)]
struct Peer {
    /// When to dial next, once an address is known.
    next: Option<Instant>,
    under_way: bool,
    failures: u32,
    connected_since: Option<Instant>,
}

/// What is known about connecting to each peer.
pub(crate) struct Dialing {
    me: ReplicaId,
    backoff: Backoff,
    peers: Vec<Peer>,
}

impl Dialing {
    pub(crate) fn new(me: ReplicaId, backoff: Backoff, validators: usize) -> Self {
        Self {
            me,
            backoff,
            peers: vec![Peer::default(); validators],
        }
    }

    pub(crate) fn is_connected(&self, peer: ReplicaId) -> bool {
        self.peers[peer.index()].connected_since.is_some()
    }

    /// The peer is connected, whoever dialed.
    pub(crate) fn connected(&mut self, peer: ReplicaId, now: Instant) {
        let state = &mut self.peers[peer.index()];
        state.under_way = false;
        state.next = None;
        state.connected_since.get_or_insert(now);
    }

    /// The last connection has ended. Returns when to dial again.
    pub(crate) fn disconnected(&mut self, peer: ReplicaId, now: Instant) -> Instant {
        let state = &mut self.peers[peer.index()];
        let since = state.connected_since.take();
        if since.is_some_and(|since| now.duration_since(since) >= STABLE) {
            state.failures = 0;
        }
        self.retry(peer, now)
    }

    /// An attempt has failed. Returns when to dial again, unless the peer is connected all the
    /// same.
    pub(crate) fn failed(&mut self, peer: ReplicaId, now: Instant) -> Option<Instant> {
        (!self.is_connected(peer)).then(|| self.retry(peer, now))
    }

    fn retry(&mut self, peer: ReplicaId, now: Instant) -> Instant {
        let failures = self.peers[peer.index()].failures;
        let mut wait = self.wait(peer, failures);
        if failures == 0 && self.me > peer {
            wait += LEAVE_DIALING;
        }
        let next = now + wait;
        let state = &mut self.peers[peer.index()];
        state.under_way = false;
        state.failures = failures.saturating_add(1);
        state.next = Some(next);
        next
    }

    /// When a peer whose address is known is to be dialed; `None` if it is connected, or an
    /// attempt is under way.
    pub(crate) fn due(&mut self, peer: ReplicaId, now: Instant) -> Option<Instant> {
        let patience = if self.me < peer {
            Duration::ZERO
        } else {
            LEAVE_DIALING
        };
        let state = &mut self.peers[peer.index()];
        let busy = state.under_way || state.connected_since.is_some();
        (!busy).then(|| *state.next.get_or_insert(now + patience))
    }

    /// The peer is being dialed.
    pub(crate) fn started(&mut self, peer: ReplicaId) {
        self.peers[peer.index()].under_way = true;
    }

    /// How long to wait after so many failures.
    fn wait(&self, peer: ReplicaId, failures: u32) -> Duration {
        let doubled = self.backoff.first.saturating_mul(1 << failures.min(16));
        let wait = doubled.min(self.backoff.last);
        // Spread, so that replicas that lost each other together do not dial together.
        let seed = [self.me.0, peer.0, failures as u16];
        let bytes: Vec<u8> = seed.iter().flat_map(|part| part.to_le_bytes()).collect();
        let spread = u32::from(blake3::hash(&bytes).as_bytes()[0]);
        wait + wait * spread / 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialing(me: u16) -> Dialing {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            last: Duration::from_secs(5),
        };
        Dialing::new(ReplicaId(me), backoff, 3)
    }

    #[test]
    fn the_lower_dials_at_once_and_the_higher_after_a_while() {
        let now = Instant::now();
        let mut dialing = dialing(1);
        assert_eq!(dialing.due(ReplicaId(2), now), Some(now));
        assert_eq!(dialing.due(ReplicaId(0), now), Some(now + LEAVE_DIALING));
        let later = now + Duration::from_secs(1);
        assert_eq!(
            dialing.due(ReplicaId(0), later),
            Some(now + LEAVE_DIALING),
            "asking again does not put it off"
        );
        dialing.started(ReplicaId(2));
        assert_eq!(dialing.due(ReplicaId(2), now), None);
        dialing.connected(ReplicaId(2), now);
        assert_eq!(dialing.due(ReplicaId(2), now), None);
    }

    #[test]
    fn waiting_times_double_up_to_the_last() {
        let (mut dialing, now, peer) = (dialing(0), Instant::now(), ReplicaId(1));
        let mut shortest = Duration::from_millis(100);
        for _ in 0..40 {
            let wait = dialing.failed(peer, now).unwrap() - now;
            assert!(wait >= shortest && wait <= shortest + shortest / 4);
            shortest = (2 * shortest).min(Duration::from_secs(5));
        }
        // A connection that is refused at once changes nothing, a lasting one does.
        dialing.connected(peer, now);
        assert_eq!(dialing.failed(peer, now), None);
        let wait = dialing.disconnected(peer, now + Duration::from_secs(1)) - now;
        assert!(wait > Duration::from_secs(5));
        dialing.connected(peer, now);
        let later = now + STABLE;
        let wait = dialing.disconnected(peer, later) - later;
        assert!(wait < Duration::from_millis(126));
    }
}
