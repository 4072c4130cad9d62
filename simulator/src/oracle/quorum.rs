//! The oracles' own quorum arithmetic, from first principles.

use quorate_core::{ReplicaId, Threshold};

/// Who has how much power, and how much of it is enough.
///
/// Of a total power N, F is the most that may be faulty: the greatest f with 3f < N (the lower
/// bound of Pease, Shostak and Lamport, 1980). A quorum is the least power q such that any two
/// quorums, which share at least 2q − N, share more than F: 2q > N + F. More than F power is
/// weak: it has at least one correct replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    powers: Vec<u64>,
    faulty: u64,
    quorum: u64,
}

impl Table {
    /// The table for replicas with these powers.
    ///
    /// # Panics
    ///
    /// If there is no power at all, or more than a u64 can count.
    #[must_use]
    pub fn new(powers: &[u64]) -> Self {
        let total = powers
            .iter()
            .try_fold(0u64, |sum, power| sum.checked_add(*power));
        let total = total.expect("the total power is countable");
        assert!(total > 0, "somebody has power");
        let faulty = if total.is_multiple_of(3) {
            total / 3 - 1
        } else {
            total / 3
        };
        // The least q with 2q > N + F, without forming the sum, which may not fit.
        let quorum = total / 2 + faulty / 2 + (total % 2 + faulty % 2) / 2 + 1;
        Self {
            powers: powers.to_vec(),
            faulty,
            quorum,
        }
    }

    /// How many replicas there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.powers.len()
    }

    /// Whether there is no replica: never.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.powers.is_empty()
    }

    /// Power of a replica; none if it is no replica.
    #[must_use]
    pub fn power(&self, id: ReplicaId) -> u64 {
        self.powers.get(id.index()).copied().unwrap_or(0)
    }

    /// Most power that may be faulty.
    #[must_use]
    pub const fn faulty(&self) -> u64 {
        self.faulty
    }

    /// Power of a quorum.
    #[must_use]
    pub const fn quorum(&self) -> u64 {
        self.quorum
    }

    /// Power that a threshold asks for.
    #[must_use]
    pub const fn needed(&self, threshold: Threshold) -> u64 {
        match threshold {
            Threshold::Quorum => self.quorum,
            Threshold::Weak => self.faulty + 1,
            Threshold::Any => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(total: u64) -> (u64, u64) {
        let table = Table::new(&[total]);
        (table.faulty(), table.quorum())
    }

    #[test]
    fn is_what_was_computed_by_hand() {
        let by_hand = [
            (1, (0, 1)),
            (2, (0, 2)),
            (3, (0, 2)),
            (4, (1, 3)),
            (5, (1, 4)),
            (6, (1, 4)),
            (7, (2, 5)),
            (8, (2, 6)),
            (9, (2, 6)),
            (10, (3, 7)),
            (11, (3, 8)),
            (12, (3, 8)),
            (13, (4, 9)),
            (16, (5, 11)),
            (100, (33, 67)),
        ];
        for (total, expected) in by_hand {
            assert_eq!(of(total), expected, "of {total}");
        }
    }

    #[test]
    fn is_what_the_definition_says() {
        for total in 1..=300 {
            let faulty = (0..).take_while(|faulty| 3 * faulty < total).last();
            let faulty = faulty.expect("nobody is faulty, at least");
            let quorum = (0..).find(|quorum| 2 * quorum > total + faulty);
            assert_eq!(Some(of(total)), quorum.map(|quorum| (faulty, quorum)));
        }
    }

    #[test]
    fn does_not_overflow() {
        // 2^64 - 1 is three times 6148914691236517205; the quorum is (N + F) / 2 rounded up to
        // more than half: (18446744073709551615 + 6148914691236517204) / 2 + 1.
        assert_eq!(
            of(u64::MAX),
            (6_148_914_691_236_517_204, 12_297_829_382_473_034_410)
        );
    }

    #[test]
    fn adds_powers_and_not_heads() {
        let table = Table::new(&[5, 1, 1, 1]);
        assert_eq!((table.faulty(), table.quorum()), (2, 6));
        assert_eq!(table.needed(Threshold::Weak), 3);
        assert_eq!(table.power(ReplicaId(0)), 5);
        assert_eq!(table.power(ReplicaId(4)), 0);
    }
}
