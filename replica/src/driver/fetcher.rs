//! What has been asked of other replicas, and of whom next.

use quorate_core::{Digest, Height, ReplicaId, SignerSet, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// Most payloads asked for at one time. More than engines keep undecided.
const PAYLOADS_MAX: usize = 1024;

/// Most answers with decisions whose proofs are being checked at a time. Meanwhile no more is
/// asked for, so that the checks of votes do not wait behind those of a long past.
const ANSWERS_MAX: usize = 2;

/// A question, put to one replica after the other until one answers.
#[derive(Debug)]
struct Question {
    candidates: Vec<ReplicaId>,
    asked: usize,
    deadline: Time,
}

impl Question {
    /// The next replica to ask, in turn.
    fn turn(&mut self, now: Time, patience: Duration) -> ReplicaId {
        let peer = self.candidates[self.asked % self.candidates.len()];
        self.asked += 1;
        self.deadline = now.after(patience);
        peer
    }

    /// Whether the question was put to this replica.
    fn was_put_to(&self, peer: ReplicaId) -> bool {
        self.candidates
            .iter()
            .take(self.asked)
            .any(|id| *id == peer)
    }
}

/// Something to ask of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Decisions from this height on.
    Decisions(Height),
    /// The payload with this digest.
    Payload(Digest),
}

/// The questions that wait for an answer: at most one for decisions, and a bounded number for
/// payloads. An answer that was not asked for is refused.
#[derive(Debug)]
pub(super) struct Fetcher {
    me: ReplicaId,
    replicas: u16,
    patience: Duration,
    decisions: Option<(Height, Question)>,
    payloads: BTreeMap<Digest, Question>,
    /// Who was asked for decisions of which we do not know that there are any, and from where on.
    polled: Option<(ReplicaId, Height)>,
    /// Answers with decisions that are being checked.
    checking: usize,
    /// Who is asked first, so that not everybody asks the same replica.
    rotation: usize,
}

impl Fetcher {
    /// Asks the next peer when one has not answered within `patience`.
    pub(super) fn new(me: ReplicaId, replicas: usize, patience: Duration) -> Self {
        let rotation = me.index();
        let replicas = replicas as u16;
        Self {
            me,
            replicas,
            patience,
            decisions: None,
            payloads: BTreeMap::new(),
            polled: None,
            checking: 0,
            rotation,
        }
    }

    fn question(&mut self, candidates: impl Iterator<Item = ReplicaId>) -> Option<Question> {
        let me = self.me;
        let mut candidates: Vec<_> = candidates.filter(|id| *id != me).collect();
        if candidates.is_empty() {
            return None;
        }
        self.rotation = self.rotation.wrapping_add(1);
        let first = self.rotation % candidates.len();
        candidates.rotate_left(first);
        Some(Question {
            candidates,
            asked: 0,
            deadline: Time::ZERO,
        })
    }

    /// Wants the decisions from `height` on. A question already under way for as much stays.
    pub(super) fn want_decisions(&mut self, height: Height) {
        if self
            .decisions
            .as_ref()
            .is_some_and(|(asked, _)| *asked >= height)
        {
            return;
        }
        let everyone = (0..self.replicas).map(ReplicaId);
        if let Some(question) = self.question(everyone) {
            self.decisions = Some((height, question));
        }
    }

    /// How many payloads are being asked for: no more than [`PAYLOADS_MAX`].
    pub(super) fn payloads(&self) -> usize {
        self.payloads.len()
    }

    /// How many answers with decisions are being checked: no more than [`ANSWERS_MAX`] and one,
    /// since a poll and a question may be answered at the same time.
    pub(super) const fn checking(&self) -> usize {
        self.checking
    }

