//! What survives a crash: the safety log up to its last sync, and the block store.

use quorate_core::testing::Random;
use quorate_core::{Checkpoint, Decision, Digest, Entry, Height, Payload, Persist, Protocol, Seq};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A safety log, one sync at a time; what is appended meanwhile goes into the next.
#[derive(Debug)]
pub(crate) struct Log<P: Protocol> {
    durable: Vec<(Seq, Entry<P>)>,
    durable_to: Seq,
    /// Appended and not synced, in order.
    volatile: VecDeque<(Seq, Entry<P>)>,
    /// Up to where the sync under way reaches.
    syncing: Option<Seq>,
    /// What may be forgotten, once the log is durable up to the second.
    prune: Option<(Seq, Seq)>,
}

impl<P: Protocol> Log<P> {
    pub(crate) const fn new() -> Self {
        Self {
            durable: Vec::new(),
            durable_to: Seq::NONE,
            volatile: VecDeque::new(),
            syncing: None,
            prune: None,
        }
    }

    /// The last place written, durable or not.
    pub(crate) fn last(&self) -> Seq {
        let volatile = self.volatile.back().map(|(seq, _)| *seq);
        volatile.unwrap_or(self.durable_to)
    }

    pub(crate) const fn durable_to(&self) -> Seq {
        self.durable_to
    }

    pub(crate) fn append(&mut self, persist: &Persist<P>) {
        assert_eq!(
            persist.seq(),
            self.last().next(),
            "the log is written without gaps"
        );
        self.volatile
            .push_back((persist.seq(), persist.entry().clone()));
    }

    /// Starts a sync, if there is something to sync and none is under way.
    pub(crate) fn begin_sync(&mut self) -> bool {
        if self.syncing.is_some() || self.volatile.is_empty() {
            return false;
        }
        self.syncing = Some(self.last());
        true
    }

    /// The sync under way has ended. Returns up to where the log is durable.
    pub(crate) fn end_sync(&mut self) -> Seq {
        let to = self.syncing.take().expect("a sync was under way");
        self.keep(to);
        self.apply_prune();
        to
    }

    fn keep(&mut self, to: Seq) {
        while self.volatile.front().is_some_and(|(seq, _)| *seq <= to) {
            let entry = self.volatile.pop_front().expect("there is a front");
            self.durable_to = entry.0;
            self.durable.push(entry);
        }
    }

    /// Entries before `seq` may go, as soon as what has been appended so far is durable.
    pub(crate) fn prune(&mut self, seq: Seq) {
        let last = self.last();
        assert!(seq <= last.next(), "{seq:?} to prune to is not written");
        self.prune = Some((seq, last));
        self.apply_prune();
    }

    fn apply_prune(&mut self) {
        if let Some((seq, _)) = self.prune.take_if(|(_, after)| *after <= self.durable_to) {
            // The newest stays, as in every log, so that the log knows its place.
            let newest = self.durable_to;
            self.durable.retain(|(at, _)| *at >= seq.min(newest));
        }
    }

    /// The power fails. Of what is not synced a random prefix stays: the operating system may
    /// have written it.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        let kept = random.below(self.volatile.len() as u64 + 1);
        let to = Seq(self.durable_to.0 + kept);
        self.keep(to);
        self.volatile.clear();
        self.syncing = None;
        self.prune = None;
    }

    /// What is on disk, and where the log ends.
    pub(crate) fn survived(&self) -> (Vec<(Seq, Entry<P>)>, Seq) {
        let last = self.durable.last().map_or(Seq::NONE, |(seq, _)| *seq);
        (self.durable.clone(), last)
    }

    /// How many entries are on disk.
    pub(crate) fn entries(&self) -> usize {
        self.durable.len()
    }
}

/// The block store and the stable checkpoint: durable once they are here.
#[derive(Debug)]
pub(crate) struct Store<P: Protocol> {
    blocks: BTreeMap<Height, Decision<P>>,
    stable: Option<Arc<Checkpoint<P::Scheme>>>,
}

impl<P: Protocol> Store<P> {
    pub(crate) const fn new() -> Self {
        Self {
            blocks: BTreeMap::new(),
            stable: None,
        }
    }

    pub(crate) fn put(&mut self, decision: Decision<P>) {
        self.blocks.insert(decision.height, decision);
    }

    pub(crate) fn put_checkpoint(&mut self, checkpoint: Arc<Checkpoint<P::Scheme>>) {
        self.stable = Some(checkpoint);
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
