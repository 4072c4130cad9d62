//! Proposing, and taking in proposals.

use crate::engine::PROPOSALS_KEPT;
use crate::pacemaker::Timer;
use crate::planted::PlantedBug;
use crate::tree::Node;
use crate::{
    Block, Body, CommitRule, FullBlock, HotStuff, Proposal, Proposed, Record, TimeoutCertificate,
};
use quorate_core::{
    Digest, Evidence, Fault, Outbox, Payload, Recipients, Scheme, Ticket, Time, Verified, View,
};

/// What the leader waits for.
#[derive(Debug, Default)]
pub(crate) struct Proposer {
    /// The payload asked for, and the block it is to be proposed upon.
    building: Option<(Ticket, Digest)>,
}

impl Proposer {
    /// Stops waiting: an answer that comes later is ignored.
    pub(crate) fn abandon(&mut self) {
        self.building = None;
    }

    pub(crate) const fn is_building(&self) -> bool {
        self.building.is_some()
    }
}

impl<S: Scheme, R: CommitRule> HotStuff<S, R> {
    /// Asks for a payload if we lead this view, may propose in it, and have the block to build
    /// upon. A newer certificate changes the block, hence the question.
    pub(crate) fn try_build(&mut self, now: Time, out: &mut Outbox<Self>) {
        let view = self.pacemaker.view;
        let parent = self.high_qc.vote.block;
        let asked = self.proposer.building.is_some_and(|(_, of)| of == parent);
        if asked || !self.leads(view) || !self.safety.proposal_is_free(view) {
            return;
        }
        if self.entry().is_err() {
            return;
        }
        let Some(path) = self.tree.path(&parent) else {
            return;
        };
        if path.len() >= self.config().undecided {
            self.propose(now, &Payload::empty(), out);
            return;
        }
        let payload_of = |id: &Digest| self.tree.header(id).map(|header| header.payload);
        let undecided: Vec<Digest> = path.iter().filter_map(payload_of).collect();
        let empty = *Payload::empty().digest();
        let wait = if undecided.iter().all(|payload| *payload == empty) {
            self.config().idle_after
        } else {
            self.config().flush_after
        };
        let wait = wait.min(self.config().view_timeout / 2);
        let ticket = self.take_ticket();
        self.proposer.building = Some((ticket, parent));
        self.pacemaker.timers.set(Timer::Build, now.after(wait));
        out.build(ticket, self.high_qc.vote.height.next(), undecided);
    }

    pub(crate) fn on_built(
        &mut self,
        now: Time,
        ticket: Ticket,
        payload: Payload,
        out: &mut Outbox<Self>,
    ) {
        if self.proposer.building.is_some_and(|(of, _)| of == ticket) {
            self.propose(now, &payload, out);
        }
    }

    /// No payload has come: an empty block moves the blocks below it along.
    pub(crate) fn on_build_overdue(&mut self, now: Time, out: &mut Outbox<Self>) {
        if self.proposer.is_building() {
            self.propose(now, &Payload::empty(), out);
        }
    }

    /// How this view began, as a proposal must show it: by the highest certificate, or by a
    /// certificate of timeouts. `Err` if by neither (we joined others' timeouts).
    fn entry(&self) -> Result<Option<TimeoutCertificate<S>>, ()> {
        let view = self.pacemaker.view;
        if self.high_qc.view().next() == view {
            return Ok(None);
        }
        let timeout = self.high_tc.as_ref().filter(|tc| tc.view.next() == view);
        timeout.cloned().map(Some).ok_or(())
    }

    fn propose(&mut self, now: Time, payload: &Payload, out: &mut Outbox<Self>) {
        self.proposer.abandon();
        self.pacemaker.timers.clear(Timer::Build);
        let view = self.pacemaker.view;
        let Ok(timeout) = self.entry() else {
            return;
        };
        let block = Block::extending(self.high_qc.clone(), view, *payload.digest());
        let id = block.header.id();
        self.store(payload, out);
        self.safety.proposed(view);
        let full = FullBlock {
            block: block.clone(),
            payload: payload.clone(),
        };
        let proposal = Proposal {
            full,
            timeout: timeout.clone(),
        };
        let body = Body::Proposal(proposal);
        let record = Proposed {
            view,
            high_qc: self.high_qc.clone(),
            timeout: timeout.clone(),
        };
        let record = Record::Proposed(Box::new(record));
        out.promise(record, Recipients::All, body);
        let node = Node {
            block,
            payload: Some(payload.clone()),
            timeout,
        };
        // Votes for it too: one sync serves both promises.
        self.insert(now, id, node, out);
    }

