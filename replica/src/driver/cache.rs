//! Payloads at hand, by digest.

use quorate_core::{Digest, Payload};
use std::collections::{BTreeMap, VecDeque};

/// The payloads accepted most recently: for the engine after a restart, and for peers that lack
/// one. Holds at most a stated number of bytes (and always the newest payload).
#[derive(Debug)]
pub(super) struct PayloadCache {
    payloads: BTreeMap<Digest, Payload>,
    order: VecDeque<Digest>,
    bytes: usize,
    limit: usize,
}

impl PayloadCache {
    /// An empty cache of at most `limit` bytes.
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            payloads: BTreeMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    /// Adds a payload; forgets the oldest if there are too many bytes.
    pub(super) fn insert(&mut self, payload: Payload) {
        let (digest, len) = (*payload.digest(), payload.len());
        if self.payloads.insert(digest, payload).is_some() {
            return;
        }
        self.order.push_back(digest);
        self.bytes += len;
        while self.bytes > self.limit && self.order.len() > 1 {
            let oldest = self.order.pop_front().expect("there is more than one");
            let payload = self
                .payloads
                .remove(&oldest)
                .expect("each in order has a payload");
            self.bytes -= payload.len();
        }
    }

    /// How many bytes there are.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The payload with this digest, if it is at hand.
    pub(super) fn get(&self, digest: &Digest) -> Option<&Payload> {
        self.payloads.get(digest)
    }
}
