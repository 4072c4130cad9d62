//! The base file: where the log begins. It is how a lost first segment is told from a pruned one.

use crate::files::{Context, corrupt, rename_durably};
use quorate_core::{Seq, StorageError};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"QRLBASE1";
const SIZE: usize = 40;

/// What is known of a log apart from its segments. Replaced atomically at every pruning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// Secret of this log, mixed into every checksum.
    pub(crate) salt: u64,
    /// The oldest segment that is still needed.
    pub(crate) segment: u64,
    /// Place of the first entry in it.
    pub(crate) first: Seq,
}

impl Base {
    pub(crate) fn path(directory: &Path) -> PathBuf {
        directory.join("base")
    }

    pub(crate) fn temporary(directory: &Path) -> PathBuf {
        directory.join("base.new")
    }

    /// Reads the base file; `None` if there is none.
    pub(crate) fn load(directory: &Path) -> Result<Option<Self>, StorageError> {
        let path = Self::path(directory);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result.context("open", &path)?,
        };
        let mut bytes = Vec::with_capacity(SIZE);
        file.take(SIZE as u64 + 1)
            .read_to_end(&mut bytes)
            .context("read", &path)?;
        Self::decode(&bytes)
            .map(Some)
            .ok_or_else(|| corrupt(&path, 0, "not a valid base file"))
    }

    /// Writes the base file, durably and all or nothing.
    pub(crate) fn store(&self, directory: &Path) -> Result<(), StorageError> {
        let temporary = Self::temporary(directory);
        let mut file = File::create(&temporary).context("create", &temporary)?;
        file.write_all(&self.encode())
            .and_then(|()| file.sync_all())
            .context("write", &temporary)?;
        drop(file);
        rename_durably(&temporary, &Self::path(directory))
    }

    fn encode(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[0..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&self.salt.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.segment.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first.0.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..36]);
        bytes[36..40].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SIZE] = bytes.try_into().ok()?;
        let number = |at: usize| {
            u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes of forty"))
        };
        let base = Self {
            salt: number(8),
            segment: number(16),
            first: Seq(number(24)),
        };
        // Comparing the whole encoding refuses a wrong magic, checksum and reserved bytes alike.
        (base.encode() == *bytes && base.segment > 0 && base.first > Seq::NONE).then_some(base)
    }
}
