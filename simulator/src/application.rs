//! The application of the simulated replicas.

use quorate_core::{Application, Digest, Height, RequestId, RequestRef};
use std::collections::BTreeSet;

/// Hashes all requests into a chain, and knows which it has seen.
#[derive(Debug)]
pub struct HashChain {
    head: Digest,
    seen: BTreeSet<RequestId>,
}

impl Default for HashChain {
    fn default() -> Self {
        Self {
            head: Digest::ZERO,
            seen: BTreeSet::new(),
        }
    }
}

impl HashChain {
    /// Hash of everything executed so far.
    #[must_use]
    pub const fn head(&self) -> Digest {
        self.head
    }

    /// Whether this request has been executed.
    #[must_use]
    pub fn has_executed(&self, id: RequestId) -> bool {
        self.seen.contains(&id)
    }

    /// How many requests have been executed.
    #[must_use]
    pub fn executed(&self) -> usize {
        self.seen.len()
    }
}

impl Application for HashChain {
    fn execute(&mut self, height: Height, request: RequestRef<'_>) -> Vec<u8> {
        self.seen.insert(request.id);
        self.head = Digest::builder("quorate simulator hash chain")
            .digest(&self.head)
            .number(height.0)
            .bytes(request.body)
            .finish();
        self.head.0.to_vec()
    }

    fn digest(&self) -> Option<Digest> {
        Some(self.head)
    }
}
