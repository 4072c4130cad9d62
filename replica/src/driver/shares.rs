//! How much of this replica's work each peer may cause by asking for it.

use quorate_core::{ReplicaId, Time};

/// What any question costs, in bytes of answer: reading it, looking, and a frame.
pub(super) const QUESTION_BYTES: u64 = 64 << 10;

/// Bytes of answers for one peer: so many at once, and so many more each second. A replica that is
/// far behind asks its peers in turn, one question at a time, and executes less than it may get.
const ANSWERS: Rate = Rate {
    burst: 16 << 20,
    per_second: 32 << 20,
};

/// Checkpoint votes of heights far ahead that one peer may hand over. They say only that we are
/// behind, and the next one says so as well; but there is no end of such heights.
const FAR_VOTES: Rate = Rate {
    burst: 32,
    per_second: 8,
};

/// What one peer may ask for in vain beyond its shares before it is at fault. More than a correct
/// replica can ask: one that has restarted asks for at most 1,024 payloads, and waits.
const EXCESS: Rate = Rate {
    burst: 1024,
    per_second: 512,
};

/// So many at once, and so many more each second.
#[derive(Clone, Copy, Debug)]
struct Rate {
    burst: u64,
    per_second: u64,
}

/// What is left of a rate. Integers only, and a function of the times at which it is asked.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    rate: Rate,
    left: u64,
    /// What was taken although it was not there, to be paid first.
    debt: u64,
    counted: Time,
}

impl Allowance {
    const fn full(rate: Rate) -> Self {
        Self {
            rate,
            left: rate.burst,
            debt: 0,
            counted: Time::ZERO,
        }
    }

    fn refill(&mut self, now: Time) {
        const SECOND: u128 = 1_000_000_000;
        let nanos = now.since(self.counted).as_nanos();
        let per_second = u128::from(self.rate.per_second);
        let gained = nanos * per_second / SECOND;
        if gained == 0 {
            return;
        }
        // What was not enough for a whole one counts the next time.
        let counted = gained * SECOND / per_second;
        self.counted = Time(self.counted.0 + counted as u64);
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        let paid = self.debt.min(gained);
        self.debt -= paid;
        self.left = self.left.saturating_add(gained - paid).min(self.rate.burst);
    }

    /// Takes `cost` if anything is left at all.
    fn take(&mut self, now: Time, cost: u64) -> bool {
        self.refill(now);
        let some = self.left > 0;
        if some {
            self.charge(cost);
        }
        some
    }

    /// Takes `cost`, whatever is left.
    fn charge(&mut self, cost: u64) {
        let paid = self.left.min(cost);
        self.left -= paid;
        self.debt = self.debt.saturating_add(cost - paid);
    }
}

#[derive(Clone, Debug)]
struct Peer {
    answers: Allowance,
    /// As an author, and as a relay.
    far_votes: [Allowance; 2],
    excess: Allowance,
}

/// Each peer's share of the work that it can ask for, so that one that floods is served slowly,
/// and nobody else is.
///
/// Whoever is refused asks another replica, or again. What no correct replica asks in vain is a
/// fault of the peer that does.
#[derive(Debug)]
pub(super) struct Shares {
    peers: Vec<Peer>,
}

/// Whether the peer is at fault for going beyond its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// A correct replica may do so.
    Tolerated,
    /// No correct replica does so much of it.
    Fault,
}

impl Shares {
    pub(super) fn new(validators: usize) -> Self {
        let peer = Peer {
            answers: Allowance::full(ANSWERS),
            far_votes: [Allowance::full(FAR_VOTES); 2],
            excess: Allowance::full(EXCESS),
        };
        Self {
            peers: vec![peer; validators],
        }
    }

    /// Whether a question of the peer is answered now. What the answer takes beyond
    /// [`QUESTION_BYTES`] is charged when it is known, with [`Self::answered`].
    pub(super) fn question(&mut self, now: Time, from: ReplicaId) -> bool {
        let peer = self.peers.get_mut(from.index());
        peer.is_some_and(|peer| peer.answers.take(now, QUESTION_BYTES))
    }

