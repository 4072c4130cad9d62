//! One preallocated file of the log.

use super::counters::LogCounters;
use super::frame::Seed;
use crate::files::{Context, corrupt, rename_durably, write_at};
use quorate_core::StorageError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes before the first frame.
pub(crate) const HEADER: usize = 64;
const MAGIC: &[u8; 8] = b"QRLSEGM1";
/// Zeros are written in pieces of this size, so that giving up takes little time.
const PIECE: usize = 1 << 20;
/// Preallocation syncs this often, so that a commit beside it never waits for all of it.
const SYNC_EVERY: u64 = 8 << 20;

/// Name of a segment file.
pub(crate) fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}.segment"))
}

/// Where a segment is prepared before it gets its name.
pub(crate) fn temporary(directory: &Path) -> PathBuf {
    directory.join("segment.new")
}

/// Name of a pruned segment that is kept to be written over.
pub(crate) fn retired(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}.retired"))
}

/// Whether this is the name of a retired segment.
pub(crate) fn is_retired(name: &str) -> bool {
    numbered(name, ".retired").is_some()
}

/// The number in a segment's file name; `None` if this is no segment's name.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    numbered(name, ".segment")
}

fn numbered(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix)?;
    let valid = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| digits.parse().ok()).flatten()
}

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) salt: u64,
    pub(crate) number: u64,
    /// Length of the file, in bytes. It never changes.
    pub(crate) capacity: u64,
}

impl Header {
    fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&self.salt.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.capacity.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..HEADER - 4]);
        bytes[HEADER - 4..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a header; `None` if it is damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<HEADER>()?;
        let number = |at: usize| {
            u64::from_le_bytes(
                bytes[at..at + 8]
                    .try_into()
                    .expect("eight bytes of a header"),
            )
        };
        let header = Self {
            salt: number(8),
            number: number(16),
            capacity: number(24),
        };
        (header.encode() == *bytes).then_some(header)
    }
}

/// A segment open for writing.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) capacity: u64,
    pub(crate) seed: Seed,
    path: PathBuf,
    file: File,
}

impl Segment {
    /// Creates a segment full of zeros and makes it durable, name included. A segment that has the
    /// name is replaced. Returns `None` when `cancelled` becomes true meanwhile.
    pub(crate) fn create(
        directory: &Path,
        header: Header,
        cancelled: &AtomicBool,
        counters: &LogCounters,
    ) -> Result<Option<Self>, StorageError> {
        let temporary = temporary(directory);
        let file = File::create(&temporary).context("create", &temporary)?;
        let filled = fill(&file, header, cancelled, counters).context("preallocate", &temporary)?;
        drop(file);
        if !filled {
            fs::remove_file(&temporary).context("remove", &temporary)?;
            return Ok(None);
        }
        rename_durably(&temporary, &path(directory, header.number))?;
        counters.kept_house(1);
        counters.filled();
        Self::open(directory, header).map(Some)
    }

    /// Makes a segment of a retired file, durably, name included. A segment that has the name is
    /// replaced. `header` says the length of that file.
    ///
    /// The header is durable before the file gets the segment's name, and what else is in the file
    /// stays: frames of another number, which are not valid under this one's seed.
    pub(crate) fn recycle(
        directory: &Path,
        header: Header,
        from: &Path,
        counters: &LogCounters,
    ) -> Result<Self, StorageError> {
        let file = OpenOptions::new()
            .write(true)
            .open(from)
            .context("open", from)?;
        write_at(&file, &header.encode(), 0)
            .and_then(|()| file.sync_data())
            .context("write", from)?;
        drop(file);
        rename_durably(from, &path(directory, header.number))?;
        counters.kept_house(2);
        counters.recycled();
        Self::open(directory, header)
    }

    /// Opens an existing segment, whose header has been checked.
    pub(crate) fn open(directory: &Path, header: Header) -> Result<Self, StorageError> {
        let path = path(directory, header.number);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .context("open", &path)?;
        Ok(Self {
            number: header.number,
            capacity: header.capacity,
            seed: Seed::new(header.salt, header.number),
            path,
            file,
        })
    }

    pub(crate) fn write(&self, bytes: &[u8], position: u64) -> Result<(), StorageError> {
        assert!(
            position + bytes.len() as u64 <= self.capacity,
            "a segment never grows"
        );
        write_at(&self.file, bytes, position).context("write", &self.path)
    }

    /// Makes everything written durable. The file's size has not changed since it was created, so
    /// that this costs no update of its metadata.
    pub(crate) fn sync(&self) -> Result<(), StorageError> {
        self.file.sync_data().context("sync", &self.path)
    }

    /// Makes every later write fail, as a disk does that has gone read-only.
    #[cfg(test)]
    pub(crate) fn break_writes(&mut self) {
        self.file = File::open(&self.path).expect("the segment exists");
    }
}

fn fill(
    file: &File,
    header: Header,
    cancelled: &AtomicBool,
    counters: &LogCounters,
) -> io::Result<bool> {
    let zeros = vec![0; PIECE.min(usize::try_from(header.capacity).unwrap_or(PIECE))];
    let mut position = 0;
    while position < header.capacity {
        if cancelled.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let length = (header.capacity - position).min(zeros.len() as u64);
        let length = usize::try_from(length).expect("at most a piece");
        write_at(file, &zeros[..length], position)?;
        position += length as u64;
        if position.is_multiple_of(SYNC_EVERY) {
            file.sync_data()?;
            counters.kept_house(1);
        }
    }
    write_at(file, &header.encode(), 0)?;
    file.sync_all()?;
    counters.kept_house(1);
    Ok(true)
}

/// The whole content of a segment file whose header and length are right.
pub(crate) fn read(directory: &Path, number: u64) -> Result<(Header, Vec<u8>), StorageError> {
    let path = path(directory, number);
    let mut file = File::open(&path).context("open", &path)?;
    let length = file.metadata().context("inspect", &path)?.len();
    let mut bytes = Vec::with_capacity(HEADER);
    (&mut file)
        .take(HEADER as u64)
        .read_to_end(&mut bytes)
        .context("read", &path)?;
    let header = Header::decode(&bytes)
        .ok_or_else(|| corrupt(&path, 0, "the segment's header is damaged"))?;
    if header.number != number {
        return Err(corrupt(
            &path,
            0,
            format!("this is segment {}", header.number),
        ));
    }
    if header.capacity != length {
        let what = format!("the file has {length} bytes, not {}", header.capacity);
        return Err(corrupt(&path, length, what));
    }
    // The length is the file's own, so this allocates what is there to read and no more.
    bytes.reserve_exact(usize::try_from(length).unwrap_or(usize::MAX) - bytes.len());
    file.take(length - HEADER as u64)
        .read_to_end(&mut bytes)
        .context("read", &path)?;
    if bytes.len() as u64 != length {
        return Err(corrupt(&path, bytes.len() as u64, "the file ends early"));
    }
    Ok((header, bytes))
}
