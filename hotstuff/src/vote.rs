//! Voting, and collecting votes.

use crate::engine::{VOTES_KEPT, WINDOW};
use crate::planted::PlantedBug;
use crate::tally::Counted;
use crate::{Ballot, Body, CommitRule, HotStuff, Record, SignedVote, Vote, Voted};
use quorate_core::{
    Digest, Evidence, Fault, Height, Outbox, Protocol, Recipients, Scheme, Seq, Signed, Ticket,
    Time, Verified,
};
use std::collections::VecDeque;

/// The last vote, and its signature once it has come back.
#[derive(Debug)]
pub(crate) struct LastVote<S: Scheme> {
    pub(crate) vote: Vote,
    pub(crate) signature: Option<S::Signature>,
}

/// Which log entries are still needed: the newest record, which holds every promise, and the
/// accepted blocks that are not executed yet.
#[derive(Debug)]
pub(crate) struct Promises {
    newest: Seq,
    /// Payload not yet followed by its record.
    stored: Option<Seq>,
    /// The entries of accepted blocks, in the order of the log. One a view at most.
    accepted: VecDeque<(Seq, Height)>,
    pruned: Seq,
}

impl Promises {
    pub(crate) const fn new(newest: Seq) -> Self {
        Self {
            newest,
            stored: None,
            accepted: VecDeque::new(),
            pruned: Seq::NONE,
        }
    }

    /// The newest record.
    pub(crate) const fn newest(&self) -> Seq {
        self.newest
    }

    /// A payload has been written; its record follows.
    pub(crate) fn stored(&mut self, seq: Seq) {
        self.stored.get_or_insert(seq);
    }

    /// A block at `height` has been accepted by the record at `seq`.
    pub(crate) fn accepted(&mut self, seq: Seq, height: Height) {
        let first = self.stored.take().unwrap_or(seq);
        self.accepted.push_back((first, height));
        self.newest = seq;
    }

    /// A record has been written that holds every promise.
    pub(crate) fn renewed(&mut self, seq: Seq) {
        self.newest = seq;
    }

    /// Everything up to `height` is executed, durably.
    pub(crate) fn executed<P: Protocol>(&mut self, height: Height, out: &mut Outbox<P>) {
        while self.accepted.front().is_some_and(|(_, of)| *of <= height) {
            self.accepted.pop_front();
        }
        let needed = self
            .accepted
            .front()
            .map_or(self.newest, |(seq, _)| (*seq).min(self.newest));
        if needed > self.pruned {
            self.pruned = needed;
            out.prune(needed);
        }
    }
}

impl<S: Scheme, R: CommitRule> HotStuff<S, R> {
    /// Has the application check a block that we could vote for.
    pub(crate) fn consider(&mut self, id: &Digest, out: &mut Outbox<Self>) {
        let asked = self.checking.is_some_and(|(_, of)| of == *id);
        if asked || !self.may_vote(id) {
            return;
        }
        let node = self.tree.get(id).expect("what may be voted for is here");
        let height = node.header().height;
        let payload = node.payload.clone().expect("and has its payload");
        // What we proposed ourselves is in the log already, and needs no check.
        if payload.is_empty() || self.leads(self.pacemaker.view) {
            self.vote(id, out);
            return;
        }
        let ticket = self.take_ticket();
        self.checking = Some((ticket, *id));
        out.check(ticket, height, payload);
    }

    pub(crate) fn on_checked(&mut self, ticket: Ticket, accepted: bool, out: &mut Outbox<Self>) {
        let Some((_, id)) = self.checking.filter(|(of, _)| *of == ticket) else {
            return;
        };
        if !accepted {
            // It stays the block that was asked about, so it is not asked about again.
            out.blame(self.leader(self.pacemaker.view), Fault::InvalidPayload);
            return;
        }
        self.checking = None;
        if self.may_vote(&id) {
            let node = self.tree.get(&id).expect("what may be voted for is here");
            let payload = node.payload.clone().expect("and has its payload");
            self.store(&payload, out);
            self.vote(&id, out);
        }
    }

