//! A replica's safety log: written at once, durable later.

use crate::{Entry, Payload, Persist, Protocol, Seq};

/// The log of one replica.
///
/// An entry is lost in a crash unless a sync that began after it was written has ended.
#[derive(Debug)]
pub(super) struct Disk<P: Protocol> {
    entries: Vec<(Seq, Entry<P>)>,
    written: Seq,
    durable: Seq,
    /// Up to where the sync that is under way will be durable.
    syncing: Option<Seq>,
    /// Entries before this may be gone after a crash.
    pruned: Seq,
}

impl<P: Protocol> Disk<P> {
    pub(super) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            written: Seq::NONE,
            durable: Seq::NONE,
            syncing: None,
            pruned: Seq::NONE,
        }
    }

    pub(super) const fn durable(&self) -> Seq {
        self.durable
    }

    pub(super) fn append(&mut self, persist: &Persist<P>) {
        assert_eq!(
            persist.seq(),
            self.written.next(),
            "log entries are numbered without gaps"
        );
        self.written = persist.seq();
        self.entries.push((persist.seq(), persist.entry().clone()));
    }

    /// Begins a sync if there is something to sync and none is under way.
    pub(super) fn begin_sync(&mut self) -> bool {
        let begins = self.syncing.is_none() && self.written > self.durable;
        if begins {
            self.syncing = Some(self.written);
        }
        begins
    }

    pub(super) fn end_sync(&mut self) {
        self.durable = self.syncing.take().expect("only a sync that began ends");
    }

    /// Forgets the entries before `seq`, once that entry itself is durable: a record replaces
    /// older ones only when it cannot be lost.
    pub(super) fn prune(&mut self, seq: Seq) {
        assert!(
            seq <= self.written.next(),
            "{seq:?} is pruned but not written"
        );
        self.pruned = self.pruned.max(seq);
    }

    /// The power fails: what is not durable is gone.
    pub(super) fn crash(&mut self) {
        self.entries.retain(|(seq, _)| *seq <= self.durable);
        self.written = self.durable;
        self.syncing = None;
        if self.pruned > self.durable {
            self.pruned = Seq::NONE;
        }
    }

    /// Where pruning may have cut the log: everything before is allowed to be gone.
    pub(super) const fn pruned(&self) -> Seq {
        self.pruned
    }

    /// Drops the entries before `cut`.
    pub(super) fn cut(&mut self, cut: Seq) {
        self.entries.retain(|(seq, _)| *seq >= cut);
    }

    pub(super) fn records(&self) -> Vec<(Seq, P::Record)> {
        let records = self.entries.iter().filter_map(|(seq, entry)| match entry {
            Entry::Record(record) => Some((*seq, record.clone())),
            Entry::Payload(_) => None,
        });
        records.collect()
    }

    pub(super) fn payloads(&self) -> impl Iterator<Item = &Payload> {
        self.entries.iter().filter_map(|(_, entry)| match entry {
            Entry::Record(_) => None,
            Entry::Payload(payload) => Some(payload),
        })
    }
}
