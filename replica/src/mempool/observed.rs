//! Which requests the payloads in play contain.

use quorate_core::{Digest, Height, Payload, RequestId, Requests};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Most payloads that are remembered.
const MAX_PAYLOADS: usize = 1024;
/// Most requests that are remembered, in all payloads together: 16 MiB.
const MAX_REQUESTS: usize = 1 << 19;

/// Names of the requests of a payload, in order.
pub(super) type Ids = Arc<[RequestId]>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Undecided,
    Decided,
}

struct Observed {
    ids: Ids,
    fate: Fate,
    /// Whether its requests count as in flight.
    active: bool,
}

/// The payloads that were proposed and not yet executed, by height.
///
/// Every method that removes payloads returns the requests of those that were active.
#[derive(Default)]
pub(super) struct ObservedPayloads {
    payloads: BTreeMap<(Height, Digest), Observed>,
    /// The height of each.
    heights: HashMap<Digest, Height>,
    requests: usize,
}

impl ObservedPayloads {
    /// Remembers a payload; at the higher of two heights, if it is here already.
    pub(super) fn insert(&mut self, height: Height, payload: &Payload) -> Vec<Ids> {
        if payload.is_empty() || self.raise(height, payload.digest()) {
            return Vec::new();
        }
        // What follows a malformed request is never executed, so it is not in flight either.
        let ids = Requests::new(payload.bytes())
            .map_while(Result::ok)
            .map(|request| request.id)
            .collect();
        let observed = Observed {
            ids,
            fate: Fate::Undecided,
            active: false,
        };
        self.add(height, *payload.digest(), observed);
        self.shrink()
    }

    /// Remembers a payload just built, whose requests the caller has counted as in flight.
    pub(super) fn insert_active(
        &mut self,
        height: Height,
        payload: &Payload,
        ids: Vec<RequestId>,
    ) -> Vec<Ids> {
        if ids.is_empty() {
            return Vec::new();
        }
        let digest = *payload.digest();
        if let Some(twin) = self.remove_entry(&digest) {
            // Built once before, and given up: that one was not active, or its requests would not
            // have been eligible.
            assert!(!twin.active, "a request in flight was built again");
        }
        let observed = Observed {
            ids: ids.into(),
            fate: Fate::Undecided,
            active: true,
        };
        self.add(height, digest, observed);
        self.shrink()
    }

    fn add(&mut self, height: Height, digest: Digest, observed: Observed) {
        self.requests += observed.ids.len();
        self.heights.insert(digest, height);
        self.payloads.insert((height, digest), observed);
    }

    /// Moves a known payload up to a height; says whether it is known.
    fn raise(&mut self, height: Height, digest: &Digest) -> bool {
        let Some(known) = self.heights.get(digest).copied() else {
            return false;
        };
        if known < height {
            let observed = self.remove_entry(digest).expect("it is known");
            self.add(height, *digest, observed);
        }
        true
    }

    /// Forgets the lowest payloads until the rest is within bounds; the newest always stays.
    fn shrink(&mut self) -> Vec<Ids> {
        let mut forgotten = Vec::new();
        while self.payloads.len() > MAX_PAYLOADS
            || (self.requests > MAX_REQUESTS && self.payloads.len() > 1)
        {
            let ((_, digest), _) = self.payloads.first_key_value().expect("it is not empty");
            let digest = *digest;
            forgotten.extend(self.remove(&digest));
        }
        forgotten
    }

    fn remove_entry(&mut self, digest: &Digest) -> Option<Observed> {
        let height = self.heights.remove(digest)?;
        let observed = self
            .payloads
            .remove(&(height, *digest))
            .expect("every payload has one height");
        self.requests -= observed.ids.len();
        Some(observed)
    }

    /// Forgets a payload.
    pub(super) fn remove(&mut self, digest: &Digest) -> Option<Ids> {
        self.remove_entry(digest)
            .filter(|observed| observed.active)
            .map(|observed| observed.ids)
    }

    fn remove_where(
        &mut self,
        height: Height,
        goes: impl Fn(&Digest, &Observed) -> bool,
    ) -> Vec<Ids> {
        let gone: Vec<Digest> = self
            .payloads
            .iter()
            .take_while(|((at, _), _)| *at <= height)
            .filter(|((_, digest), observed)| goes(digest, observed))
            .map(|((_, digest), _)| *digest)
            .collect();
        gone.iter()
            .filter_map(|digest| self.remove(digest))
            .collect()
    }

    /// Notes a decision, and forgets the undecided payloads at and below its height.
    pub(super) fn decide(&mut self, height: Height, payload: &Digest) -> Vec<Ids> {
        if let Some(at) = self.heights.get(payload) {
            let decided = self.payloads.get_mut(&(*at, *payload));
            decided.expect("every payload has one height").fate = Fate::Decided;
        }
        self.remove_where(height, |digest, observed| {
            digest != payload && observed.fate == Fate::Undecided
        })
    }

    /// Forgets everything at and below a height.
    pub(super) fn executed(&mut self, height: Height) -> Vec<Ids> {
        self.remove_where(height, |_, _| true)
    }

    /// Turns to active what should be and is not.
    pub(super) fn to_activate(&mut self, undecided: &[Digest]) -> Vec<Ids> {
        self.turn(undecided, Turn::On)
    }

    /// Turns to inactive what should be and is not.
    pub(super) fn to_deactivate(&mut self, undecided: &[Digest]) -> Vec<Ids> {
        self.turn(undecided, Turn::Off)
    }

    fn turn(&mut self, undecided: &[Digest], to: Turn) -> Vec<Ids> {
        let mut turned = Vec::new();
        for ((_, digest), observed) in &mut self.payloads {
            let should = observed.fate == Fate::Decided || undecided.contains(digest);
            if observed.active != should && should == (to == Turn::On) {
                observed.active = should;
                turned.push(Arc::clone(&observed.ids));
            }
        }
        turned
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    On,
    Off,
}
