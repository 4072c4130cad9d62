//! The bounded intake: what stands between the network and an engine.

mod account;
mod accounting;
mod limits;
mod outcome;

pub use limits::{Authorship, IntakeLimits, Quota};
pub use outcome::{Batch, BatchId, DropReason, Dropped, Offer, Settled};

use crate::{Digest, Fault, Height, Protocol, ReplicaId, Signed, Triage, Verified};
use account::{Account, Entry, Key, Label};
use std::collections::{BTreeMap, VecDeque};

/// The bounded intake: what stands between the network and an engine.
///
/// A value without I/O. Messages go in with [`Self::offer`]; [`Self::next_batch`] says what to
/// check next; [`Self::checked`] takes the verdicts and gives out what the engine may see;
/// [`Self::advanced`] looks again at what was kept for later.
///
/// # What it costs an attacker, and us
///
/// * Cheap checks come first: membership, authorship, the engine's triage, copies. Whatever fails
///   here costs no signature check.
/// * Each peer has a share of its own ([`IntakeLimits`]), once for what it says itself and once
///   for what it relays, and peers take turns: a flood delays and displaces nobody else. Of what
///   one peer relays, no author can have more than is left for the others.
/// * In a slot that a correct author fills once, one message of an author is checked at a time. A
///   later one never replaces it: the earlier may be a forgery and the later the real one, or both
///   real and so evidence. It stands aside, at most one for each peer that sends it, until the
///   first is settled.
/// * A peer whose signature fails is not served again, in that role, until the engine has decided
///   another height: one failed check a height is all that it can cost. A correct relay checks
///   before it passes on, so what fails in gossip is the relay's fault and not the named author's.
///
/// # Example
///
/// ```
/// use quorate_core::{Authorship, Domain, Intake, Protocol, ReplicaId, Signed, Verified};
///
/// fn hear<P: Protocol>(
///     intake: &mut Intake<P>, engine: &P, domain: &Domain, scheme: &P::Scheme,
///     from: ReplicaId, signed: Signed<P>, bytes: usize,
/// ) -> Vec<Verified<P>> {
///     let offer = intake.offer(from, Authorship::Vouched, signed, bytes, 0, engine);
///     println!("{offer:?}");
///     let Some(batch) = intake.next_batch(256) else { return Vec::new() };
///     // On a worker thread:
///     let verdicts = Verified::check(domain, scheme, batch.messages);
///     let settled = intake.checked(batch.id, verdicts);
///     settled.into_iter().filter_map(|settled| settled.result.ok()).collect()
/// }
/// ```
#[derive(Debug)]
pub struct Intake<P: Protocol> {
    limits: IntakeLimits,
    /// Two for each validator: what it says, and what it relays.
    accounts: Vec<Account<P>>,
    /// Accounts with something to check, in turn.
    turns: VecDeque<usize>,
    /// What waits or is being checked, for each key. Bounded by the quotas, as is `aside`.
    active: BTreeMap<Key, Label>,
    /// What stands aside until the active one with the same key is settled.
    aside: BTreeMap<Key, VecDeque<Entry<P>>>,
    checking: BTreeMap<BatchId, Vec<Label>>,
    next: u64,
    /// Highest height that the engine is known to have decided.
    decided: Height,
}

impl<P: Protocol> Intake<P> {
    /// An empty intake for so many validators.
    #[must_use]
    pub fn new(limits: IntakeLimits, validators: usize) -> Self {
        Self {
            limits,
            accounts: std::iter::repeat_with(Account::default)
                .take(2 * validators)
                .collect(),
            turns: VecDeque::new(),
            active: BTreeMap::new(),
            aside: BTreeMap::new(),
            checking: BTreeMap::new(),
            next: 0,
            decided: Height::GENESIS,
        }
    }

    const fn account_of(label: &Label) -> usize {
        2 * label.from.index() + matches!(label.authorship, Authorship::Relayed) as usize
    }

    fn account(&mut self, label: &Label) -> &mut Account<P> {
        &mut self.accounts[Self::account_of(label)]
    }

    /// Takes a message from the network.
    ///
    /// `from` is the peer that handed it to us, authenticated by the transport; `bytes` is its
    /// encoded length; `tag` is the caller's, to judge the delivery when it is settled.
    ///
    /// A fault in the answer is `from`'s. [`Fault::Flood`] is held only against authors: a relay
    /// does not choose how much it is given.
    pub fn offer(
        &mut self,
        from: ReplicaId,
        authorship: Authorship,
        signed: Signed<P>,
        bytes: usize,
        tag: u64,
        engine: &P,
    ) -> Offer {
        self.note_progress(engine);
        let by = signed.by;
        let validators = self.accounts.len() / 2;
        let vouched = authorship == Authorship::Vouched;
        let known = from.index() < validators && by.index() < validators;
        if !known || (vouched && by != from) {
            return Self::refuse(DropReason::Stranger, Some(Fault::Stranger));
        }
        let account = 2 * from.index() + usize::from(!vouched);
        if self.accounts[account].barred {
            return Self::refuse(DropReason::Barred, None);
        }
        let triage = engine.triage(by, &signed.body);
        if let Some(dropped) = Self::unwanted(triage, authorship) {
            return Offer::Dropped(dropped);
        }
        let signing = signed.signing();
        let label = Label {
            from,
            authorship,
            tag,
            bytes,
            key: Key {
                by,
                slot: signing.slot,
                digest: (!signing.exclusive).then_some(signing.digest),
            },
            digest: signing.digest,
        };
        let entry = Entry { label, signed };
        let later = triage == Triage::Later;
        let refused = if later {
            self.keep(entry)
        } else {
            self.queue(entry)
        };
        match refused {
            None if later => Offer::Later,
            None => Offer::Queued,
            Some(reason) => {
                let excess = matches!(reason, DropReason::Quota | DropReason::Crowded);
                Self::refuse(reason, (vouched && excess).then_some(Fault::Flood))
            }
        }
    }

