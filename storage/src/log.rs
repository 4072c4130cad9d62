//! The safety log.

mod base;
mod counters;
mod frame;
mod opening;
mod options;
mod recovery;
mod retired;
mod segment;
mod spare;

#[cfg(test)]
mod tests;

pub use counters::LogCounters;
pub use options::LogOptions;

use crate::files::{Context, create_directory, sync_directory};
use base::Base;
use frame::{Frame, Kind};
use options::ClosedSegment;
use quorate_core::{SafetyLog, Seq, StorageError};
use retired::Retired;
use segment::{HEADER, Header, Segment};
use spare::Spare;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Buffers larger than this are given back after a commit.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

/// A safety log in a directory of its own: preallocated segments of checksummed frames. Pruned
/// segments are written over, so that at steady state the disk gets nothing but entries.
///
/// [`SafetyLog::append`] keeps entries in memory, at most one segment of them;
/// [`SafetyLog::sync`] writes them in one piece and syncs once. What a crash leaves is told apart
/// exactly: an entry whose sync had returned is either recovered or its loss is an error, except
/// for the very last batch if damage hits it within seconds of a power cut (the page
/// `docs/persistence.md` says why).
///
/// One process at a time uses a directory. Dropping the log makes its closing mark durable.
#[derive(Debug)]
pub struct SegmentLog {
    directory: PathBuf,
    options: LogOptions,
    counters: Arc<LogCounters>,
    base: Base,
    closed: VecDeque<ClosedSegment>,
    active: Segment,
    /// Where the buffer goes in the active segment.
    position: u64,
    buffer: Vec<u8>,
    last: Seq,
    durable: Seq,
    /// Whether a seal has been written since the last sync.
    sealed: bool,
    failed: bool,
    spare: Spare,
    retired: Retired,
    /// Held until everything else is dropped.
    _lock: File,
}

