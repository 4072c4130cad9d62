//! The block store.

use super::DiskCounts;
use quorate_core::testing::Random;
use quorate_core::{Checkpoint, Decision, Digest, Height, Payload, Protocol};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The block store and the stable checkpoint, written in the order in which they are given.
#[derive(Debug)]
pub(crate) struct Store<P: Protocol> {
    blocks: BTreeMap<Height, Decision<P>>,
    stable: Option<Arc<Checkpoint<P::Scheme>>>,
    /// Given and not durable yet.
    pending: VecDeque<Pending<P>>,
    /// As in production, nothing is written any more once something could not be.
    failed: bool,
}

#[derive(Debug)]
enum Pending<P: Protocol> {
    Block(Decision<P>),
    Checkpoint(Arc<Checkpoint<P::Scheme>>),
}

/// What has become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    /// The decision of this height.
    Block(Height),
    /// A checkpoint.
    Checkpoint,
}

impl<P: Protocol> Store<P> {
    pub(crate) const fn new() -> Self {
        Self {
            blocks: BTreeMap::new(),
            stable: None,
            pending: VecDeque::new(),
            failed: false,
        }
    }

    /// Whether something could not be written.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed
    }

    /// Takes a decision, to be written after all that came before.
    pub(crate) fn begin(&mut self, decision: Decision<P>) {
        if !self.failed {
            self.pending.push_back(Pending::Block(decision));
        }
    }

    /// Takes a checkpoint, to be written after all that came before.
    pub(crate) fn begin_checkpoint(&mut self, checkpoint: Arc<Checkpoint<P::Scheme>>) {
        if !self.failed {
            self.pending.push_back(Pending::Checkpoint(checkpoint));
        }
    }

    /// The oldest that was under way is durable. Nothing if the store has failed.
    pub(crate) fn finish(&mut self) -> Option<Finished> {
        if self.failed {
            return None;
        }
        let pending = self.pending.pop_front().expect("something was under way");
        Some(match pending {
            Pending::Block(decision) => {
                let height = decision.height;
                self.blocks.insert(height, decision);
                Finished::Block(height)
            }
            Pending::Checkpoint(checkpoint) => {
                self.stable = Some(checkpoint);
                Finished::Checkpoint
            }
        })
    }

    /// The oldest that was under way cannot be written. Nobody knows whether it is.
    pub(crate) fn fail(&mut self) {
        self.failed = true;
        self.pending.truncate(1);
    }

    /// The power fails. Of what was under way a random prefix is there.
    pub(crate) fn crash(&mut self, random: &mut Random, counts: &mut DiskCounts) {
        self.failed = false;
        let kept = random.below(self.pending.len() as u64 + 1);
        for _ in 0..kept {
            self.finish();
        }
        counts.stored += kept;
        counts.unstored += self.pending.len() as u64;
        self.pending.clear();
    }

    pub(crate) fn stable(&self) -> Option<Arc<Checkpoint<P::Scheme>>> {
        self.stable.clone()
    }

    /// All blocks, in order.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Decision<P>> {
        self.blocks.values()
    }

    pub(crate) fn last(&self) -> Option<&Decision<P>> {
        self.blocks.values().next_back()
    }

    /// Consecutive decisions from a height on, as many as one answer may have.
    pub(crate) fn from(&self, height: Height) -> Vec<Decision<P>> {
        let blocks = self.blocks.range(height..).map(|(_, block)| block.clone());
        let blocks = (height.0..).zip(blocks);
        blocks
            .take_while(|(at, block)| *at == block.height.0)
            .map(|(_, block)| block)
            .take(64)
            .collect()
    }

    pub(crate) fn find(&self, digest: &Digest) -> Option<Payload> {
        let mut newest_first = self.blocks.values().rev();
        newest_first
            .find(|block| block.payload.digest() == digest)
            .map(|block| block.payload.clone())
    }
}
