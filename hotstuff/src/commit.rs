//! Certificates, and the decisions that they make.

use crate::{Certificate, CommitRule, Header, HotStuff, Proof};
use quorate_core::{Decision, Digest, Note, Outbox, Payload, Scheme, Time};
use std::sync::Arc;

impl<S: Scheme, R: CommitRule> HotStuff<S, R> {
    /// Takes in a well-formed certificate, whichever way it came: from any view, in any order.
    pub(crate) fn on_certificate(
        &mut self,
        now: Time,
        certificate: &Certificate<S>,
        out: &mut Outbox<Self>,
    ) {
        let vote = &certificate.vote;
        let higher = vote.view > self.high_qc.view();
        if higher {
            self.high_qc = certificate.clone();
            self.tally.keep_from(vote.view.next());
            self.lock_by(&vote.block);
        }
        let decides = self.keep_if_it_commits_more(certificate);
        if decides {
            self.try_commit(out);
        }
        if vote.view >= self.pacemaker.view {
            self.enter(now, vote.view.next(), out);
        } else if higher {
            self.try_build(now, out);
        }
        if higher || decides {
            self.update_fetch(now);
        }
    }

    /// Keeps a certificate to decide by if it commits a block above those that are decided, or
    /// will be by the one kept so far. Returns whether it did.
    pub(crate) fn keep_if_it_commits_more(&mut self, certificate: &Certificate<S>) -> bool {
        let known = self.committing.as_ref();
        let known = known.and_then(|known| known.vote.commits);
        let height = known.map_or(self.tree.height(), |known| {
            known.height.max(self.tree.height())
        });
        let commits = certificate.vote.commits;
        let more = commits.is_some_and(|commits| commits.height > height);
        if more {
            self.committing = Some(certificate.clone());
        }
        more
    }

    /// Decides what the certificate kept for it commits, oldest first, as far as the blocks and
    /// their payloads are here.
    pub(crate) fn try_commit(&mut self, out: &mut Outbox<Self>) {
        let Some(certificate) = self.committing.clone() else {
            return;
        };
        let commits = certificate
            .vote
            .commits
            .expect("it is kept because it commits");
        if commits.height <= self.tree.height() {
            self.committing = None;
            return;
        }
        let Some(path) = self.tree.path(&commits.block) else {
            return;
        };
        let header = |id: &Digest| *self.tree.header(id).expect("blocks on a path are attached");
        let headers: Vec<Header> = path.iter().map(header).collect();
        for (index, id) in path.iter().enumerate() {
            let node = self.tree.get(id).expect("blocks on a path are attached");
            let Some(payload) = node.payload.clone() else {
                return;
            };
            let down = headers[index..].iter().rev().copied().collect();
            self.decide(*id, &headers[index], payload, &certificate, down, out);
        }
        self.committing = None;
    }

    fn decide(
        &mut self,
        id: Digest,
        header: &Header,
        payload: Payload,
        certificate: &Certificate<S>,
        path: Vec<Header>,
        out: &mut Outbox<Self>,
    ) {
        let proof = Proof {
            certificate: certificate.clone(),
            path,
        };
        self.tree.decide(id);
        self.pacemaker.progress();
        out.note(Note::Decided(header.height, header.view));
        out.commit(Decision {
            height: header.height,
            payload,
            proof: Arc::new(proof),
        });
    }

    /// A decision made without us, its proof checked. The next one is handed on; we go on above it.
    pub(crate) fn on_learned(
        &mut self,
        now: Time,
        decision: Decision<Self>,
        out: &mut Outbox<Self>,
    ) {
        if decision.height == self.tree.height().next() {
            let view = decision.proof.decided().map(|(_, header)| header.view);
            out.note(Note::Decided(decision.height, view.unwrap_or_default()));
            out.commit(decision.clone());
            self.go_on_above(now, &decision, out);
        }
    }

    /// State transfer has put the application at a decision: we go on above it.
    pub(crate) fn on_installed(
        &mut self,
        now: Time,
        decision: &Decision<Self>,
        out: &mut Outbox<Self>,
    ) {
        if decision.height > self.tree.height() {
            self.go_on_above(now, decision, out);
        }
    }

    fn go_on_above(&mut self, now: Time, decision: &Decision<Self>, out: &mut Outbox<Self>) {
        let proof = &decision.proof;
        let (id, header) = proof
            .decided()
            .expect("a proof that was checked names the decided block");
        self.pacemaker.progress();
        let attached = self.tree.re_root(id, *header);
        self.on_attached(now, &attached, out);
        self.on_certificate(now, &proof.certificate, out);
        // The root has moved, so that other blocks are missing, or none.
        self.try_commit(out);
        self.update_fetch(now);
        self.try_build(now, out);
    }

    /// A payload that was asked for after a restart.
    pub(crate) fn on_payload(&mut self, now: Time, payload: &Payload, out: &mut Outbox<Self>) {
        if self.tree.fill(payload) {
            self.try_commit(out);
            self.update_fetch(now);
            self.try_build(now, out);
        }
    }
}