impl SegmentLog {
    /// Opens the log in `directory`, or creates it there, and returns what survived, in order.
    ///
    /// Everything returned is durable, also what was in the operating system's memory only.
    /// The next entry's place is one above the last one returned, or the first if there is none:
    /// pruning always leaves an entry.
    ///
    /// A directory that is gone altogether cannot be told from a new one. Whether an empty log may
    /// be voted with is for the replica to decide.
    ///
    /// # Errors
    ///
    /// [`StorageError::Corrupt`] if an entry that was durable is missing or damaged; the files are
    /// left as they are. [`StorageError::Locked`] if another log object or process has the
    /// directory open. [`StorageError::Io`] if the system refuses.
    #[allow(
        clippy::type_complexity,
        reason = "a pair of the log and its entries needs no name"
    )]
    pub fn open(
        directory: impl AsRef<Path>,
        options: LogOptions,
    ) -> Result<(Self, Vec<(Seq, Vec<u8>)>), StorageError> {
        let directory = directory.as_ref();
        create_directory(directory)?;
        let lock = opening::lock(directory)?;
        let counters = Arc::new(LogCounters::default());
        let base = match Base::load(directory)? {
            Some(base) => base,
            None => opening::create(directory, &options, &counters)?,
        };
        let recovered = recovery::recover(directory, &base)?;
        let active = opening::mend(directory, &recovered, &counters)?;
        let spare = match recovered.spare {
            Some(found) if found.clean => Spare::ready(Segment::open(directory, found.header)?),
            _ => Spare::absent(),
        };
        let retired = Retired::find(directory, &options)?;
        let mut log = Self {
            directory: directory.to_owned(),
            options,
            counters,
            base,
            closed: recovered.closed.into(),
            active,
            position: recovered.position,
            buffer: Vec::new(),
            last: recovered.last,
            durable: recovered.last,
            sealed: false,
            failed: false,
            spare,
            retired,
            _lock: lock,
        };
        log.seal()?;
        Ok((log, recovered.entries))
    }

    /// Place of the last entry appended or recovered; [`Seq::NONE`] if there is none.
    #[must_use]
    pub const fn last(&self) -> Seq {
        self.last
    }

    /// What the log costs, readable after it has moved to its thread.
    #[must_use]
    pub fn counters(&self) -> Arc<LogCounters> {
        self.counters.clone()
    }

    /// Runs an operation, unless one has failed; closes the log for good if this one does.
    fn guarded<T>(
        &mut self,
        operation: impl FnOnce(&mut Self) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if self.failed {
            return Err(StorageError::Closed);
        }
        let result = operation(self);
        self.failed = result.is_err();
        result
    }

    fn push(&mut self, kind: Kind, seq: Seq, content: &[u8]) {
        let frame = Frame {
            kind,
            seq,
            durable: self.durable,
            content,
        };
        frame.encode(self.active.seed, &mut self.buffer);
    }

    fn write_entry(&mut self, seq: Seq, entry: &[u8]) -> Result<(), StorageError> {
        assert_eq!(seq, self.last.next(), "entries come in order, without gaps");
        if entry.len() > self.options.max_entry_bytes as usize {
            let what = format!("an entry of {} bytes is too long", entry.len());
            let error = io::Error::new(io::ErrorKind::InvalidInput, what);
            return Err(error).context("append to", &self.directory);
        }
        // A mark must always fit behind the last entry.
        let needed = (frame::size(entry.len()) + frame::HEADER) as u64;
        if self.position + self.buffer.len() as u64 + needed > self.active.capacity {
            self.roll(needed)?;
        }
        self.push(Kind::Entry, seq, entry);
        self.last = seq;
        Ok(())
    }

    /// Writes the buffer and syncs. Everything appended is then durable.
    fn commit(&mut self) -> Result<(), StorageError> {
        self.active.write(&self.buffer, self.position)?;
        self.active.sync()?;
        self.counters.committed(self.buffer.len());
        self.position += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BUFFER_BYTES);
        self.durable = self.last;
        self.sealed = false;
        Ok(())
    }

    /// Marks the last batch as durable, without waiting for the mark to be so itself. The next
    /// batch overwrites the mark and says the same.
    fn seal(&mut self) -> Result<(), StorageError> {
        let mut bytes = Vec::with_capacity(frame::HEADER);
        let seal = Frame {
            kind: Kind::Seal,
            seq: self.durable,
            durable: self.durable,
            content: &[],
        };
        seal.encode(self.active.seed, &mut bytes);
        self.active.write(&bytes, self.position)?;
        self.sealed = true;
        Ok(())
    }

    /// Closes the active segment and goes over to the next, which holds at least `needed` bytes.
    ///
    /// The next segment is durable before the end of this one is written, and this one is synced
    /// before anything is written to the next.
    fn roll(&mut self, needed: u64) -> Result<(), StorageError> {
        let mut header = following(&self.header(), &self.options);
        let needed = HEADER as u64 + needed;
        let next = match self.spare.take()? {
            Some(segment) if segment.capacity >= needed => segment,
            _ => {
                header.capacity = header.capacity.max(needed);
                let material = self.retired.take(header.capacity);
                spare::make_now(&self.directory, header, material, &self.counters)?
            }
        };
        self.push(Kind::End, self.last, &[]);
        self.commit()?;
        self.closed.push_back(ClosedSegment {
            number: self.active.number,
            last: self.last,
            capacity: self.active.capacity,
        });
        self.active = next;
        self.position = HEADER as u64;
        Ok(())
    }

    /// Starts to make the next segment once this one is half full. Until then pruning may free a
    /// file for it, and a log that stays small has no second segment.
    fn prepare(&mut self) {
        if self.spare.is_absent() && self.position >= self.active.capacity / 2 {
            self.begin_spare();
        }
    }

    fn begin_spare(&mut self) {
        let header = following(&self.header(), &self.options);
        let material = self.retired.take(header.capacity);
        let (directory, counters) = (self.directory.clone(), self.counters.clone());
        self.spare = Spare::begin(directory, header, material, counters);
    }

    const fn header(&self) -> Header {
        Header {
            salt: self.base.salt,
            number: self.active.number,
            capacity: self.active.capacity,
        }
    }

    fn forget(&mut self, seq: Seq) -> Result<(), StorageError> {
        // The newest durable entry stays, so that the log always knows its place.
        let count = self
            .closed
            .iter()
            .take_while(|segment| segment.last < seq && segment.last < self.durable)
            .count();
        let Some(newest) = count.checked_sub(1).map(|index| self.closed[index]) else {
            return Ok(());
        };
        let base = Base {
            segment: newest.number + 1,
            first: newest.last.next(),
            ..self.base
        };
        base.store(&self.directory)?;
        self.base = base;
        for segment in self.closed.drain(..count) {
            self.retired.retire(&self.directory, &segment)?;
        }
        sync_directory(&self.directory)?;
        self.counters.kept_house(3);
        Ok(())
    }
}

impl SafetyLog for SegmentLog {
    /// See [`SafetyLog::append`].
    ///
    /// # Panics
    ///
    /// If `seq` does not follow the entry before.
    fn append(&mut self, seq: Seq, entry: &[u8]) -> Result<(), StorageError> {
        self.guarded(|log| log.write_entry(seq, entry))
    }

    fn sync(&mut self) -> Result<Seq, StorageError> {
        self.guarded(|log| {
            if !log.buffer.is_empty() {
                log.commit()?;
                log.seal()?;
                log.prepare();
            }
            Ok(log.durable)
        })
    }

    /// See [`SafetyLog::prune`]. Whole segments are removed, or kept to be written over, never the
    /// one in use, and never the newest entry. A failure here leaves nothing in doubt, and does not close the log.
    fn prune(&mut self, seq: Seq) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Closed);
        }
        self.forget(seq)
    }
}

impl Drop for SegmentLog {
    fn drop(&mut self) {
        if self.sealed && !self.failed {
            // Every entry is durable already: this is about the mark that says so.
            if let Err(error) = self.active.sync() {
                tracing::warn!(%error, "the safety log's closing mark may not be durable");
            }
        }
    }
}

/// Header of the segment that follows.
fn following(header: &Header, options: &LogOptions) -> Header {
    Header {
        salt: header.salt,
        number: header.number + 1,
        capacity: options.segment_after(Some(header.capacity)),
    }
}
