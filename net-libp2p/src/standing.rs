//! Who has misbehaved too often.

use crate::StandingRule;
use quorate_core::ReplicaId;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

#[derive(Default)]
struct Record {
    /// When its last faults were, at most as many as the rule counts.
    faults: VecDeque<Instant>,
    banned_until: Option<Instant>,
}

/// Every validator's recent faults, and who is refused because of them.
pub(crate) struct Standing {
    rule: StandingRule,
    records: Mutex<Vec<Record>>,
}

impl Standing {
    pub(crate) fn new(rule: StandingRule, validators: usize) -> Self {
        let records = (0..validators).map(|_| Record::default()).collect();
        Self {
            rule,
            records: Mutex::new(records),
        }
    }

    /// Holds a fault against a peer. Returns whether that is one too many: from now on the peer
    /// is refused for a while.
    #[must_use]
    pub(crate) fn lower(&self, peer: ReplicaId, now: Instant) -> bool {
        let mut records = self.lock();
        let record = &mut records[peer.index()];
        if record.banned_until.is_some_and(|until| until > now) {
            return false;
        }
        while let Some(first) = record.faults.front()
            && now.duration_since(*first) > self.rule.within
        {
            record.faults.pop_front();
        }
        record.faults.push_back(now);
        if record.faults.len() < self.rule.faults {
            return false;
        }
        record.faults.clear();
        record.banned_until = Some(now + self.rule.ban);
        true
    }

    /// Until when a peer is refused.
    pub(crate) fn banned_until(&self, peer: ReplicaId, now: Instant) -> Option<Instant> {
        let until = self.lock()[peer.index()].banned_until;
        until.filter(|until| *until > now)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const PEER: ReplicaId = ReplicaId(1);

    fn standing() -> Standing {
        let rule = StandingRule {
            faults: 3,
            within: Duration::from_secs(10),
            ban: Duration::from_secs(30),
        };
        Standing::new(rule, 2)
    }

    #[test]
    fn enough_faults_in_time_ban_for_a_while() {
        let (standing, start) = (standing(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!standing.lower(PEER, at(0)));
        assert!(!standing.lower(PEER, at(1)));
        assert!(standing.lower(PEER, at(2)));
        assert_eq!(standing.banned_until(PEER, at(3)), Some(at(32)));
        assert_eq!(standing.banned_until(ReplicaId(0), at(3)), None);
        assert!(!standing.lower(PEER, at(4)), "banned already");
        assert_eq!(standing.banned_until(PEER, at(32)), None);
        assert!(!standing.lower(PEER, at(33)), "it starts afresh");
    }

    #[test]
    fn old_faults_are_forgotten() {
        let (standing, start) = (standing(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for seconds in [0, 6, 12, 18, 24, 30] {
            assert!(!standing.lower(PEER, at(seconds)), "at {seconds}");
        }
    }
}
