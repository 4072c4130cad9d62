//! Checkpoint votes whose signatures are being checked.

use super::Verdicts;
use quorate_core::{CheckpointClaim, Digest, Height, ReplicaId, Scheme, Verdict};
use std::collections::BTreeMap;

/// Most votes of one peer under check at a time, in each of its roles: twice as many as the
/// heights for which votes are kept.
pub(super) const CHECKS_MAX: usize = 32;

/// Who handed a vote over, and in which role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deliverer {
    pub(super) from: ReplicaId,
    /// Whether the transport vouches that it is the author.
    pub(super) direct: bool,
}

impl Deliverer {
    const fn account(self) -> usize {
        2 * self.from.index() + !self.direct as usize
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    under_check: usize,
    /// A signature from here has failed: nothing more is checked until something is decided.
    barred: bool,
}

/// What becomes of a vote that is worth checking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is to be checked.
    Check,
    /// The same vote is being checked, and the verdict on it will be the verdict on this one.
    Joined,
    /// It is dropped: the peer has handed it over already, or sent a bad one before.
    Dropped,
    /// It is dropped: there are too many of this peer.
    Crowded,
}

#[derive(Debug)]
struct Delivered {
    by: Deliverer,
    ticket: Option<u64>,
}

/// The checkpoint votes that are being checked: the same vote once, whoever hands it over, and at
/// most [`CHECKS_MAX`] of each peer in each of its roles. A peer whose signature has failed is not
/// served again, in that role, until another height is decided; a correct relay checks before it
/// passes on.
#[derive(Debug)]
pub(super) struct CheckpointChecks {
    votes: BTreeMap<Digest, Vec<Delivered>>,
    accounts: Vec<Account>,
    highest: usize,
    decided: Height,
}

/// What names a vote: every byte of it.
fn name<S: Scheme>(by: ReplicaId, claim: &CheckpointClaim, signature: &S::Signature) -> Digest {
    let bytes = borsh::to_vec(&(by, claim, signature)).expect("writing to memory does not fail");
    Digest::builder("quorate checkpoint vote under check")
        .bytes(&bytes)
        .finish()
}

impl CheckpointChecks {
    pub(super) fn new(validators: usize) -> Self {
        Self {
            votes: BTreeMap::new(),
            accounts: vec![Account::default(); 2 * validators],
            highest: 0,
            decided: Height::GENESIS,
        }
    }

    /// How many deliveries wait for the verdict on their vote: of each peer no more than
    /// [`CHECKS_MAX`] in each of its roles.
    pub(super) fn len(&self) -> usize {
        self.votes.values().map(Vec::len).sum()
    }

    /// The most that one peer has had under check at a time, in one role.
    pub(super) const fn highest(&self) -> usize {
        self.highest
    }

    /// Everything up to `height` is decided.
    pub(super) fn decided(&mut self, height: Height) {
        if height > self.decided {
            self.decided = height;
            for account in &mut self.accounts {
                account.barred = false;
            }
        }
    }

    /// Takes a vote in to be checked, unless there is a reason not to.
    pub(super) fn admit<S: Scheme>(
        &mut self,
        deliverer: Deliverer,
        ticket: Option<u64>,
        (by, claim, signature): (ReplicaId, &CheckpointClaim, &S::Signature),
    ) -> Admission {
        let Some(account) = self.accounts.get_mut(deliverer.account()) else {
            return Admission::Dropped;
        };
        if account.barred {
            return Admission::Dropped;
        }
        let name = name::<S>(by, claim, signature);
        let deliveries = self.votes.get(&name);
        let again = |delivered: &Delivered| delivered.by == deliverer;
        if deliveries.is_some_and(|deliveries| deliveries.iter().any(again)) {
            return Admission::Dropped;
        }
        if account.under_check >= CHECKS_MAX {
            return Admission::Crowded;
        }
        account.under_check += 1;
        self.highest = self.highest.max(account.under_check);
        let joined = deliveries.is_some();
        self.votes.entry(name).or_default().push(Delivered {
            by: deliverer,
            ticket,
        });
        if joined {
            Admission::Joined
        } else {
            Admission::Check
        }
    }

