//! One sequence number.

use crate::engine::Pbft;
use crate::view_change_body::PreparedCertificate;
use quorate_core::{Decision, Digest, Payload, Scheme, Seq, Time, VoteSet};

/// What a replica knows of one sequence number above its stable checkpoint.
pub(crate) struct Slot<S: Scheme> {
    /// What was decided here, once it has been handed on.
    pub(crate) decided: Option<Digest>,
    /// What was decided here, while a lower height is undecided.
    pub(crate) outcome: Option<Decision<Pbft<S>>>,
    /// The certificate of the highest view in which this replica has prepared here, and the place
    /// of its record.
    pub(crate) prepared: Option<(PreparedCertificate<S>, Seq)>,
    /// Place of the record of the last promise to prepare here.
    pub(crate) accepted: Option<Seq>,
    /// The payload last written to the log for this slot, and where.
    pub(crate) stored: Option<(Digest, Seq)>,
    /// Payloads that may be needed: those of the proposal, of the certificate and of the commits.
    payloads: Vec<Payload>,
    /// The vote in the view that the replica is in.
    pub(crate) ballot: Ballot<S>,
}

impl<S: Scheme> Default for Slot<S> {
    fn default() -> Self {
        Self {
            decided: None,
            outcome: None,
            prepared: None,
            accepted: None,
            stored: None,
            payloads: Vec::new(),
            ballot: Ballot::default(),
        }
    }
}

/// The vote on one slot in one view.
pub(crate) struct Ballot<S: Scheme> {
    /// What the primary proposes, and since when.
    pub(crate) proposal: Option<(Digest, Time)>,
    /// Whether this replica has promised its prepare.
    pub(crate) accepted: bool,
    /// Whether this replica has promised its commit.
    pub(crate) committed: bool,
    /// The prepares, the pre-prepare included.
    pub(crate) prepares: VoteSet<Pbft<S>>,
    /// The commits.
    pub(crate) commits: VoteSet<Pbft<S>>,
    /// The payload that has been asked for.
    pub(crate) fetching: Option<Digest>,
}

impl<S: Scheme> Default for Ballot<S> {
    fn default() -> Self {
        Self {
            proposal: None,
            accepted: false,
            committed: false,
            prepares: VoteSet::default(),
            commits: VoteSet::default(),
            fetching: None,
        }
    }
}

impl<S: Scheme> Ballot<S> {
    /// Digest of what the primary proposes.
    pub(crate) fn proposed(&self) -> Option<Digest> {
        self.proposal.map(|(digest, _)| digest)
    }
}

impl<S: Scheme> Slot<S> {
    /// A payload that was kept.
    pub(crate) fn payload(&self, digest: &Digest) -> Option<&Payload> {
        self.payloads.iter().find(|kept| kept.digest() == digest)
    }

    /// How many payloads are kept: four at most.
    pub(crate) const fn payloads(&self) -> usize {
        self.payloads.len()
    }

    /// Whether the slot has a use for a payload.
    fn needs(&self, digest: &Digest) -> bool {
        let prepared = self.prepared.as_ref().map(|(prepared, _)| prepared.digest);
        let committed = self.ballot.commits.leading().map(|(digest, _)| digest);
        [self.ballot.proposed(), prepared, committed, self.decided].contains(&Some(*digest))
    }

    /// Keeps a payload if the slot needs it; says whether it is new.
    ///
    /// At most four are kept: the proposal's, the certificate's, the commits' and the decision's.
    pub(crate) fn keep(&mut self, payload: &Payload) -> bool {
        if !self.needs(payload.digest()) || self.payload(payload.digest()).is_some() {
            return false;
        }
        self.payloads.push(payload.clone());
        self.forget_others();
        true
    }

    fn forget_others(&mut self) {
        let mut payloads = std::mem::take(&mut self.payloads);
        payloads.retain(|kept| self.needs(kept.digest()));
        self.payloads = payloads;
    }

    /// Starts over in another view, which proposes `proposal` again.
    pub(crate) fn enter(&mut self, proposal: Option<(Digest, Time)>) {
        self.ballot = Ballot {
            proposal,
            ..Ballot::default()
        };
        self.forget_others();
    }

    /// Forgets the payloads: the application has executed the slot, and the block store has them.
    pub(crate) fn forget_payloads(&mut self) {
        self.payloads = Vec::new();
    }

    /// What is known to be decided here.
    pub(crate) fn decision(&self) -> Option<Digest> {
        let outcome = self.outcome.as_ref();
        self.decided.or(outcome.map(|it| *it.payload.digest()))
    }

    /// What will be decided here, as far as one can tell: for the primary's next proposal.
    pub(crate) fn expected(&self) -> Option<Digest> {
        self.decision().or(self.ballot.proposed())
    }

    /// The first log entry that this slot needs.
    pub(crate) fn oldest(&self) -> Option<Seq> {
        let prepared = self.prepared.as_ref().map(|(_, seq)| *seq);
        let stored = self.stored.map(|(_, seq)| seq);
        [prepared, stored, self.accepted]
            .into_iter()
            .flatten()
            .min()
    }
}