    /// Whether nothing forbids a vote for the block: it is of this view, nothing promised stands
    /// against it, and the rule allows it.
    pub(crate) fn may_vote(&self, id: &Digest) -> bool {
        let Some(node) = self.tree.get(id) else {
            return false;
        };
        let header = node.header();
        let view = self.pacemaker.view;
        let is_free = self.safety.vote_is_free(view) || self.planted_second_vote(id);
        if header.view != view || !is_free || node.payload.is_none() {
            return false;
        }
        let lock = self.safety.lock();
        R::may_vote(&Ballot {
            view,
            justify: header.parent_view,
            timeout: node.timeout.as_ref().map(|tc| (tc.view, tc.highest())),
            lock: lock.view,
            extends_lock: self.tree.extends(id, &lock.block, lock.height),
        }) || self.plants(PlantedBug::VotesAgainstLock)
    }

    /// Votes for a block. Its payload is in the log already.
    pub(crate) fn vote(&mut self, id: &Digest, out: &mut Outbox<Self>) {
        let node = self.tree.get(id).expect("what is voted for is here");
        let header = *node.header();
        let parent = self
            .tree
            .header(&header.parent)
            .expect("an attached block has its parent");
        let vote = Vote {
            view: header.view,
            height: header.height,
            block: *id,
            commits: R::commits(&header, parent).or_else(|| self.planted_commits(&header, parent)),
        };
        self.safety.voted(&vote);
        let higher = self.high_qc.view() > header.parent_view;
        let record = Voted {
            vote,
            block: node.block.clone(),
            timeout: node.timeout.clone(),
            high_qc: higher.then(|| self.high_qc.clone()),
            lock: *self.safety.lock(),
        };
        self.checking = None;
        self.last_vote = Some(LastVote {
            vote,
            signature: None,
        });
        let to = Recipients::One(self.leader(vote.view.next()));
        let seq = out.promise(Record::Voted(Box::new(record)), to, Body::Vote(vote));
        self.promises.accepted(seq, vote.height);
    }

    pub(crate) fn on_vote(&mut self, now: Time, message: Verified<Self>, out: &mut Outbox<Self>) {
        let Signed {
            by,
            body: Body::Vote(vote),
            signature,
        } = message.into_signed()
        else {
            return;
        };
        if by == self.setup.me
            && let Some(last) = self.last_vote.as_mut().filter(|last| last.vote == vote)
        {
            last.signature = Some(signature.clone());
        }
        if self.leads(vote.view.next()) {
            let signed = SignedVote {
                by,
                vote,
                signature,
            };
            self.count_vote(now, signed, out);
        }
    }

    /// Counts a vote, whichever way it came, and makes the certificate it completes.
    pub(crate) fn count_vote(&mut self, now: Time, signed: SignedVote<S>, out: &mut Outbox<Self>) {
        let vote = signed.vote;
        let furthest = self.pacemaker.view.0.saturating_add(WINDOW);
        let nearest = self.pacemaker.view.0.saturating_sub(VOTES_KEPT);
        if vote.view <= self.high_qc.view() || vote.view.0 < nearest || vote.view.0 > furthest {
            return;
        }
        match self.tally.add(&self.setup.scheme, signed.clone()) {
            Counted::Duplicate => {}
            Counted::Conflict(first) => accuse(first, signed, out),
            Counted::New => {
                let certificate = self.tally.certificate(&self.setup.scheme, vote.view);
                if let Some(certificate) = certificate {
                    self.on_certificate(now, &certificate, out);
                }
            }
        }
    }
}

fn accuse<S: Scheme, R: CommitRule>(
    first: SignedVote<S>,
    second: SignedVote<S>,
    out: &mut Outbox<HotStuff<S, R>>,
) {
    let signed = |carried: SignedVote<S>| -> Signed<HotStuff<S, R>> {
        Signed {
            by: carried.by,
            body: Body::Vote(carried.vote),
            signature: carried.signature,
        }
    };
    let (first, second): (Signed<_>, Signed<_>) = (signed(first), signed(second));
    out.accuse(Box::new(Evidence { first, second }));
}

#[cfg(test)]
mod tests;