    /// A vote has been checked. Gives out the verdicts on its deliveries, and the peers whose
    /// fault it is that it does not hold.
    pub(super) fn checked<S: Scheme>(
        &mut self,
        (by, claim, signature): (ReplicaId, &CheckpointClaim, &S::Signature),
        verdict: Verdict,
        verdicts: &mut Verdicts,
    ) -> Vec<ReplicaId> {
        let name = name::<S>(by, claim, signature);
        let mut culprits = Vec::new();
        for Delivered { by, ticket } in self.votes.remove(&name).unwrap_or_default() {
            let account = &mut self.accounts[by.account()];
            account.under_check -= 1;
            verdicts.extend(ticket.map(|ticket| (ticket, verdict)));
            // Several that were under check already are one fault.
            if verdict == Verdict::Reject && !std::mem::replace(&mut account.barred, true) {
                culprits.push(by.from);
            }
        }
        culprits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_core::testing::{Mock, mock_validators};
    use quorate_core::{ChainId, Domain, Epoch, KeyRole};

    type Vote = (ReplicaId, CheckpointClaim, <Mock as Scheme>::Signature);

    fn vote(by: u16, height: u64) -> Vote {
        let domain = Domain {
            engine: 1,
            wire: 1,
            chain: ChainId(1),
            epoch: Epoch(0),
        };
        let claim = CheckpointClaim {
            height: Height(height),
            payload: Digest([1; 32]),
            state: Digest([2; 32]),
        };
        let scheme = Mock::new(mock_validators(&[1; 4]), [7; 32]);
        let signature = scheme.sign(ReplicaId(by), KeyRole::Voting, claim.statement(&domain));
        (ReplicaId(by), claim, signature)
    }

    const fn deliverer(from: u16, direct: bool) -> Deliverer {
        Deliverer {
            from: ReplicaId(from),
            direct,
        }
    }

    fn admit(
        checks: &mut CheckpointChecks,
        from: Deliverer,
        ticket: u64,
        vote: &Vote,
    ) -> Admission {
        checks.admit::<Mock>(from, Some(ticket), (vote.0, &vote.1, &vote.2))
    }

    fn checked(
        checks: &mut CheckpointChecks,
        vote: &Vote,
        verdict: Verdict,
    ) -> (Vec<ReplicaId>, Verdicts) {
        let mut verdicts = Vec::new();
        let vote = (vote.0, &vote.1, &vote.2);
        let culprits = checks.checked::<Mock>(vote, verdict, &mut verdicts);
        (culprits, verdicts)
    }

    #[test]
    fn the_same_vote_is_checked_once_and_every_delivery_gets_the_verdict() {
        let mut checks = CheckpointChecks::new(4);
        let vote = vote(1, 64);
        let (author, relay) = (deliverer(1, true), deliverer(2, false));
        assert_eq!(admit(&mut checks, author, 10, &vote), Admission::Check);
        assert_eq!(admit(&mut checks, author, 11, &vote), Admission::Dropped);
        assert_eq!(admit(&mut checks, relay, 12, &vote), Admission::Joined);
        let (culprits, verdicts) = checked(&mut checks, &vote, Verdict::Accept);
        assert!(culprits.is_empty());
        assert_eq!(verdicts, [(10, Verdict::Accept), (12, Verdict::Accept)]);
        assert!(checks.votes.is_empty());
        assert!(
            checks
                .accounts
                .iter()
                .all(|account| account.under_check == 0)
        );
        // A verdict that nobody waits for changes nothing.
        assert_eq!(
            checked(&mut checks, &vote, Verdict::Reject),
            Default::default()
        );
    }

    #[test]
    fn a_peer_has_its_share_and_takes_nobody_elses() {
        let mut checks = CheckpointChecks::new(4);
        let own = deliverer(1, true);
        for height in 0..CHECKS_MAX as u64 {
            assert_eq!(
                admit(&mut checks, own, 0, &vote(1, height)),
                Admission::Check
            );
        }
        let next = vote(1, 1000);
        assert_eq!(admit(&mut checks, own, 0, &next), Admission::Crowded);
        let relayed = deliverer(1, false);
        assert_eq!(admit(&mut checks, relayed, 0, &next), Admission::Check);
        let other = deliverer(2, true);
        assert_eq!(admit(&mut checks, other, 0, &vote(2, 0)), Admission::Check);
        checked(&mut checks, &vote(1, 0), Verdict::Accept);
        assert_eq!(admit(&mut checks, own, 0, &vote(1, 2000)), Admission::Check);
        assert_eq!(
            admit(&mut checks, deliverer(9, true), 0, &next),
            Admission::Dropped
        );
    }

    #[test]
    fn a_bad_signature_bars_the_peer_until_something_is_decided() {
        let mut checks = CheckpointChecks::new(4);
        let relay = deliverer(3, false);
        for height in [64, 128] {
            assert_eq!(
                admit(&mut checks, relay, height, &vote(1, height)),
                Admission::Check
            );
        }
        let (culprits, verdicts) = checked(&mut checks, &vote(1, 64), Verdict::Reject);
        assert_eq!(
            culprits,
            [ReplicaId(3)],
            "who passed it on, not who it names"
        );
        assert_eq!(verdicts, [(64, Verdict::Reject)]);
        let (culprits, verdicts) = checked(&mut checks, &vote(1, 128), Verdict::Reject);
        assert!(culprits.is_empty(), "one fault");
        assert_eq!(verdicts, [(128, Verdict::Reject)]);
        assert_eq!(
            admit(&mut checks, relay, 0, &vote(1, 192)),
            Admission::Dropped
        );
        assert_eq!(
            admit(&mut checks, deliverer(1, true), 0, &vote(1, 192)),
            Admission::Check
        );
        checks.decided(Height(1));
        assert_eq!(
            admit(&mut checks, relay, 0, &vote(1, 256)),
            Admission::Check
        );
    }
}
