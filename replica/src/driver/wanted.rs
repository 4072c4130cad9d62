//! Payloads that the engine wants and that are not here.

use super::Driver;
use quorate_core::{Digest, Height, Input, Payload, Protocol, SignerSet};
use std::collections::BTreeMap;

/// Most payloads wanted at one time: more than any engine keeps undecided. What does not fit, the
/// engine asks for again.
const WANTED_MAX: usize = 2048;

/// A payload that has not come while so many heights were decided is of no use any more: no engine
/// keeps a slot or a block open for so long. A value that lost may be nowhere by then, and would
/// be asked for for ever.
const HEIGHTS_MAX: u64 = 2048;

/// Payloads that the engine has asked for, who has them, and what was decided at the time.
#[derive(Debug, Default)]
pub(super) struct Wanted(BTreeMap<Digest, (SignerSet, Height)>);

impl Wanted {
    /// How many there are: no more than [`WANTED_MAX`].
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there was room.
    fn add(&mut self, digest: Digest, from: SignerSet, decided: Height) -> bool {
        let room = self.0.len() < WANTED_MAX;
        if room {
            self.0.entry(digest).or_insert((from, decided));
        }
        room
    }

    /// Removes what nobody can have a use for once `decided` is, and returns it.
    fn expired(&mut self, decided: Height) -> Vec<Digest> {
        let old = |(_, since): &(SignerSet, Height)| decided.0 > since.0 + HEIGHTS_MAX;
        let expired = self.0.iter().filter(|(_, wanted)| old(wanted));
        let expired: Vec<_> = expired.map(|(digest, _)| *digest).collect();
        for digest in &expired {
            self.0.remove(digest);
        }
        expired
    }
}

impl<P: Protocol> Driver<P> {
    pub(super) fn want_payload(&mut self, digest: Digest, from: SignerSet) {
        if self.wanted.add(digest, from, self.status.decided) {
            self.actions.push(super::Action::FindPayload(None, digest));
        }
    }

    /// A payload is here, wherever it comes from: if the engine wants it, it gets it, and nobody is
    /// asked for it any more.
    pub(super) fn payload_arrived(&mut self, payload: &Payload) {
        if self.wanted.0.remove(payload.digest()).is_some() {
            self.fetcher.answered_payload(payload.digest());
            self.payloads.insert(payload.clone());
            // So that no batch above it repeats its requests.
            self.mempool.observe(payload);
            self.inputs.push_back(Input::Payload(payload.clone()));
        }
    }

    /// The block store does not have it: peers are asked.
    pub(super) fn ask_for_payload(&mut self, digest: Digest) {
        if let Some((from, _)) = self.wanted.0.get(&digest) {
            self.fetcher.want_payload(digest, from);
        }
    }

    /// Everything up to `height` is decided: what was wanted long before is forgotten.
    pub(super) fn forget_wanted(&mut self, height: Height) {
        for digest in self.wanted.expired(height) {
            self.fetcher.answered_payload(&digest);
        }
    }
}
