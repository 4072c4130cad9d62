//! Storage that forgets.

use quorate_core::{BlockStore, Digest, Height, SafetyLog, Seq, StorageError, StoredBlock};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A safety log in memory: **nothing in it is durable**.
///
/// For tests, and for demonstrations in which no replica restarts. A replica that restarts on a
/// new one has amnesia, which counts as a Byzantine fault. Clones share their entries, so that a
/// test can keep one and see what a restart would recover. Grows until it is pruned.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    synced: VecDeque<(Seq, Vec<u8>)>,
    pending: Vec<(Seq, Vec<u8>)>,
    last: Seq,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The synced entries, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<(Seq, Vec<u8>)> {
        locked(&self.0).synced.iter().cloned().collect()
    }

    /// Forgets what has not been synced, as a crash does.
    pub fn crash(&self) {
        let mut entries = locked(&self.0);
        let lost = entries.pending.first().map(|&(seq, _)| seq);
        if let Some(first) = lost {
            entries.last = Seq(first.0 - 1);
        }
        entries.pending.clear();
    }
}

impl SafetyLog for MemoryLog {
    /// See [`SafetyLog::append`].
    ///
    /// # Panics
    ///
    /// If `seq` does not follow the entry before.
    fn append(&mut self, seq: Seq, entry: &[u8]) -> Result<(), StorageError> {
        let mut entries = locked(&self.0);
        assert_eq!(
            seq,
            entries.last.next(),
            "entries come in order, without gaps"
        );
        entries.last = seq;
        entries.pending.push((seq, entry.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> Result<Seq, StorageError> {
        let mut entries = locked(&self.0);
        let pending = std::mem::take(&mut entries.pending);
        entries.synced.extend(pending);
        Ok(entries.last)
    }

    fn prune(&mut self, seq: Seq) -> Result<(), StorageError> {
        let mut entries = locked(&self.0);
        // The newest stays, as in every log, so that the log knows its place.
        while entries.synced.len() > 1 && entries.synced.front().is_some_and(|(at, _)| *at < seq) {
            entries.synced.pop_front();
        }
        Ok(())
    }
}

/// A block store in memory: **nothing in it is durable**. Clones share their blocks.
///
/// For tests, and for demonstrations in which no replica restarts. Grows until it is pruned.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Blocks>>);

#[derive(Debug, Default)]
struct Blocks {
    by_height: BTreeMap<Height, StoredBlock>,
    by_payload: BTreeSet<(Digest, Height)>,
    checkpoint: Option<Vec<u8>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl BlockStore for MemoryStore {
    fn put(&self, blocks: &[StoredBlock]) -> Result<(), StorageError> {
        let mut store = locked(&self.0);
        for block in blocks {
            if let Some(old) = store.by_height.insert(block.height, block.clone()) {
                store.by_payload.remove(&(old.payload, old.height));
            }
            store.by_payload.insert((block.payload, block.height));
        }
        Ok(())
    }

    fn get(&self, height: Height) -> Result<Option<StoredBlock>, StorageError> {
        Ok(locked(&self.0).by_height.get(&height).cloned())
    }

    fn find(&self, payload: &Digest) -> Result<Option<StoredBlock>, StorageError> {
        let store = locked(&self.0);
        let range = (*payload, Height(0))..=(*payload, Height(u64::MAX));
        let highest = store.by_payload.range(range).next_back();
        Ok(highest.and_then(|(_, height)| store.by_height.get(height).cloned()))
    }

    fn bounds(&self) -> Result<Option<(Height, Height)>, StorageError> {
        let store = locked(&self.0);
        let first = store.by_height.first_key_value();
        let last = store.by_height.last_key_value();
        Ok(first
            .zip(last)
            .map(|((first, _), (last, _))| (*first, *last)))
    }

    fn prune(&self, height: Height) -> Result<(), StorageError> {
        let mut store = locked(&self.0);
        store.by_height = store.by_height.split_off(&height);
        store.by_payload.retain(|&(_, at)| at >= height);
        Ok(())
    }

    fn put_checkpoint(&self, checkpoint: &[u8]) -> Result<(), StorageError> {
        locked(&self.0).checkpoint = Some(checkpoint.to_vec());
        Ok(())
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(locked(&self.0).checkpoint.clone())
    }
}

/// Another user's panic leaves the maps whole: each change is one call.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
