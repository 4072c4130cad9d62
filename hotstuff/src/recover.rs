//! Starting, and starting again.

use crate::engine::HotStuff;
use crate::fetch::Fetcher;
use crate::pacemaker::{Pacemaker, Timer};
use crate::propose::Proposer;
use crate::safety::Safety;
use crate::tally::Tally;
use crate::timeout::Timeouts;
use crate::tree::{Node, Tree};
use crate::vote::{LastVote, Promises};
use crate::{Block, Body, Certificate, CommitRule, Record, TimeoutCertificate, Voted};
use quorate_core::{
    Decision, Outbox, Payload, Recipients, Recovered, Scheme, Seq, Setup, Ticket, Time, View,
};
use std::collections::BTreeMap;

impl<S: Scheme, R: CommitRule> HotStuff<S, R> {
    /// Starts from what survived, and repeats the last promises.
    pub(crate) fn recover(
        setup: Setup<Self>,
        recovered: Recovered<Self>,
        now: Time,
        out: &mut Outbox<Self>,
    ) -> Self {
        let last = recovered.records.last().map_or(Seq::NONE, |(seq, _)| *seq);
        let mut engine = Self::fresh(setup, last);
        if let Some(decision) = &recovered.decided {
            engine.recover_decided(decision);
        }
        let mut blocks = Vec::new();
        for (seq, record) in recovered.records {
            engine.recover_record(seq, record, &mut blocks);
        }
        engine.planted_amnesia();
        engine.recover_blocks(blocks);
        let first = engine.high_qc.view().max(engine.given_up()).next();
        engine.pacemaker.view = first.max(engine.safety.highest());
        engine.repeat_vote(out);
        engine.begin_view(now, out);
        if engine.safety.has_timed_out(engine.pacemaker.view) {
            engine.repeat_timeout(now, out);
        }
        engine.fetch_payloads(out);
        engine.try_commit(out);
        engine.update_fetch(now);
        if engine.tree.unfilled().next().is_some() {
            let pace = engine.config().fetch_pace;
            let again = now.after(pace.saturating_mul(32));
            engine.pacemaker.timers.set(Timer::Fetch, again);
        }
        engine
    }

    /// A replica that has promised nothing, in the first view.
    fn fresh(setup: Setup<Self>, last: Seq) -> Self {
        let genesis = setup.genesis();
        let replicas = setup.validators.len();
        Self {
            setup,
            genesis,
            tree: Tree::new(genesis, Tree::<S>::genesis_header()),
            safety: Safety::new(genesis),
            high_qc: Certificate::genesis(genesis),
            high_tc: None,
            committing: None,
            tally: Tally::default(),
            timeouts: Timeouts::default(),
            pacemaker: Pacemaker::new(View::ZERO),
            proposer: Proposer::default(),
            checking: None,
            next_ticket: Ticket(0),
            proposals: BTreeMap::new(),
            fetcher: Fetcher::new(replicas),
            last_vote: None,
            last_timeout: None,
            promises: Promises::new(last),
        }
    }

    fn recover_decided(&mut self, decision: &Decision<Self>) {
        if let Some((id, header)) = decision.proof.decided() {
            self.tree = Tree::new(id, *header);
            self.recover_certificate(&decision.proof.certificate);
        }
    }

    fn recover_certificate(&mut self, certificate: &Certificate<S>) {
        if certificate.view() > self.high_qc.view() {
            self.high_qc = certificate.clone();
        }
        self.keep_if_it_commits_more(certificate);
    }

    fn recover_timeout_certificate(&mut self, certificate: Option<TimeoutCertificate<S>>) {
        let Some(certificate) = certificate else {
            return;
        };
        if certificate.view > self.given_up() {
            self.high_tc = Some(certificate);
        }
    }

    fn given_up(&self) -> View {
        self.high_tc.as_ref().map_or(View::ZERO, |tc| tc.view)
    }

    fn recover_record(&mut self, seq: Seq, record: Record<S>, blocks: &mut Vec<Block<S>>) {
        match record {
            Record::Proposed(proposed) => {
                self.safety.proposed(proposed.view);
                self.recover_certificate(&proposed.high_qc);
                self.recover_timeout_certificate(proposed.timeout);
            }
            Record::Voted(voted) => {
                let Voted {
                    vote,
                    block,
                    timeout,
                    high_qc,
                    lock,
                } = *voted;
                self.safety.voted(&vote);
                self.safety.raise_lock(lock);
                self.recover_certificate(&block.justify);
                if let Some(high_qc) = high_qc {
                    self.recover_certificate(&high_qc);
                }
                self.recover_timeout_certificate(timeout);
                self.recover_vote(vote);
                // The payload, if there is one, was written just before.
                if block.header.payload != *Payload::empty().digest() {
                    self.promises.stored(Seq(seq.0.saturating_sub(2)));
                }
                self.promises.accepted(seq, vote.height);
                blocks.push(block);
            }
            Record::TimedOut(timed_out) => {
                let timeout = timed_out.timeout;
                self.safety.timed_out(timeout.view);
                self.safety.raise_lock(timed_out.lock);
                self.recover_certificate(&timeout.high_qc);
                self.recover_timeout_certificate(timed_out.entered);
                if let Some(vote) = timed_out.vote {
                    self.recover_vote(vote);
                }
                self.last_timeout = Some((seq, timeout));
                self.promises.renewed(seq);
            }
        }
    }

    fn recover_vote(&mut self, vote: crate::Vote) {
        let newer = |last: &LastVote<S>| vote.view > last.vote.view;
        if self.last_vote.as_ref().is_none_or(newer) {
            self.last_vote = Some(LastVote {
                vote,
                signature: None,
            });
        }
    }

    /// Puts the blocks voted for back into the tree; their payloads are asked for.
    fn recover_blocks(&mut self, mut blocks: Vec<Block<S>>) {
        blocks.sort_by_key(|block| block.header.view);
        for block in blocks {
            let empty = Payload::empty();
            let payload = (block.header.payload == *empty.digest()).then_some(empty);
            let node = Node {
                block,
                payload,
                timeout: None,
            };
            let _ = self.tree.insert(node.header().id(), node);
        }
        let high = self.high_qc.vote.block;
        self.lock_by(&high);
    }

    /// Sends the last vote again, if its view may still be under way.
    fn repeat_vote(&self, out: &mut Outbox<Self>) {
        let Some(last) = &self.last_vote else {
            return;
        };
        if last.vote.view > self.high_qc.view() {
            let to = Recipients::One(self.leader(last.vote.view.next()));
            out.repeat(self.promises.newest(), to, Body::Vote(last.vote));
        }
    }
}
