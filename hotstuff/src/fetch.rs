//! Getting the blocks that a certificate names and that are not here.

use crate::engine::HotStuff;
use crate::pacemaker::Timer;
use crate::tree::Node;
use crate::{BlockRequest, Blocks, Body, CommitRule, FullBlock};
use quorate_core::{Digest, Fault, Height, Outbox, Recipients, ReplicaId, Scheme, SignerSet, Time};

/// Most blocks in one answer.
const BLOCKS: usize = 16;

/// An answer gets no further block once it has so many bytes of payload.
const BYTES: usize = 512 * 1024;

/// Beyond so many missing heights, decisions are asked for, and blocks only if none come.
const NEAR: u64 = 32;

/// Answers that one replica gets from us in the time of a view.
const ANSWERS: u32 = 64;

/// What is missing, and whom we have asked.
#[derive(Debug)]
pub(crate) struct Fetcher {
    missing: Option<Missing>,
    /// For each replica, when its current time span began and how many answers it got in it.
    answers: Vec<(Time, u32)>,
}

#[derive(Debug)]
struct Missing {
    block: Digest,
    height: Height,
    /// Certified the block, hence a correct one among them has it.
    signers: SignerSet,
    attempts: u32,
}

impl Fetcher {
    pub(crate) fn new(replicas: usize) -> Self {
        Self {
            missing: None,
            answers: vec![(Time::ZERO, 0); replicas],
        }
    }

    /// The block asked for.
    pub(crate) fn wanted(&self) -> Option<Digest> {
        self.missing.as_ref().map(|missing| missing.block)
    }

    /// Whether `by` gets an answer now.
    fn grant(&mut self, now: Time, by: ReplicaId, span: std::time::Duration) -> bool {
        let Some((since, count)) = self.answers.get_mut(by.index()) else {
            return false;
        };
        if now.since(*since) >= span {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= ANSWERS
    }
}

impl<S: Scheme, R: CommitRule> HotStuff<S, R> {
    /// Finds out which block is missing below the highest certificates. A block often comes just
    /// after the certificate for it, so it is not asked for at once.
    pub(crate) fn update_fetch(&mut self, now: Time) {
        let committing = self.committing.as_ref();
        let missing = self
            .tree
            .missing_below(&self.high_qc)
            .or_else(|| committing.and_then(|qc| self.tree.missing_below(qc)));
        let Some(certificate) = missing else {
            self.fetcher.missing = None;
            if self.tree.unfilled().next().is_none() {
                self.pacemaker.timers.clear(Timer::Fetch);
            }
            return;
        };
        let block = certificate.vote.block;
        if self.fetcher.wanted() == Some(block) {
            return;
        }
        let nobody = || SignerSet::empty(self.setup.validators.len());
        let proof = certificate.proof.as_ref();
        let signers = proof.map_or_else(nobody, |proof| proof.signers);
        let height = certificate.vote.height;
        // The rest of a chain that is being fetched is asked for at once.
        let going_on = self.fetcher.missing.take().is_some();
        self.fetcher.missing = Some(Missing {
            block,
            height,
            signers,
            attempts: 0,
        });
        let pace = self.config().fetch_pace;
        let at = if going_on { now } else { now.after(pace) };
        self.pacemaker.timers.set(Timer::Fetch, at);
    }

    pub(crate) fn on_fetch_due(&mut self, now: Time, out: &mut Outbox<Self>) {
        self.fetch_payloads(out);
        let decided = self.tree.height();
        let me = self.setup.me;
        let pace = self.config().fetch_pace;
        let Some(missing) = &mut self.fetcher.missing else {
            if self.tree.unfilled().next().is_some() {
                let again = now.after(pace.saturating_mul(32));
                self.pacemaker.timers.set(Timer::Fetch, again);
            }
            return;
        };
        let attempt = missing.attempts;
        missing.attempts = attempt.saturating_add(1);
        let again = pace.saturating_mul(1 << attempt.min(5));
        self.pacemaker.timers.set(Timer::Fetch, now.after(again));
        let far = missing.height.0 - decided.0 > NEAR;
        if far || attempt >= 2 {
            out.fetch(decided.next());
        }
        let others: Vec<ReplicaId> = missing.signers.iter().filter(|id| *id != me).collect();
        if (!far || attempt >= 2) && !others.is_empty() {
            // Begin elsewhere than everybody else does.
            let turn = attempt as usize + me.index();
            let request = BlockRequest {
                block: missing.block,
                above: decided,
            };
            let to = Recipients::One(others[turn % others.len()]);
            out.send(to, Body::BlockRequest(request));
        }
    }

    /// Asks for the payloads of blocks that are back without them after a restart.
    pub(crate) fn fetch_payloads(&self, out: &mut Outbox<Self>) {
        let mut everyone = SignerSet::empty(self.setup.validators.len());
        self.setup.validators.ids().for_each(|id| {
            everyone.insert(id);
        });
        for node in self.tree.unfilled() {
            out.fetch_payload(node.header().payload, everyone);
        }
    }

    pub(crate) fn on_block_request(
        &mut self,
        now: Time,
        by: ReplicaId,
        request: BlockRequest,
        out: &mut Outbox<Self>,
    ) {
        let span = self.config().view_timeout;
        if by == self.setup.me || !self.fetcher.grant(now, by, span) {
            return;
        }
        let mut blocks: Vec<FullBlock<S>> = Vec::new();
        let (mut next, mut bytes) = (request.block, 0);
        while let Some(full) = self.tree.full(&next) {
            bytes += full.payload.len();
            let fits = blocks.is_empty() || bytes <= BYTES;
            if full.block.header.height <= request.above || blocks.len() >= BLOCKS || !fits {
                break;
            }
            next = full.block.header.parent;
            blocks.push(full);
        }
        if !blocks.is_empty() {
            out.send(Recipients::One(by), Body::Blocks(Blocks { blocks }));
        }
    }

    pub(crate) fn on_blocks(
        &mut self,
        now: Time,
        by: ReplicaId,
        answer: &Blocks<S>,
        out: &mut Outbox<Self>,
    ) {
        let Some(mut expected) = self.fetcher.wanted() else {
            return;
        };
        let first = answer.blocks.first();
        if first.is_none_or(|full| full.block.header.id() != expected) {
            // To an earlier question, or to none.
            return;
        }
        for full in &answer.blocks {
            let id = full.block.header.id();
            if id != expected || full.check(&self.genesis).is_err() {
                out.blame(by, Fault::BadAnswer);
                return;
            }
            expected = full.block.header.parent;
            let node = Node {
                block: full.block.clone(),
                payload: Some(full.payload.clone()),
                timeout: None,
            };
            self.insert(now, id, node, out);
        }
        self.update_fetch(now);
    }
}
