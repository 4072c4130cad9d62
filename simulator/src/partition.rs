//! Links that are cut for a while.

use quorate_core::testing::Random;
use quorate_core::{ReplicaId, Time};
use std::collections::BTreeSet;
use std::time::Duration;

/// Links that carry nothing, all the time or every other period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// By sender and receiver.
    links: BTreeSet<(ReplicaId, ReplicaId)>,
    since: Time,
    /// How long the links are cut, and then whole, in turn; cut all the time if none.
    flap: Option<Duration>,
}

/// Which way nothing gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Neither out of the group nor into it.
    Both,
    /// Out of the group.
    Out,
    /// Into the group.
    In,
}

impl Partition {
    /// Cuts a group off from all others.
    pub(crate) fn around(
        group: &[ReplicaId],
        all: &[ReplicaId],
        direction: Direction,
        since: Time,
    ) -> Self {
        let mut links = BTreeSet::new();
        for inside in group {
            for outside in all.iter().filter(|id| !group.contains(id)) {
                if direction != Direction::In {
                    links.insert((*inside, *outside));
                }
                if direction != Direction::Out {
                    links.insert((*outside, *inside));
                }
            }
        }
        let flap = None;
        Self { links, since, flap }
    }

    /// Cuts each direction of each link with a chance of so many in a thousand.
    pub(crate) fn scattered(
        random: &mut Random,
        all: &[ReplicaId],
        per_mille: u32,
        since: Time,
    ) -> Self {
        let pairs = all
            .iter()
            .flat_map(|from| all.iter().map(|to| (*from, *to)));
        let links = pairs.filter(|(from, to)| from != to);
        let links = links.filter(|_| random.chance(per_mille)).collect();
        let flap = None;
        Self { links, since, flap }
    }

    /// The same, whole again after each period, and cut again after another.
    pub(crate) const fn flapping(mut self, period: Duration) -> Self {
        self.flap = Some(period);
        self
    }

    /// Whether a link carries nothing now.
    pub(crate) fn cuts(&self, from: ReplicaId, to: ReplicaId, now: Time) -> bool {
        self.links.contains(&(from, to)) && self.flaps(now).is_multiple_of(2)
    }

    /// How often it has changed since it began.
    pub(crate) fn flaps(&self, now: Time) -> u64 {
        let elapsed = now.since(self.since).as_nanos();
        let flaps = self.flap.map_or(0, |period| elapsed / period.as_nanos());
        u64::try_from(flaps).unwrap_or(u64::MAX)
    }

    /// How many directions of links.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ReplicaId; 4] = [ReplicaId(0), ReplicaId(1), ReplicaId(2), ReplicaId(3)];

    fn cut(partition: &Partition, at: u64) -> Vec<(u16, u16)> {
        let pairs = ALL
            .iter()
            .flat_map(|from| ALL.iter().map(|to| (*from, *to)));
        pairs
            .filter(|(from, to)| partition.cuts(*from, *to, Time(at)))
            .map(|(from, to)| (from.0, to.0))
            .collect()
    }

    #[test]
    fn directions_differ() {
        let around = |direction| Partition::around(&ALL[3..], &ALL, direction, Time(0));
        assert_eq!(cut(&around(Direction::Out), 9), [(3, 0), (3, 1), (3, 2)]);
        assert_eq!(cut(&around(Direction::In), 9), [(0, 3), (1, 3), (2, 3)]);
        assert_eq!(cut(&around(Direction::Both), 9).len(), 6);
    }

    #[test]
    fn flapping_links_are_cut_and_whole_in_turn() {
        let partition = Partition::around(&ALL[3..], &ALL, Direction::Out, Time(100))
            .flapping(Duration::from_nanos(10));
        for (at, whole) in [
            (100, false),
            (109, false),
            (110, true),
            (119, true),
            (120, false),
        ] {
            assert_eq!(cut(&partition, at).is_empty(), whole, "at {at}");
        }
        assert_eq!(partition.flaps(Time(139)), 3);
    }

    #[test]
    fn scattered_cuts_take_some_links() {
        let mut random = Random::new(5);
        let partition = Partition::scattered(&mut random, &ALL, 400, Time(0));
        assert!((1..12).contains(&partition.len()), "{partition:?}");
        assert_eq!(cut(&partition, 7).len(), partition.len());
    }
}
