//! What is worth checking, by what a message says of itself.

use crate::body::{Body, Vote};
use crate::engine::Pbft;
use crate::slot::Ballot;
use crate::view_change_body::{NewView, ViewChange};
use quorate_core::{Digest, Fault, Height, ReplicaId, Scheme, Triage, View, VoteSet};

/// How many views ahead of its own a replica keeps messages for.
const VIEWS_AHEAD: u64 = 64;

impl<S: Scheme> Pbft<S> {
    pub(crate) fn judge_unchecked(&self, by: ReplicaId, body: &Body<S>) -> Triage {
        match body {
            Body::PrePrepare(it) => {
                if by != self.primary(it.view) {
                    return Triage::Fault(Fault::NotLeader);
                }
                if let Some(elsewhere) = self.judge_place(it.view, it.height) {
                    return elsewhere;
                }
                if it.height <= self.plan.max_s {
                    return Triage::Fault(Fault::Unjustified);
                }
                let votes = self.ballot(it.height).map(|ballot| &ballot.prepares);
                // Even the quorum's last is wanted: it brings the payload.
                self.judge_vote(by, it.payload.digest(), votes, u64::MAX)
            }
            Body::Prepare(it) => {
                if let Some(elsewhere) = self.judge_place(it.view, it.height) {
                    return elsewhere;
                }
                if self.is_second_proposal(by, it) {
                    return Triage::Fault(Fault::Inconsistent);
                }
                let votes = self.ballot(it.height).map(|ballot| &ballot.prepares);
                self.judge_vote(by, &it.digest, votes, self.quorum())
            }
            Body::Commit(it) => self.judge_commit(by, it),
            Body::ViewChange(it) => self.judge_view_change(by, it),
            Body::NewView(it) => self.judge_new_view(by, it),
            Body::NewViewCopy(it) => {
                let justified = |it: &NewView<S>| {
                    let window = self.setup.config.window;
                    it.check(&self.setup.validators, window).is_ok()
                };
                if it.new_view.view == View::ZERO || it.by != self.primary(it.new_view.view) {
                    Triage::Fault(Fault::NotLeader)
                } else if it.new_view.view <= self.entered {
                    Triage::Stale
                } else if !justified(&it.new_view) {
                    Triage::Fault(Fault::Unjustified)
                } else {
                    Triage::Check
                }
            }
            Body::Lagging(it) if it.view < self.entered => Triage::Check,
            Body::InView(it) if it.view > self.entered => Triage::Check,
            Body::Lagging(_) | Body::InView(_) => Triage::Stale,
        }
    }

    fn ballot(&self, height: Height) -> Option<&Ballot<S>> {
        self.slots.get(&height).map(|slot| &slot.ballot)
    }

    /// What to do with a vote by where it belongs, unless that is in the window of this view.
    fn judge_place(&self, view: View, height: Height) -> Option<Triage> {
        if view > self.entered {
            let near = view.0 - self.entered.0 <= VIEWS_AHEAD || view <= self.view;
            // The new view may come with a newer checkpoint.
            let window = self.setup.config.window;
            let reachable = height.0 <= self.high().0.saturating_add(window);
            return Some(if near && reachable {
                Triage::Later
            } else {
                Triage::TooFar
            });
        }
        if view == self.entered && height > self.high() {
            return Some(Triage::TooFar);
        }
        (view < self.entered || !self.is_open(height)).then_some(Triage::Stale)
    }

    /// What to do with a vote in the window: not check what is known or decides nothing any more,
    /// but check what may be evidence.
    fn judge_vote(
        &self,
        by: ReplicaId,
        digest: &Digest,
        votes: Option<&VoteSet<Self>>,
        enough: u64,
    ) -> Triage {
        let Some(votes) = votes else {
            return Triage::Check;
        };
        let known = match votes.get(by) {
            Some(first) if first.signed().signing().digest == *digest => true,
            Some(_) => self.accused.contains(by),
            None => votes.power(digest) >= enough,
        };
        if known { Triage::Stale } else { Triage::Check }
    }

    fn judge_commit(&self, by: ReplicaId, vote: &Vote) -> Triage {
        let Some(elsewhere) = self.judge_place(vote.view, vote.height) else {
            let votes = self.ballot(vote.height).map(|ballot| &ballot.commits);
            return self.judge_vote(by, &vote.digest, votes, self.quorum());
        };
        if elsewhere == Triage::Stale {
            return elsewhere;
        }
        // The first of each replica is wanted: it tells how far behind we are.
        let known = match self.early.get(&by).map(quorate_core::Verified::body) {
            Some(Body::Commit(known)) => vote.view <= known.view,
            _ => false,
        };
        if known { elsewhere } else { Triage::Check }
    }

    fn judge_view_change(&self, by: ReplicaId, view_change: &ViewChange<S>) -> Triage {
        if let Err(fault) = view_change.check(self.setup.config.window) {
            return Triage::Fault(fault);
        }
        let known = self.view_changes.get(&by).map(|known| {
            let view = known.body().view_change_view().unwrap_or(View::ZERO);
            (view, known.signed().signing().digest)
        });
        let stale = match known {
            _ if view_change.view <= self.entered => true,
            Some((view, digest)) if view == view_change.view => {
                digest == view_change.signing().digest || self.accused.contains(by)
            }
            Some((view, _)) => view > view_change.view,
            None => false,
        };
        if stale { Triage::Stale } else { Triage::Check }
    }

    fn judge_new_view(&self, by: ReplicaId, new_view: &NewView<S>) -> Triage {
        if new_view.view == View::ZERO || by != self.primary(new_view.view) {
            return Triage::Fault(Fault::NotLeader);
        }
        if new_view.view_changes.len() > self.setup.validators.len() {
            return Triage::Fault(Fault::Unjustified);
        }
        if new_view.view > self.entered {
            // Even a bad one is wanted, if it is really the primary's: it ends the view at once.
            return Triage::Check;
        }
        let contradicts = new_view.view == self.entered
            && !self.accused.contains(by)
            && self
                .new_view
                .as_ref()
                .is_some_and(|first| first.new_view.signing() != new_view.signing());
        if contradicts {
            Triage::Check
        } else {
            Triage::Stale
        }
    }
}