    const fn refuse(reason: DropReason, fault: Option<Fault>) -> Offer {
        Offer::Dropped(Dropped { reason, fault })
    }

    /// Keeps a message for later, or says why not.
    fn keep(&mut self, entry: Entry<P>) -> Option<DropReason> {
        let quota = self.limits.later;
        let label = entry.label;
        let account = self.account(&label);
        if account.kept.contains(&(label.key, label.digest)) {
            return Some(DropReason::Duplicate);
        }
        if !account.store.fits(&quota, &label) {
            return Some(DropReason::Quota);
        }
        account.keep(entry);
        None
    }

    /// Queues a message to be checked, or says why not.
    fn queue(&mut self, entry: Entry<P>) -> Option<DropReason> {
        let quota = self.limits.queue;
        let label = entry.label;
        if let Some(reason) = self.crowded(&label) {
            return Some(reason);
        }
        if !self.account(&label).queue.fits(&quota, &label) {
            return Some(DropReason::Quota);
        }
        self.admit(entry);
        None
    }

    /// Whether the peer has said enough about this key already.
    fn crowded(&self, label: &Label) -> Option<DropReason> {
        let active = self.active.get(&label.key)?;
        let mut aside = self.aside.get(&label.key).into_iter().flatten();
        let same = |other: &Label| label.same_source(other) && label.digest == other.digest;
        if same(active) || aside.clone().any(|other| same(&other.label)) {
            return Some(DropReason::Duplicate);
        }
        let crowded = aside.any(|other| label.same_source(&other.label));
        crowded.then_some(DropReason::Crowded)
    }

    /// Takes a message in, whatever the quota says.
    fn admit(&mut self, entry: Entry<P>) {
        let label = entry.label;
        self.account(&label).queue.add(&label);
        if self.active.contains_key(&label.key) {
            self.aside.entry(label.key).or_default().push_back(entry);
        } else {
            self.activate(entry);
        }
    }

    fn activate(&mut self, entry: Entry<P>) {
        let label = entry.label;
        self.active.insert(label.key, label);
        let account = self.account(&label);
        account.waiting.push_back(entry);
        let listed = std::mem::replace(&mut account.listed, true);
        if !listed {
            self.turns.push_back(Self::account_of(&label));
        }
    }

    /// The next messages to check, at most `max_messages`, one of each peer in turn; `None` if
    /// there are none, or as many batches as allowed are being checked.
    pub fn next_batch(&mut self, max_messages: usize) -> Option<Batch<P>> {
        if self.checking.len() >= self.limits.batches {
            return None;
        }
        let (mut labels, mut messages) = (Vec::new(), Vec::new());
        while messages.len() < max_messages {
            let Some(turn) = self.turns.pop_front() else {
                break;
            };
            let account = &mut self.accounts[turn];
            if let Some(Entry { label, signed }) = account.waiting.pop_front() {
                labels.push(label);
                messages.push(signed);
            }
            account.listed = !account.waiting.is_empty();
            if account.listed {
                self.turns.push_back(turn);
            }
        }
        if messages.is_empty() {
            return None;
        }
        let id = BatchId(self.next);
        self.next += 1;
        self.checking.insert(id, labels);
        Some(Batch { id, messages })
    }

    /// Takes the verdicts on a batch, in its order, and gives out what is settled by them.
    ///
    /// Messages that stood aside may wait to be checked afterwards: ask for the next batch.
    ///
    /// # Panics
    ///
    /// If the batch is not being checked, or the verdicts are not as many as its messages.
    pub fn checked(
        &mut self,
        batch: BatchId,
        verdicts: Vec<Result<Verified<P>, Signed<P>>>,
    ) -> Vec<Settled<P>> {
        let labels = self.checking.remove(&batch);
        let labels = labels.expect("a batch is checked once");
        assert_eq!(
            labels.len(),
            verdicts.len(),
            "there is one verdict for each message"
        );
        let mut settled = Vec::with_capacity(labels.len());
        for (label, verdict) in labels.into_iter().zip(verdicts) {
            self.account(&label).queue.remove(&label);
            let verified = verdict.is_ok().then_some(label.digest);
            let first = !self.account(&label).barred;
            let result = verdict.map_err(|_| Dropped {
                reason: DropReason::BadSignature,
                fault: first.then_some(Fault::BadSignature),
            });
            settled.push(Self::settle(&label, result));
            if verified.is_none() {
                self.bar(&label, &mut settled);
            }
            self.release(&label.key, verified, &mut settled);
        }
        settled
    }

