//! Which requests the payloads in play contain.

use quorate_core::{Digest, Payload, RequestId, Requests};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Most payloads that are remembered.
const MAX_PAYLOADS: usize = 1024;
/// Most requests that are remembered, in all payloads together: 16 MiB.
const MAX_REQUESTS: usize = 1 << 19;

/// Names of the requests of a payload, in order.
pub(super) type Ids = Arc<[RequestId]>;

struct Observed {
    ids: Ids,
    /// Its place in the order in which payloads were first seen.
    seen: u64,
}

/// The payloads that were proposed and not decided.
///
/// Some are *active*: those that the last build stood on, and the one that it made. Methods that
/// remove payloads return the requests of those that were active, because they are no longer in
/// flight.
#[derive(Default)]
pub(super) struct ObservedPayloads {
    payloads: HashMap<Digest, Observed>,
    by_age: BTreeMap<u64, Digest>,
    active: Vec<Digest>,
    requests: usize,
    seen: u64,
}

impl ObservedPayloads {
    /// How many payloads are remembered.
    pub(super) fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Remembers a payload, and forgets the oldest if there are too many.
    pub(super) fn insert(&mut self, payload: &Payload) -> Vec<Ids> {
        if payload.is_empty() || self.payloads.contains_key(payload.digest()) {
            return Vec::new();
        }
        // What follows a malformed request is never executed, so it is not in flight either.
        let ids = Requests::new(payload.bytes())
            .map_while(Result::ok)
            .map(|request| request.id);
        self.add(*payload.digest(), ids.collect());
        self.shrink()
    }

    /// Remembers a payload just built, whose requests the caller has counted as in flight.
    pub(super) fn insert_active(&mut self, payload: &Payload, ids: Vec<RequestId>) -> Vec<Ids> {
        if ids.is_empty() {
            return Vec::new();
        }
        let digest = *payload.digest();
        // Perhaps it was built once before, and given up.
        let twin = self.remove(&digest);
        assert!(twin.is_none(), "requests in flight were built again");
        self.add(digest, ids.into());
        self.active.push(digest);
        self.shrink()
    }

    fn add(&mut self, digest: Digest, ids: Ids) {
        self.requests += ids.len();
        self.seen += 1;
        let seen = self.seen;
        self.by_age.insert(seen, digest);
        self.payloads.insert(digest, Observed { ids, seen });
    }

    /// Forgets the oldest payloads until the rest is within bounds; the newest always stays.
    fn shrink(&mut self) -> Vec<Ids> {
        let mut forgotten = Vec::new();
        while self.payloads.len() > MAX_PAYLOADS
            || (self.requests > MAX_REQUESTS && self.payloads.len() > 1)
        {
            let (_, oldest) = self.by_age.first_key_value().expect("it is not empty");
            let oldest = *oldest;
            forgotten.extend(self.remove(&oldest));
        }
        forgotten
    }

    /// Forgets a payload.
    pub(super) fn remove(&mut self, digest: &Digest) -> Option<Ids> {
        let observed = self.payloads.remove(digest)?;
        self.by_age.remove(&observed.seen);
        self.requests -= observed.ids.len();
        let index = self.active.iter().position(|active| active == digest)?;
        self.active.swap_remove(index);
        Some(observed.ids)
    }

    /// Whether the payload is known to contain a request.
    pub(super) fn contains(&self, digest: &Digest) -> bool {
        self.payloads.contains_key(digest)
    }

    /// Makes active those of these payloads that are known and not yet active.
    pub(super) fn activate(&mut self, wanted: &[Digest]) -> Vec<Ids> {
        let mut turned = Vec::new();
        for digest in wanted {
            if let Some(observed) = self.payloads.get(digest)
                && !self.active.contains(digest)
            {
                self.active.push(*digest);
                turned.push(Arc::clone(&observed.ids));
            }
        }
        turned
    }

    /// Makes inactive all but these payloads.
    pub(super) fn deactivate_others(&mut self, wanted: &[Digest]) -> Vec<Ids> {
        let mut turned = Vec::new();
        let payloads = &self.payloads;
        self.active.retain(|digest| {
            let stays = wanted.contains(digest);
            if !stays {
                turned.push(Arc::clone(&payloads[digest].ids));
            }
            stays
        });
        turned
    }
}