    /// One peer, in turn, to ask whether there are decisions from `height` on. If it does not
    /// answer, nobody waits. Nobody, while enough answers are being checked.
    pub(super) fn poll(&mut self, height: Height) -> Option<ReplicaId> {
        if self.checking >= ANSWERS_MAX {
            return None;
        }
        self.rotation = self.rotation.wrapping_add(1);
        let others = (0..self.replicas)
            .map(ReplicaId)
            .filter(|id| *id != self.me);
        let others: Vec<_> = others.collect();
        let peer = others.get(self.rotation % others.len().max(1)).copied()?;
        self.polled = Some((peer, height));
        Some(peer)
    }

    /// Decisions from `first` on arrived. Returns whether this peer was asked for them: then they
    /// are to be checked, and [`Self::checked`] follows.
    ///
    /// Nobody else's answer counts, or a liar could take every question for itself.
    pub(super) fn answered_decisions(&mut self, from: ReplicaId, first: Height) -> bool {
        let polled = self
            .polled
            .take_if(|asked| *asked == (from, first))
            .is_some();
        let asked = self
            .decisions
            .take_if(|(height, question)| *height == first && question.was_put_to(from));
        let wanted = asked.is_some() || polled;
        self.checking += usize::from(wanted);
        wanted
    }

    /// An answer has been checked.
    pub(super) fn checked(&mut self) {
        self.checking = self.checking.saturating_sub(1);
    }

    /// An answer was bad from `height` on: another replica is asked for that.
    pub(super) fn refused(&mut self, height: Height) {
        let later = |(asked, _): &mut (Height, Question)| *asked > height;
        self.decisions.take_if(later);
        self.want_decisions(height);
    }

    /// A replica has no decisions from `first` on. When nobody has, the question is dropped: the
    /// engine asks again if it must.
    pub(super) fn nothing_from(&mut self, from: ReplicaId, first: Height) {
        if let Some((height, question)) = &mut self.decisions
            && *height == first
            && question.was_put_to(from)
        {
            question.deadline = Time::ZERO;
            let exhausted = question.asked >= question.candidates.len();
            self.decisions.take_if(|_| exhausted);
        }
    }

    /// Everything up to `height` is decided: no need to ask for it.
    pub(super) fn decided(&mut self, height: Height) {
        if self
            .decisions
            .as_ref()
            .is_some_and(|(asked, _)| *asked <= height)
        {
            self.decisions = None;
        }
    }

    /// Wants a payload that these replicas have; with too many open questions it is dropped, and
    /// the engine asks again.
    pub(super) fn want_payload(&mut self, digest: Digest, from: &SignerSet) {
        if self.payloads.contains_key(&digest) || self.payloads.len() >= PAYLOADS_MAX {
            return;
        }
        if let Some(question) = self.question(from.iter()) {
            self.payloads.insert(digest, question);
        }
    }

    /// A payload is here, or not wanted any more. Returns whether it was asked for.
    pub(super) fn answered_payload(&mut self, digest: &Digest) -> bool {
        self.payloads.remove(digest).is_some()
    }

    /// What to ask now, and of whom.
    pub(super) fn due(&mut self, now: Time) -> Vec<(ReplicaId, Ask)> {
        let patience = self.patience;
        let mut asks = Vec::new();
        if let Some((height, question)) = &mut self.decisions
            && question.deadline <= now
            && self.checking < ANSWERS_MAX
        {
            asks.push((question.turn(now, patience), Ask::Decisions(*height)));
        }
        for (digest, question) in &mut self.payloads {
            if question.deadline <= now {
                asks.push((question.turn(now, patience), Ask::Payload(*digest)));
            }
        }
        asks
    }

    /// When [`Self::due`] has something next.
    pub(super) fn deadline(&self) -> Option<Time> {
        let decisions = self.decisions.iter().map(|(_, question)| question.deadline);
        let decisions = decisions.filter(|_| self.checking < ANSWERS_MAX);
        let payloads = self.payloads.values().map(|question| question.deadline);
        decisions.chain(payloads).min()
    }
}