    /// Logs a payload before the record that accepts it.
    pub(crate) fn store(&mut self, payload: &Payload, out: &mut Outbox<Self>) {
        if !payload.is_empty() {
            let seq = out.store(payload.clone());
            self.promises.stored(seq);
        }
    }

    pub(crate) fn on_proposal(
        &mut self,
        now: Time,
        message: Verified<Self>,
        out: &mut Outbox<Self>,
    ) {
        let by = message.by();
        let Body::Proposal(proposal) = message.body() else {
            return;
        };
        if let Err(fault) = self.check_proposal(proposal) {
            out.blame(by, fault);
            return;
        }
        let header = proposal.block().header;
        if self.leader(header.view) != by {
            out.blame(by, Fault::NotLeader);
            return;
        }
        if header.height <= self.tree.height() {
            return;
        }
        let id = header.id();
        if !self.is_first(&message, header.view, out) {
            return;
        }
        let Body::Proposal(proposal) = message.into_signed().body else {
            return;
        };
        let Proposal { full, timeout } = proposal;
        let justify = full.block.justify.clone();
        let node = Node {
            block: full.block,
            payload: Some(full.payload),
            timeout: timeout.clone(),
        };
        self.insert(now, id, node, out);
        self.on_certificate(now, &justify, out);
        if let Some(timeout) = timeout {
            self.on_timeout_certificate(now, timeout, out);
        }
        self.consider(&id, out);
    }

    /// Whether the proposal is well-formed, and shows how its view began.
    fn check_proposal(&self, proposal: &Proposal<S>) -> Result<(), Fault> {
        proposal.full.check(&self.genesis)?;
        let header = &proposal.block().header;
        let follows = header.parent_view.next() == header.view;
        match &proposal.timeout {
            None if follows => Ok(()),
            Some(timeout) if !follows => {
                timeout.check(&self.setup.validators)?;
                // A correct leader heard the certificates that these signers had.
                let heard = header.parent_view >= timeout.highest()
                    || self.plants(PlantedBug::VotesAgainstLock);
                if timeout.view.next() == header.view && heard {
                    Ok(())
                } else {
                    Err(Fault::Unjustified)
                }
            }
            None => Err(Fault::Unjustified),
            Some(_) => Err(Fault::Inconsistent),
        }
    }

    /// Keeps the first proposal of a view, and accuses a leader that makes two.
    fn is_first(&mut self, message: &Verified<Self>, view: View, out: &mut Outbox<Self>) -> bool {
        let oldest = View(self.pacemaker.view.0.saturating_sub(PROPOSALS_KEPT));
        self.proposals = self.proposals.split_off(&oldest);
        let Some(first) = self.proposals.get(&view) else {
            // Of older views, whose first proposal may be forgotten, any will do.
            if view >= oldest {
                self.proposals.insert(view, message.signed().clone());
            }
            return true;
        };
        if first.signing().digest == message.signed().signing().digest {
            return true;
        }
        let evidence = Evidence {
            first: first.clone(),
            second: message.signed().clone(),
        };
        out.accuse(Box::new(evidence));
        // The second is not voted for.
        self.plants(PlantedBug::VotesForEachProposal)
    }

    /// Takes a well-formed block into the tree, and does what becomes possible.
    pub(crate) fn insert(&mut self, now: Time, id: Digest, node: Node<S>, out: &mut Outbox<Self>) {
        let attached = self.tree.insert(id, node);
        self.on_attached(now, &attached, out);
    }

    /// These blocks have become part of the tree.
    pub(crate) fn on_attached(&mut self, now: Time, attached: &[Digest], out: &mut Outbox<Self>) {
        for id in attached {
            let Some(node) = self.tree.get(id) else {
                continue;
            };
            let parent = node.header().parent;
            self.lock_by(&parent);
        }
        if attached.is_empty() {
            return;
        }
        let high = self.high_qc.vote.block;
        self.lock_by(&high);
        self.bound_tree();
        self.try_commit(out);
        self.update_fetch(now);
        for id in attached {
            self.consider(id, out);
        }
        self.try_build(now, out);
    }

    /// Drops what can hardly matter any more when the tree is full.
    fn bound_tree(&mut self) {
        if self.tree.len() > self.config().undecided {
            let committing = self.committing.as_ref().unwrap_or(&self.high_qc);
            let tips = [
                self.high_qc.vote.block,
                committing.vote.block,
                self.safety.lock().block,
            ];
            self.tree.drop_branches(&tips, self.pacemaker.view);
        }
    }

    /// A certificate for this block is known: raises the lock as the rule says.
    pub(crate) fn lock_by(&mut self, id: &Digest) {
        if let Some(header) = self.tree.header(id) {
            self.safety.raise_lock(R::lock(header, *id));
        }
    }
}
