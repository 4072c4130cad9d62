//! Decided blocks in a redb database.

use crate::files::{create_directory, sync_directory};
use quorate_core::{BlockStore, Digest, Height, StorageError, StoredBlock};
use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};
use std::fmt;
use std::path::{Path, PathBuf};

/// Height to payload digest, CRC-32 of the rest, and decision.
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
/// Payload digest and height: payloads, the empty one above all, occur more than once.
const PAYLOADS: TableDefinition<'_, (&[u8; 32], u64), ()> = TableDefinition::new("payloads");
/// The stable checkpoint, under [`CHECKPOINT`].
const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");
const CHECKPOINT: &str = "checkpoint";

/// Bytes before the decision in a stored block.
const BLOCK_HEADER: usize = 36;
/// Blocks forgotten in one transaction.
const PRUNE_AT_ONCE: usize = 256;

/// How a [`RedbStore`] uses memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Memory for cached pages, in bytes; 16 MiB by default.
    pub cache_bytes: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
        }
    }
}

/// A block store in one redb file. Every change is one durable transaction.
pub struct RedbStore {
    database: Database,
    path: PathBuf,
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl RedbStore {
    /// Opens the store in a file, or creates it there, with default options.
    ///
    /// # Errors
    ///
    /// [`StorageError::Locked`] if another process has it open, [`StorageError::Database`] if it
    /// is no database, [`StorageError::Io`] if its directory cannot be made durable.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Self::open_with(path, &StoreOptions::default())
    }

    /// Opens the store in a file, or creates it there.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_with(path: impl AsRef<Path>, options: &StoreOptions) -> Result<Self, StorageError> {
        let path = path.as_ref();
        let directory = match path.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        };
        create_directory(directory)?;
        let database = Builder::new()
            .set_cache_size(options.cache_bytes)
            .create(path)
            .map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => StorageError::Locked(path.to_owned()),
                error => failure(path, error),
            })?;
        sync_directory(directory)?;
        let store = Self {
            database,
            path: path.to_owned(),
        };
        // Reading needs the tables to exist.
        store.write(|transaction| {
            store.run(transaction.open_table(BLOCKS))?;
            store.run(transaction.open_table(PAYLOADS))?;
            store.run(transaction.open_table(STATE))?;
            Ok(())
        })?;
        Ok(store)
    }

    fn run<T, E: fmt::Display>(&self, result: Result<T, E>) -> Result<T, StorageError> {
        result.map_err(|error| failure(&self.path, error))
    }

    /// Runs changes in one transaction, durable when this returns.
    fn write<T>(
        &self,
        changes: impl FnOnce(&WriteTransaction) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut transaction = self.run(self.database.begin_write())?;
        self.run(transaction.set_durability(Durability::Immediate))?;
        let result = changes(&transaction)?;
        self.run(transaction.commit())?;
        Ok(result)
    }

    fn decode(&self, height: u64, bytes: &[u8]) -> Result<StoredBlock, StorageError> {
        split(bytes)
            .map(|(payload, decision)| StoredBlock {
                height: Height(height),
                payload,
                decision: decision.to_vec(),
            })
            .ok_or_else(|| failure(&self.path, format!("block {height} is damaged")))
    }

    /// Forgets some blocks below `height`; returns whether there may be more.
    fn prune_some(&self, height: u64) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let mut blocks = self.run(transaction.open_table(BLOCKS))?;
            let mut payloads = self.run(transaction.open_table(PAYLOADS))?;
            for _ in 0..PRUNE_AT_ONCE {
                let first = self.run(blocks.first())?;
                let Some(at) = first.map(|(at, _)| at.value()).filter(|at| *at < height) else {
                    return Ok(false);
                };
                let removed = self.run(blocks.remove(at))?;
                // A damaged block is forgotten like any other; its payload's entry leads nowhere.
                if let Some(bytes) = removed.as_ref().map(|bytes| bytes.value())
                    && let Some(payload) = bytes.first_chunk::<32>()
                {
                    self.run(payloads.remove((payload, at)))?;
                }
            }
            Ok(true)
        })
    }
}

