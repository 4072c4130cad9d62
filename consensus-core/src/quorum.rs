//! Quorum arithmetic: the only place in the workspace where it is written.
//!
//! With total power N, at most F = ⌊(N−1)/3⌋ of it is faulty. A quorum has q = ⌈(N+F+1)/2⌉:
//! the smallest power such that two quorums share more than F (2q − N ≥ F + 1), and the correct
//! replicas alone have it (q ≤ N − F, because N ≥ 3F + 1). A weak quorum, F + 1, has at least one
//! correct replica. This holds for every N, whether or not it is of the form 3f + 1.

/// How much power a certificate needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// Any two of these share a correct replica.
    Quorum,
    /// Each of these contains a correct replica.
    Weak,
    /// Any power at all: for a part of a certificate whose parts are added up elsewhere.
    Any,
}

/// The thresholds that follow from a total voting power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumPower {
    total: u64,
    faulty: u64,
    quorum: u64,
}

impl QuorumPower {
    /// Thresholds for a total power; `None` if it is zero.
    #[must_use]
    pub const fn of(total: u64) -> Option<Self> {
        if total == 0 {
            return None;
        }
        let faulty = (total - 1) / 3;
        // In 128 bits, because the sum can exceed 64.
        let quorum = (total as u128 + faulty as u128 + 1).div_ceil(2);
        // At most `total`, because F < N, so it fits.
        Some(Self {
            total,
            faulty,
            quorum: quorum as u64,
        })
    }

    /// Power of all replicas together: N.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Most power that may be faulty: F.
    #[must_use]
    pub const fn faulty(&self) -> u64 {
        self.faulty
    }

    /// Power of a quorum: q.
    #[must_use]
    pub const fn quorum(&self) -> u64 {
        self.quorum
    }

    /// Power of a weak quorum: F + 1.
    #[must_use]
    pub const fn weak(&self) -> u64 {
        self.faulty + 1
    }

    /// Power that `threshold` asks for.
    #[must_use]
    pub const fn needed(&self, threshold: Threshold) -> u64 {
        match threshold {
            Threshold::Quorum => self.quorum(),
            Threshold::Weak => self.weak(),
            Threshold::Any => 1,
        }
    }
}
