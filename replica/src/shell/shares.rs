//! How much of something each peer may have under way at a time.

use quorate_core::ReplicaId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Equal shares of something, one for each peer. Taken from any thread, and given back by dropping
/// what was taken.
#[derive(Debug)]
pub(super) struct Shares {
    most: usize,
    taken: Vec<AtomicUsize>,
    highest: AtomicUsize,
}

/// What a peer has under way.
#[derive(Debug)]
pub(super) struct Share {
    shares: Arc<Shares>,
    of: ReplicaId,
    amount: usize,
}

impl Shares {
    /// At most `most` for each of so many peers.
    pub(super) fn new(peers: usize, most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: (0..peers).map(|_| AtomicUsize::new(0)).collect(),
            highest: AtomicUsize::new(0),
        })
    }

    /// Takes some of a peer's share; `None` if it has not so much left.
    pub(super) fn take(self: &Arc<Self>, of: ReplicaId, amount: usize) -> Option<Share> {
        let taken = self.taken.get(of.index())?;
        let more = |taken: usize| {
            let after = taken.checked_add(amount)?;
            (after <= self.most).then_some(after)
        };
        let order = Ordering::Relaxed;
        let before = taken.fetch_update(order, order, more).ok()?;
        self.highest.fetch_max(before + amount, order);
        Some(Share {
            shares: Arc::clone(self),
            of,
            amount,
        })
    }

    /// The most that one peer has had under way at a time.
    pub(super) fn highest(&self) -> usize {
        self.highest.load(Ordering::Relaxed)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shares.taken[self.of.index()].fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_its_share_and_gets_it_back() {
        let shares = Shares::new(2, 10);
        let six = shares.take(ReplicaId(0), 6).expect("it is there");
        assert!(shares.take(ReplicaId(0), 5).is_none());
        assert!(shares.take(ReplicaId(0), usize::MAX).is_none());
        let four = shares.take(ReplicaId(0), 4).expect("it is there");
        assert!(shares.take(ReplicaId(1), 10).is_some(), "the other's own");
        assert!(shares.take(ReplicaId(2), 1).is_none(), "nobody");
        drop(six);
        assert!(shares.take(ReplicaId(0), 6).is_some());
        drop(four);
        assert!(shares.take(ReplicaId(0), 10).is_some());
        assert_eq!(shares.highest(), 10);
    }
}
