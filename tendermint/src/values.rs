//! The payloads of a height.

use quorate_core::{Digest, Payload, SignerSet, Ticket};
use std::collections::BTreeMap;

/// What the application says of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has not been asked.
    Unasked,
    /// It has not answered.
    Asked(Ticket),
    /// It accepts the payload: the paper's valid(v).
    Valid,
    /// It refuses it.
    Invalid,
}

#[derive(Debug)]
struct Entry {
    /// `None` while it is being fetched.
    payload: Option<Payload>,
    /// Who has it, while it is being fetched.
    from: Option<SignerSet>,
    verdict: Verdict,
    /// Whether it has been written to the log since the height began.
    logged: bool,
}

/// The payloads of a height: what was proposed, and what certificates name.
///
/// At most ten: two proposals of this round and two of the last, the lock and the valid value and
/// those that they replace in this round, what is decided, and a proposal of this replica's own
/// from before a restart ([`Self::retain`]).
#[derive(Debug, Default)]
pub(crate) struct Values(BTreeMap<Digest, Entry>);

impl Values {
    fn entry(&mut self, digest: Digest) -> &mut Entry {
        self.0.entry(digest).or_insert(Entry {
            payload: None,
            from: None,
            verdict: Verdict::Unasked,
            logged: false,
        })
    }

    /// Keeps a payload.
    pub(crate) fn insert(&mut self, payload: Payload) {
        self.entry(*payload.digest()).payload.get_or_insert(payload);
    }

    /// Keeps a payload that this replica built itself: it needs no check.
    pub(crate) fn insert_own(&mut self, payload: Payload) {
        let digest = *payload.digest();
        self.insert(payload);
        self.entry(digest).verdict = Verdict::Valid;
    }

    /// Notes that a payload is needed, and who has it; says whether it must be asked for.
    pub(crate) fn want(&mut self, digest: Digest, from: SignerSet) -> bool {
        let entry = self.entry(digest);
        entry.payload.is_none() && entry.from.replace(from).is_none()
    }

    /// The payloads that are being fetched, and who has them.
    pub(crate) fn missing(&self) -> impl Iterator<Item = (Digest, SignerSet)> {
        let missing = self.0.iter().filter(|(_, entry)| entry.payload.is_none());
        missing.filter_map(|(digest, entry)| Some((*digest, entry.from?)))
    }

    /// Whether a payload is needed and not here.
    pub(crate) fn is_wanted(&self, digest: &Digest) -> bool {
        let entry = self.0.get(digest);
        entry.is_some_and(|entry| entry.payload.is_none())
    }

    /// The payload, if it is here.
    pub(crate) fn payload(&self, digest: &Digest) -> Option<&Payload> {
        self.0.get(digest)?.payload.as_ref()
    }

    /// What the application says of a payload.
    pub(crate) fn verdict(&self, digest: &Digest) -> Verdict {
        let entry = self.0.get(digest);
        entry.map_or(Verdict::Unasked, |entry| entry.verdict)
    }

    /// Notes that the application was asked about a payload that is here.
    pub(crate) fn ask(&mut self, digest: &Digest, ticket: Ticket) {
        self.entry(*digest).verdict = Verdict::Asked(ticket);
    }

    /// Takes the application's answer; returns which payload it is about, if it still matters.
    pub(crate) fn answer(&mut self, ticket: Ticket, is_valid: bool) -> Option<Digest> {
        let mut entries = self.0.iter_mut();
        let (digest, entry) = entries.find(|(_, entry)| entry.verdict == Verdict::Asked(ticket))?;
        entry.verdict = if is_valid {
            Verdict::Valid
        } else {
            Verdict::Invalid
        };
        Some(*digest)
    }

    /// The payload, if it has yet to be logged. The caller logs it.
    pub(crate) fn take_unlogged(&mut self, digest: &Digest) -> Option<Payload> {
        let entry = self.0.get_mut(digest).filter(|entry| !entry.logged)?;
        let payload = entry.payload.clone()?;
        entry.logged = true;
        Some(payload)
    }

    /// Forgets what `is_needed` does not name.
    pub(crate) fn retain(&mut self, is_needed: impl Fn(&Digest) -> bool) {
        self.0.retain(|digest, _| is_needed(digest));
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
