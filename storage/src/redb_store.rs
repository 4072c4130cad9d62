//! Decided blocks in a redb database.

use crate::files::{create_directory, sync_directory};
use quorate_core::{BlockStore, Digest, Height, StorageError, StoredBlock};
use redb::{
    Builder, Database, DatabaseError, Durability, ReadTransaction, ReadableDatabase, ReadableTable,
    Table, TableDefinition, WriteTransaction,
};
use std::fmt;
use std::path::{Path, PathBuf};

/// Height to payload digest, CRC-32 of the rest, length of the decision, and its last bytes.
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("block heads");
/// Height and place to a piece of a decision, so long that it fills whole pages.
const PIECES: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("block pieces");
/// Payload digest and height: payloads, the empty one above all, occur more than once.
const PAYLOADS: TableDefinition<'_, (&[u8; 32], u64), ()> = TableDefinition::new("payloads");
/// The stable checkpoint, under [`CHECKPOINT`].
const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");
const CHECKPOINT: &str = "checkpoint";

/// Bytes before the decision's last bytes in a block's head.
const BLOCK_HEADER: usize = 44;
/// Bytes of a redb page.
const PAGE: usize = 4096;
/// Bytes that redb needs in a page beside one piece: 4 for the page, 12 for the key, and 4 for the
/// length of the value.
const PAGE_OVERHEAD: usize = 20;
/// Bytes of the pages for the longest piece.
const LONGEST_PIECE: usize = 64 * PAGE;
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
            store.run(transaction.open_table(PIECES))?;
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

    /// Reads a block whose head has been found.
    fn read(
        &self,
        transaction: &ReadTransaction,
        height: u64,
        head: &[u8],
    ) -> Result<StoredBlock, StorageError> {
        let damaged = || failure(&self.path, format!("block {height} is damaged"));
        let head = Head::decode(head).ok_or_else(damaged)?;
        let table = self.run(transaction.open_table(PIECES))?;
        let mut decision = Vec::new();
        for piece in self.run(table.range((height, 0)..=(height, u32::MAX)))? {
            decision.extend_from_slice(self.run(piece)?.1.value());
        }
        decision.extend_from_slice(head.rest);
        let valid = decision.len() as u64 == head.length
            && checksum(head.payload, &decision) == head.checksum;
        if !valid {
            return Err(damaged());
        }
        Ok(StoredBlock {
            height: Height(height),
            payload: Digest(*head.payload),
            decision,
        })
    }

    /// Forgets some blocks below `height`; returns whether there may be more.
    fn prune_some(&self, height: u64) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let mut tables = Tables::open(self, transaction)?;
            for _ in 0..PRUNE_AT_ONCE {
                let first = self.run(tables.blocks.first())?;
                let Some(at) = first.map(|(at, _)| at.value()).filter(|at| *at < height) else {
                    return Ok(false);
                };
                tables.remove(self, at)?;
            }
            Ok(true)
        })
    }
}

/// The tables that hold blocks, in a transaction that changes them.
struct Tables<'t> {
    blocks: Table<'t, u64, &'static [u8]>,
    pieces: Table<'t, (u64, u32), &'static [u8]>,
    payloads: Table<'t, (&'static [u8; 32], u64), ()>,
}

impl<'t> Tables<'t> {
    fn open(store: &RedbStore, transaction: &'t WriteTransaction) -> Result<Self, StorageError> {
        Ok(Self {
            blocks: store.run(transaction.open_table(BLOCKS))?,
            pieces: store.run(transaction.open_table(PIECES))?,
            payloads: store.run(transaction.open_table(PAYLOADS))?,
        })
    }

    fn insert(&mut self, store: &RedbStore, block: &StoredBlock) -> Result<(), StorageError> {
        let height = block.height.0;
        let last = store.run(self.blocks.last())?.map(|(at, _)| at.value());
        // Blocks come in order, but for those that are fetched again.
        if last.is_some_and(|last| last >= height) {
            self.remove(store, height)?;
        }
        let (pieces, rest) = cut(&block.decision);
        for (piece, place) in pieces.zip(0_u32..) {
            store.run(self.pieces.insert((height, place), piece))?;
        }
        let head = Head {
            payload: &block.payload.0,
            checksum: checksum(&block.payload.0, &block.decision),
            length: block.decision.len() as u64,
            rest,
        };
        store.run(self.blocks.insert(height, head.encode().as_slice()))?;
        store.run(self.payloads.insert((&block.payload.0, height), ()))?;
        Ok(())
    }

    fn remove(&mut self, store: &RedbStore, height: u64) -> Result<(), StorageError> {
        let removed = store.run(self.blocks.remove(height))?;
        // A damaged block is forgotten like any other; its payload's entry leads nowhere.
        if let Some(bytes) = removed.as_ref().map(|bytes| bytes.value())
            && let Some(payload) = bytes.first_chunk::<32>()
        {
            store.run(self.payloads.remove((payload, height)))?;
        }
        let pieces = (height, 0)..=(height, u32::MAX);
        store.run(self.pieces.retain_in(pieces, |_, _| false))
    }
}

impl BlockStore for RedbStore {
    fn put(&self, blocks: &[StoredBlock]) -> Result<(), StorageError> {
        if blocks.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut tables = Tables::open(self, transaction)?;
            blocks
                .iter()
                .try_for_each(|block| tables.insert(self, block))
        })
    }

    fn get(&self, height: Height) -> Result<Option<StoredBlock>, StorageError> {
        let transaction = self.run(self.database.begin_read())?;
        let table = self.run(transaction.open_table(BLOCKS))?;
        let found = self.run(table.get(height.0))?;
        found
            .map(|head| self.read(&transaction, height.0, head.value()))
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
            .map(|head| self.read(&transaction, height, head.value()))
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

/// What is stored of a block beside its pieces.
struct Head<'a> {
    payload: &'a [u8; 32],
    /// Of the payload's digest and the whole decision.
    checksum: u32,
    /// Of the whole decision, in bytes.
    length: u64,
    /// What of the decision is in no piece.
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BLOCK_HEADER + self.rest.len());
        bytes.extend_from_slice(self.payload);
        bytes.extend_from_slice(&self.checksum.to_le_bytes());
        bytes.extend_from_slice(&self.length.to_le_bytes());
        bytes.extend_from_slice(self.rest);
        bytes
    }

    fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (payload, bytes) = bytes.split_first_chunk::<32>()?;
        let (checksum, bytes) = bytes.split_first_chunk::<4>()?;
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            payload,
            checksum: u32::from_le_bytes(*checksum),
            length: u64::from_le_bytes(*length),
            rest,
        })
    }
}

/// Cuts a decision into pieces that fill redb's pages, and a rest shorter than a page.
///
/// redb gives a value a power of two of pages: 256 KiB and a few bytes would take 512 KiB.
fn cut(decision: &[u8]) -> (impl Iterator<Item = &[u8]>, &[u8]) {
    let mut pages = LONGEST_PIECE;
    let mut lengths = Vec::new();
    let mut left = decision.len();
    while pages >= PAGE {
        let piece = pages - PAGE_OVERHEAD;
        if left >= piece {
            lengths.push(piece);
            left -= piece;
        } else {
            pages /= 2;
        }
    }
    let (mut whole, rest) = decision.split_at(decision.len() - left);
    let pieces = lengths.into_iter().map(move |length| {
        let (piece, others) = whole.split_at(length);
        whole = others;
        piece
    });
    (pieces, rest)
}

fn checksum(payload: &[u8; 32], decision: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(payload);
    hasher.update(decision);
    hasher.finalize()
}
