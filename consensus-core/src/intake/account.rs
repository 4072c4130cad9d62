//! What one peer has waiting, and how much of it there may be.

use super::{Authorship, Quota};
use crate::{Digest, Protocol, ReplicaId, Signed, Slot};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a message competes for: of the messages with one key, one at a time is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) by: ReplicaId,
    pub(super) slot: Slot,
    /// `None` in slots that a correct author fills once.
    pub(super) digest: Option<Digest>,
}

/// What is known of a message without its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    pub(super) from: ReplicaId,
    pub(super) authorship: Authorship,
    pub(super) tag: u64,
    pub(super) bytes: usize,
    pub(super) key: Key,
    pub(super) digest: Digest,
}

impl Label {
    /// Whether both came from one peer in one role.
    pub(super) fn same_source(&self, other: &Self) -> bool {
        self.from == other.from && self.authorship == other.authorship
    }
}

/// A message that waits.
#[derive(Debug)]
pub(super) struct Entry<P: Protocol> {
    pub(super) label: Label,
    pub(super) signed: Signed<P>,
}

/// Messages and bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    messages: usize,
    bytes: usize,
}

/// Messages counted against a [`Quota`], by author.
#[derive(Debug, Default)]
pub(super) struct Meter {
    used: Usage,
    authors: BTreeMap<ReplicaId, Usage>,
}

impl Meter {
    /// Whether another message fits.
    ///
    /// Of what a peer relays, one author may have as much as is left for all others (the dynamic
    /// threshold of Choudhury and Hahne): whoever floods through a relay leaves room.
    pub(super) fn fits(&self, quota: &Quota, label: &Label) -> bool {
        let free = Usage {
            messages: quota.messages.saturating_sub(self.used.messages),
            bytes: quota.bytes.saturating_sub(self.used.bytes),
        };
        let own = match label.authorship {
            Authorship::Vouched => Usage::default(),
            Authorship::Relayed => {
                let author = self.authors.get(&label.key.by);
                author.copied().unwrap_or_default()
            }
        };
        own.messages < free.messages && own.bytes.saturating_add(label.bytes) <= free.bytes
    }

    /// Whether another message keeps within a quota, whoever its author is.
    pub(super) const fn has_room(&self, quota: &Quota, label: &Label) -> bool {
        self.used.messages < quota.messages
            && self.used.bytes.saturating_add(label.bytes) <= quota.bytes
    }

    pub(super) fn add(&mut self, label: &Label) {
        let author = self.authors.entry(label.key.by).or_default();
        for usage in [&mut self.used, author] {
            usage.messages += 1;
            usage.bytes += label.bytes;
        }
    }

    pub(super) fn remove(&mut self, label: &Label) {
        let author = self.authors.get_mut(&label.key.by);
        let author = author.expect("what is removed was added");
        for usage in [&mut self.used, &mut *author] {
            usage.messages -= 1;
            usage.bytes -= label.bytes;
        }
        if author.messages == 0 {
            self.authors.remove(&label.key.by);
        }
    }

    pub(super) const fn messages(&self) -> usize {
        self.used.messages
    }

    pub(super) const fn bytes(&self) -> usize {
        self.used.bytes
    }
}

/// What one peer, in one of its two roles, has with us.
#[derive(Debug)]
pub(super) struct Account<P: Protocol> {
    /// To be checked, in the order of arrival.
    pub(super) waiting: VecDeque<Entry<P>>,
    /// Counts what waits, what stands aside and what is being checked.
    pub(super) queue: Meter,
    /// About heights or views that the engine has not reached.
    pub(super) later: Vec<Entry<P>>,
    /// What is in `later`, to know copies.
    pub(super) kept: BTreeSet<(Key, Digest)>,
    /// Counts what is in `later`.
    pub(super) store: Meter,
    /// Whether it is in the queue of accounts with something to check.
    pub(super) listed: bool,
    /// Whether a signature of it failed since the engine last decided.
    pub(super) barred: bool,
}

impl<P: Protocol> Default for Account<P> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            queue: Meter::default(),
            later: Vec::new(),
            kept: BTreeSet::new(),
            store: Meter::default(),
            listed: false,
            barred: false,
        }
    }
}

impl<P: Protocol> Account<P> {
    /// Takes everything out of `later`.
    pub(super) fn take_later(&mut self) -> Vec<Entry<P>> {
        self.kept.clear();
        self.store = Meter::default();
        std::mem::take(&mut self.later)
    }

    /// Keeps a message for later.
    pub(super) fn keep(&mut self, entry: Entry<P>) {
        self.kept.insert((entry.label.key, entry.label.digest));
        self.store.add(&entry.label);
        self.later.push(entry);
    }
}