    const fn settle(label: &Label, result: Result<Verified<P>, Dropped>) -> Settled<P> {
        Settled {
            tag: label.tag,
            from: label.from,
            result,
        }
    }

    /// Stops serving a peer in one of its roles, until the engine has decided again.
    fn bar(&mut self, label: &Label, settled: &mut Vec<Settled<P>>) {
        let account = self.account(label);
        account.barred = true;
        let waiting = std::mem::take(&mut account.waiting);
        for entry in waiting {
            self.discard(&entry.label, DropReason::Barred, settled);
            self.release(&entry.label.key, None, settled);
        }
    }

    fn discard(&mut self, label: &Label, reason: DropReason, settled: &mut Vec<Settled<P>>) {
        self.account(label).queue.remove(label);
        settled.push(Self::settle(label, Err(Dropped::blameless(reason))));
    }

    /// The active message with this key is settled: the next one aside takes its place, unless it
    /// says the same as one just verified, or its sender is not served any more.
    fn release(&mut self, key: &Key, verified: Option<Digest>, settled: &mut Vec<Settled<P>>) {
        self.active.remove(key);
        while let Some(aside) = self.aside.get_mut(key) {
            let Some(entry) = aside.pop_front() else {
                self.aside.remove(key);
                return;
            };
            let label = entry.label;
            if self.account(&label).barred {
                self.discard(&label, DropReason::Barred, settled);
            } else if verified == Some(label.digest) {
                self.discard(&label, DropReason::Duplicate, settled);
            } else {
                self.activate(entry);
                return;
            }
        }
    }

    /// Asks the engine again about what was kept for later, and about what still waits to be
    /// checked. To be called when its height, view or round has changed.
    ///
    /// Gives out what is dropped by that; what was kept and is wanted now waits to be checked.
    pub fn advanced(&mut self, engine: &P) -> Vec<Settled<P>> {
        self.note_progress(engine);
        let mut settled = Vec::new();
        for index in 0..self.accounts.len() {
            self.review_waiting(index, engine, &mut settled);
            self.review_later(index, engine, &mut settled);
        }
        settled
    }

    fn review_waiting(&mut self, index: usize, engine: &P, settled: &mut Vec<Settled<P>>) {
        let waiting = std::mem::take(&mut self.accounts[index].waiting);
        for entry in waiting {
            let label = entry.label;
            let triage = engine.triage(label.key.by, &entry.signed.body);
            match Self::unwanted(triage, label.authorship) {
                None => self.accounts[index].waiting.push_back(entry),
                Some(dropped) => {
                    self.account(&label).queue.remove(&label);
                    settled.push(Self::settle(&label, Err(dropped)));
                    self.release(&label.key, None, settled);
                }
            }
        }
    }

    fn review_later(&mut self, index: usize, engine: &P, settled: &mut Vec<Settled<P>>) {
        for entry in self.accounts[index].take_later() {
            let label = entry.label;
            let triage = engine.triage(label.key.by, &entry.signed.body);
            if let Some(dropped) = Self::unwanted(triage, label.authorship) {
                settled.push(Self::settle(&label, Err(dropped)));
            } else if triage == Triage::Later {
                self.accounts[index].keep(entry);
            } else if self.accounts[index].barred {
                let dropped = Dropped::blameless(DropReason::Barred);
                settled.push(Self::settle(&label, Err(dropped)));
            } else if let Some(reason) = self.crowded(&label).or_else(|| self.overfull(&label)) {
                settled.push(Self::settle(&label, Err(Dropped::blameless(reason))));
            } else {
                self.admit(entry);
            }
        }
    }

    /// Whether the peer has so much to check that not even what was kept for later has room: then
    /// the engine goes on faster than signatures are checked.
    fn overfull(&self, label: &Label) -> Option<DropReason> {
        let IntakeLimits { queue, later, .. } = &self.limits;
        let both = Quota {
            messages: queue.messages.saturating_add(later.messages),
            bytes: queue.bytes.saturating_add(later.bytes),
        };
        let account = &self.accounts[Self::account_of(label)];
        (!account.queue.has_room(&both, label)).then_some(DropReason::Quota)
    }

    /// Why the engine does not want a message, if so.
    fn unwanted(triage: Triage, authorship: Authorship) -> Option<Dropped> {
        let vouched = authorship == Authorship::Vouched;
        let (reason, fault) = match triage {
            Triage::Check | Triage::Later => return None,
            Triage::Stale => (DropReason::Stale, None),
            Triage::TooFar => (DropReason::TooFar, None),
            Triage::Fault(fault) => (DropReason::Refused, vouched.then_some(fault)),
        };
        Some(Dropped { reason, fault })
    }

    fn note_progress(&mut self, engine: &P) {
        let decided = engine.status().decided;
        if decided > self.decided {
            self.decided = decided;
            for account in &mut self.accounts {
                account.barred = false;
            }
        }
    }
}
