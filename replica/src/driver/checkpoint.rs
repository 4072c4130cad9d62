//! Checkpoint votes of peers, from their arrival to the verdict on them.

use super::checks::{Admission, Deliverer};
use super::shares::Excess;
use super::{Action, CheckpointVote, Driver, ReceivedCheckpoint};
use quorate_core::{Fault, Protocol, ReplicaId, Time, Verdict};

impl<P: Protocol> Driver<P> {
    /// A vote from the network: cheap checks, then its share of signature checks.
    pub(super) fn checkpoint_arrived(&mut self, now: Time, received: ReceivedCheckpoint<P>) {
        let ReceivedCheckpoint {
            from,
            direct,
            vote: (by, claim, signature),
            ticket,
        } = received;
        if !self.setup.validators.contains(by) || (direct && by != from) {
            self.actions.push(Action::Penalize(from, Fault::Stranger));
            return self.judge_checkpoint(ticket, Verdict::Reject);
        }
        if !self.checkpoints.wants(by, &claim) {
            self.repeated_vote(now, by, claim.height);
            return self.judge_checkpoint(ticket, Verdict::Ignore);
        }
        if self.checkpoints.is_far(&claim) && !self.shares.far_vote(now, from, !direct) {
            // No fault: those who are ahead of us sign as fast as they decide.
            return self.judge_checkpoint(ticket, Verdict::Ignore);
        }
        let deliverer = Deliverer { from, direct };
        let vote = (by, &claim, &signature);
        match self.checks.admit::<P::Scheme>(deliverer, ticket, vote) {
            Admission::Check => self
                .actions
                .push(Action::VerifyCheckpoint(by, claim, signature)),
            Admission::Joined => {}
            Admission::Dropped | Admission::Crowded => {
                self.exceeded(now, from);
                self.judge_checkpoint(ticket, Verdict::Ignore);
            }
        }
    }

    fn judge_checkpoint(&mut self, ticket: Option<u64>, verdict: Verdict) {
        let judged = ticket.map(|ticket| Action::Judge(ticket, verdict));
        self.actions.extend(judged);
    }

    /// The signature of a vote holds.
    pub(super) fn checkpoint_vote(&mut self, vote: CheckpointVote<P>) {
        self.checkpoint_checked(&vote, Verdict::Accept);
        let (by, claim, signature) = vote;
        let event = self.checkpoints.vote(by, claim, signature);
        self.checkpoint_event(event);
        if self.checkpoints.behind(self.status.decided).is_some() {
            self.fetcher.want_decisions(self.status.decided.next());
        }
    }

    /// The signature of a vote does not hold: whoever handed it over is to blame. A correct relay
    /// checks before it passes on.
    pub(super) fn checkpoint_refused(&mut self, vote: &CheckpointVote<P>) {
        for culprit in self.checkpoint_checked(vote, Verdict::Reject) {
            self.actions
                .push(Action::Penalize(culprit, Fault::BadSignature));
        }
    }

    fn checkpoint_checked(&mut self, vote: &CheckpointVote<P>, verdict: Verdict) -> Vec<ReplicaId> {
        let mut verdicts = Vec::new();
        let (by, claim, signature) = vote;
        let vote = (*by, claim, signature);
        let culprits = self
            .checks
            .checked::<P::Scheme>(vote, verdict, &mut verdicts);
        let judged = verdicts.into_iter();
        self.actions
            .extend(judged.map(|(ticket, verdict)| Action::Judge(ticket, verdict)));
        culprits
    }

    /// A peer is refused what is beyond its share; when it goes on and on, it is at fault.
    pub(super) fn exceeded(&mut self, now: Time, from: ReplicaId) {
        if self.shares.exceeded(now, from) == Excess::Fault {
            self.actions.push(Action::Penalize(from, Fault::Flood));
        }
    }
}
