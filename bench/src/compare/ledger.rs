//! The application of the comparison: it remembers exactly what was executed.

use quorate_core::{Application, ClientId, Digest, Height, RequestRef};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Which of a client's requests were executed: a bit each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sequences(Vec<u64>);

impl Sequences {
    /// Adds a sequence number; says whether it is new.
    pub(crate) fn insert(&mut self, sequence: u64) -> bool {
        let (word, bit) = ((sequence / 64) as usize, 1u64 << (sequence % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }

    /// Whether every number here is in `other` too.
    pub(crate) fn within(&self, other: &Self) -> bool {
        let theirs = other.0.iter().copied().chain(std::iter::repeat(0));
        self.0
            .iter()
            .zip(theirs)
            .all(|(mine, theirs)| mine & !theirs == 0)
    }
}

/// What one replica has executed.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Digest of everything executed up to and at each height that had requests, in order. The
    /// newest height is not in it yet: see [`Self::close`].
    blocks: Vec<(Height, Digest)>,
    /// What was executed at the newest height so far. Hashed at once when the next one begins,
    /// which is several times faster than request by request.
    open: Option<(Height, Vec<u8>)>,
    executed: BTreeMap<ClientId, Sequences>,
    /// Requests executed so far.
    pub(crate) requests: u64,
    /// Requests that were executed a second time: none, or the replica is wrong.
    pub(crate) repeated: u64,
}

impl History {
    /// The lowest height up to `limit` at which this history and another differ.
    pub(crate) fn first_difference(&self, other: &Self, limit: Height) -> Option<Height> {
        let up_to = |history: &Self| {
            let end = history.blocks.partition_point(|(at, _)| *at <= limit);
            history.blocks[..end].to_vec()
        };
        let (mine, theirs) = (up_to(self), up_to(other));
        let same = mine
            .iter()
            .zip(&theirs)
            .take_while(|(mine, theirs)| mine == theirs)
            .count();
        let next = |blocks: &[(Height, Digest)]| blocks.get(same).map(|(height, _)| *height);
        [next(&mine), next(&theirs)].into_iter().flatten().min()
    }

    /// Whether all these requests were executed.
    pub(crate) fn includes(&self, client: ClientId, sequences: &Sequences) -> bool {
        let none = Sequences::default();
        sequences.within(self.executed.get(&client).unwrap_or(&none))
    }

    /// Hashes what is still open.
    fn close(&mut self) {
        if let Some((height, bytes)) = self.open.take() {
            let before = self
                .blocks
                .last()
                .map_or(Digest::ZERO, |(_, digest)| *digest);
            let digest = Digest::builder("quorate 2026 comparison ledger v1")
                .digest(&before)
                .bytes(&bytes)
                .finish();
            self.blocks.push((height, digest));
        }
    }

    fn execute(&mut self, height: Height, request: RequestRef<'_>) {
        if self.open.as_ref().is_some_and(|(at, _)| *at != height) {
            self.close();
        }
        let (_, bytes) = self.open.get_or_insert_with(|| (height, Vec::new()));
        request.append_to(bytes);
        self.requests += 1;
        let executed = self.executed.entry(request.id.client).or_default();
        if !executed.insert(request.id.sequence) {
            self.repeated += 1;
        }
    }
}

/// An application that appends to a ledger and replies with the entry's number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<History>>);

impl Ledger {
    /// What has been executed so far. Costs a copy of the whole history.
    pub(crate) fn history(&self) -> History {
        let mut history = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        history.close();
        history.clone()
    }
}

impl Application for Ledger {
    fn execute(&mut self, height: Height, request: RequestRef<'_>) -> Vec<u8> {
        let mut history = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        history.execute(height, request);
        history.requests.to_le_bytes().to_vec()
    }
}