impl BlockStore for RedbStore {
    fn put(&self, blocks: &[StoredBlock]) -> Result<(), StorageError> {
        if blocks.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut table = self.run(transaction.open_table(BLOCKS))?;
            let mut payloads = self.run(transaction.open_table(PAYLOADS))?;
            for block in blocks {
                let height = block.height.0;
                let old = self.run(table.insert(height, join(block).as_slice()))?;
                if let Some(old) = old.as_ref().map(|old| old.value())
                    && let Some(payload) = old.first_chunk::<32>()
                {
                    self.run(payloads.remove((payload, height)))?;
                }
                self.run(payloads.insert((&block.payload.0, height), ()))?;
            }
            Ok(())
        })
    }

    fn get(&self, height: Height) -> Result<Option<StoredBlock>, StorageError> {
        let transaction = self.run(self.database.begin_read())?;
        let table = self.run(transaction.open_table(BLOCKS))?;
        let found = self.run(table.get(height.0))?;
        found
            .map(|bytes| self.decode(height.0, bytes.value()))
            .transpose()
    }

    fn find(&self, payload: &Digest) -> Result<Option<StoredBlock>, StorageError> {
        let transaction = self.run(self.database.begin_read())?;
        let payloads = self.run(transaction.open_table(PAYLOADS))?;
        let mut heights = self.run(payloads.range((&payload.0, 0)..=(&payload.0, u64::MAX)))?;
        let Some(highest) = heights.next_back() else {
            return Ok(None);
        };
        let height = self.run(highest)?.0.value().1;
        let table = self.run(transaction.open_table(BLOCKS))?;
        let found = self.run(table.get(height))?;
        found
            .map(|bytes| self.decode(height, bytes.value()))
            .transpose()
    }

    fn bounds(&self) -> Result<Option<(Height, Height)>, StorageError> {
        let transaction = self.run(self.database.begin_read())?;
        let table = self.run(transaction.open_table(BLOCKS))?;
        let first = self.run(table.first())?.map(|(at, _)| Height(at.value()));
        let last = self.run(table.last())?.map(|(at, _)| Height(at.value()));
        Ok(first.zip(last))
    }

    fn prune(&self, height: Height) -> Result<(), StorageError> {
        // A block at a time would cost a sync each, and all at once memory without bound.
        while self.bounds()?.is_some_and(|(first, _)| first < height) {
            if !self.prune_some(height.0)? {
                break;
            }
        }
        Ok(())
    }

    fn put_checkpoint(&self, checkpoint: &[u8]) -> Result<(), StorageError> {
        self.write(|transaction| {
            let mut table = self.run(transaction.open_table(STATE))?;
            self.run(table.insert(CHECKPOINT, checkpoint))?;
            Ok(())
        })
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let transaction = self.run(self.database.begin_read())?;
        let table = self.run(transaction.open_table(STATE))?;
        let found = self.run(table.get(CHECKPOINT))?;
        Ok(found.map(|bytes| bytes.value().to_vec()))
    }
}

fn failure(path: &Path, error: impl fmt::Display) -> StorageError {
    StorageError::Database {
        path: path.to_owned(),
        what: error.to_string(),
    }
}

fn join(block: &StoredBlock) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BLOCK_HEADER + block.decision.len());
    bytes.extend_from_slice(&block.payload.0);
    bytes.extend_from_slice(&checksum(&block.payload.0, &block.decision).to_le_bytes());
    bytes.extend_from_slice(&block.decision);
    bytes
}

/// The payload's digest and the decision; `None` if they are not what was stored.
fn split(bytes: &[u8]) -> Option<(Digest, &[u8])> {
    let (payload, rest) = bytes.split_first_chunk::<32>()?;
    let (stored, decision) = rest.split_first_chunk::<4>()?;
    let valid = u32::from_le_bytes(*stored) == checksum(payload, decision);
    valid.then_some((Digest(*payload), decision))
}

fn checksum(payload: &[u8; 32], decision: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(payload);
    hasher.update(decision);
    hasher.finalize()
}
