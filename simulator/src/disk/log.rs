//! The safety log.

use super::DiskCounts;
use quorate_core::testing::Random;
use quorate_core::{Entry, Persist, Protocol, Seq};
use quorate_replica::entry;
use std::collections::VecDeque;

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
    /// Set when a sync has failed: up to where it would have reached. As in production, nothing
    /// is written from then on.
    failed: Option<Seq>,
}

impl<P: Protocol> Log<P> {
    pub(crate) const fn new() -> Self {
        Self {
            durable: Vec::new(),
            durable_to: Seq::NONE,
            volatile: VecDeque::new(),
            syncing: None,
            prune: None,
            failed: None,
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

    /// Whether there are records that a crash may take.
    pub(crate) fn is_unsynced(&self) -> bool {
        !self.volatile.is_empty()
    }

    /// Whether a sync has failed.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed.is_some()
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
        if self.syncing.is_some() || self.volatile.is_empty() || self.has_failed() {
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

    /// The sync under way has failed. Nobody knows what of it is on the disk.
    pub(crate) const fn fail_sync(&mut self) {
        self.failed = self.syncing.take();
        assert!(self.failed.is_some(), "a sync was under way");
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

    /// The power fails. Of what is not synced nothing stays, or a random prefix, because the
    /// operating system may have written it; and then perhaps a part of the next record.
    ///
    /// That part is counted, and gone: the log of production drops it when it opens. The
    /// simulator does not depend on the crate that holds that log (ARCHITECTURE, the table of
    /// dependencies). Its tests try *every* set of sectors that a power cut can leave of a batch, and
    /// find what this does: all that was synced, and a prefix of the rest
    /// (`storage/src/log/tests/crash.rs`).
    pub(crate) fn crash(&mut self, random: &mut Random, counts: &mut DiskCounts) {
        let written = self.failed.unwrap_or_else(|| self.last());
        let most = written.0 - self.durable_to.0;
        let all = self.volatile.len() as u64;
        let nothing = random.chance(333);
        let prefix = random.below(most + 1);
        let torn = random.chance(500);
        let kept = if nothing { 0 } else { prefix };
        self.keep(Seq(self.durable_to.0 + kept));
        counts.unsynced += u64::from(all > 0);
        counts.kept += kept;
        counts.lost += all - kept;
        counts.torn += u64::from(!nothing && kept < most && torn);
        self.volatile.clear();
        self.syncing = None;
        self.prune = None;
        self.failed = None;
    }

    /// What is on disk, and where the log ends: each entry as its bytes give it back, encoded and
    /// decoded as in production.
    ///
    /// # Panics
    ///
    /// If an entry's bytes cannot be read.
    pub(crate) fn survived(&self) -> (Vec<(Seq, Entry<P>)>, Seq) {
        let last = self.durable.last().map_or(Seq::NONE, |(seq, _)| *seq);
        let read = |(seq, written): &(Seq, Entry<P>)| {
            let bytes = entry::encode(written);
            let read = entry::decode(&bytes).expect("the log gives back what was written");
            (*seq, read)
        };
        (self.durable.iter().map(read).collect(), last)
    }

    /// How many entries are on disk.
    pub(crate) fn entries(&self) -> usize {
        self.durable.len()
    }
}