    /// The peer has got an answer of so many bytes.
    pub(super) fn answered(&mut self, to: ReplicaId, bytes: usize) {
        if let Some(peer) = self.peers.get_mut(to.index()) {
            peer.answers.charge(bytes as u64);
        }
    }

    /// Whether a checkpoint vote of a height far ahead is looked at.
    pub(super) fn far_vote(&mut self, now: Time, from: ReplicaId, relayed: bool) -> bool {
        let peer = self.peers.get_mut(from.index());
        peer.is_some_and(|peer| peer.far_votes[usize::from(relayed)].take(now, 1))
    }

    /// The peer has gone beyond one of its shares, and that is not served.
    pub(super) fn exceeded(&mut self, now: Time, from: ReplicaId) -> Excess {
        let peer = self.peers.get_mut(from.index());
        if peer.is_none_or(|peer| peer.excess.take(now, 1)) {
            Excess::Tolerated
        } else {
            Excess::Fault
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: ReplicaId = ReplicaId(1);
    const OTHER: ReplicaId = ReplicaId(2);

    #[test]
    fn an_allowance_is_spent_and_refilled_to_the_unit() {
        let rate = Rate {
            burst: 10,
            per_second: 3,
        };
        let mut allowance = Allowance::full(rate);
        assert_eq!(
            (0..20).filter(|_| allowance.take(Time::ZERO, 1)).count(),
            10
        );
        // However often it is asked: three a second, and no fraction is lost.
        let taken = (1..=2_000).filter(|ms| allowance.take(Time::from_millis(*ms), 1));
        assert_eq!(taken.count(), 6);
        let later = Time::from_millis(1_000_000);
        assert_eq!((0..20).filter(|_| allowance.take(later, 1)).count(), 10);
    }

    #[test]
    fn what_was_overdrawn_is_paid_first() {
        let rate = Rate {
            burst: 10,
            per_second: 10,
        };
        let mut allowance = Allowance::full(rate);
        assert!(allowance.take(Time::ZERO, 25));
        assert!(!allowance.take(Time::from_millis(1_500), 1));
        assert!(allowance.take(Time::from_millis(1_600), 1));
        assert!(!allowance.take(Time::from_millis(1_600), 1));
    }

    #[test]
    fn answers_are_bounded_by_their_bytes_and_by_peer() {
        let mut shares = Shares::new(4);
        let mut ask = |now, from, bytes| {
            let served = shares.question(now, from);
            if served {
                shares.answered(from, bytes);
            }
            served
        };
        let small = (0..10_000).filter(|_| ask(Time::ZERO, PEER, 0)).count() as u64;
        assert_eq!(small, ANSWERS.burst / QUESTION_BYTES);
        let large = (0..10_000).filter(|_| ask(Time::ZERO, OTHER, 4 << 20));
        assert_eq!(large.count(), 4, "16 MiB, and what the last one is longer");
        let second = (1..=1_000).map(Time::from_millis);
        let large = second.filter(|now| ask(*now, OTHER, 4 << 20)).count();
        assert!(
            (7..=8).contains(&large),
            "{large} in a second, of 4 MiB each"
        );
        assert!(!ask(Time::from_millis(1_000), ReplicaId(9), 0), "nobody");
    }

    #[test]
    fn excess_is_a_fault_when_there_is_more_than_correct_replicas_make() {
        let mut shares = Shares::new(4);
        for _ in 0..1024 {
            assert_eq!(shares.exceeded(Time::ZERO, PEER), Excess::Tolerated);
        }
        assert_eq!(shares.exceeded(Time::ZERO, PEER), Excess::Fault);
        assert_eq!(shares.exceeded(Time::ZERO, OTHER), Excess::Tolerated);
        let later = Time::from_millis(100);
        assert_eq!(shares.exceeded(later, PEER), Excess::Tolerated);
    }
}
