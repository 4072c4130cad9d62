//! What opening a log does to its directory: locks it, creates what is missing, and mends what a
//! crash has left.

use super::base::Base;
use super::counters::LogCounters;
use super::options::LogOptions;
use super::recovery::{self, Recovered};
use super::segment::{self, Header, Segment};
use super::spare;
use crate::files::{Context, corrupt, remove_if_present, sync_directory};
use quorate_core::{Seq, StorageError};
use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

/// Keeps others out of the directory, until the file is dropped.
pub(crate) fn lock(directory: &Path) -> Result<File, StorageError> {
    let path = directory.join("lock");
    let file = File::create(&path).context("create", &path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageError::Locked(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(error).context("lock", &path),
    }
}

/// Starts a log: first its first segment, then the base file that says that there is a log.
pub(crate) fn create(
    directory: &Path,
    options: &LogOptions,
    counters: &LogCounters,
) -> Result<Base, StorageError> {
    if !recovery::is_unborn(directory)? {
        let what = "the file is missing, but there are segments";
        return Err(corrupt(&Base::path(directory), 0, what));
    }
    let base = Base {
        salt: RandomState::new().hash_one(0_u8),
        segment: 1,
        first: Seq::NONE.next(),
    };
    let header = Header {
        salt: base.salt,
        number: base.segment,
        capacity: options.segment_after(None),
    };
    spare::make_now(directory, header, None, counters)?;
    base.store(directory)?;
    counters.kept_house(2);
    Ok(base)
}

/// Makes durable what was recovered, and removes what was not, so that it cannot come back.
pub(crate) fn mend(
    directory: &Path,
    recovered: &Recovered,
    counters: &LogCounters,
) -> Result<Segment, StorageError> {
    for leftover in [Base::temporary(directory), segment::temporary(directory)] {
        remove_if_present(&leftover)?;
    }
    for &number in &recovered.leftovers {
        remove_if_present(&segment::path(directory, number))?;
    }
    if let Some(found) = recovered.spare.filter(|found| !found.clean) {
        remove_if_present(&segment::path(directory, found.header.number))?;
    }
    sync_directory(directory)?;
    // After a failed sync the system may hold as clean in memory what the disk never got: only
    // writing it again makes sure.
    for unproven in &recovered.unproven {
        let segment = Segment::open(directory, unproven.header)?;
        segment.write(&unproven.bytes, unproven.position)?;
        segment.sync()?;
        counters.kept_house(1);
    }
    let active = Segment::open(directory, recovered.active)?;
    if recovered.torn {
        tracing::warn!(
            last = %recovered.last,
            "the last write before the crash was incomplete and is dropped"
        );
    }
    // Whatever lies there, torn or stale: pieces of a torn batch cannot be told from what a
    // recycled file held before, and nothing may line up behind new entries.
    let rest = recovered.tail - recovered.position;
    if rest > 0 {
        let rest = usize::try_from(rest).expect("it has been read to memory");
        active.write(&vec![0; rest], recovered.position)?;
        active.sync()?;
        counters.kept_house(1);
    }
    Ok(active)
}
