//! Pruned segments, kept to be written over.
//!
//! Their space is allocated and their pages are likely in memory, so that making the next segment
//! of one costs a header and two syncs, and not a write of all its bytes. Nothing in a retired file
//! is ever read: it is stale by definition, and once it has a new number, and so a new seed, none
//! of its old frames is valid in it.

use super::options::{ClosedSegment, LogOptions};
use super::segment;
use crate::files::{Context, remove_if_present};
use quorate_core::StorageError;
use std::fs;
use std::path::{Path, PathBuf};

/// A file that waits to become a segment again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RetiredFile {
    pub(crate) path: PathBuf,
    /// Its length, in bytes.
    pub(crate) capacity: u64,
}

/// The files that wait; a bounded number.
#[derive(Debug)]
pub(crate) struct Retired {
    files: Vec<RetiredFile>,
    limit: usize,
    capacity: u64,
}

impl Retired {
    /// Finds the files of earlier runs; removes those that are of no use.
    pub(crate) fn find(directory: &Path, options: &LogOptions) -> Result<Self, StorageError> {
        let mut retired = Self {
            files: Vec::new(),
            limit: options.retired_segments,
            capacity: options.largest_segment(),
        };
        for path in paths(directory)? {
            let capacity = fs::metadata(&path).context("inspect", &path)?.len();
            if retired.wants(capacity) {
                retired.files.push(RetiredFile { path, capacity });
            } else {
                remove_if_present(&path)?;
            }
        }
        Ok(retired)
    }

    /// Keeps a segment that nobody needs any more, or removes it. Durable once the directory is
    /// synced; the base file must say already that the segment is not needed.
    pub(crate) fn retire(
        &mut self,
        directory: &Path,
        segment: &ClosedSegment,
    ) -> Result<(), StorageError> {
        let from = segment::path(directory, segment.number);
        if !self.wants(segment.capacity) {
            return remove_if_present(&from);
        }
        let path = segment::retired(directory, segment.number);
        fs::rename(&from, &path).context("rename", &from)?;
        self.files.push(RetiredFile {
            path,
            capacity: segment.capacity,
        });
        Ok(())
    }

    /// A file of at least this size, the largest first. The caller must use it up.
    pub(crate) fn take(&mut self, capacity: u64) -> Option<RetiredFile> {
        let fitting = self.files.iter().enumerate();
        let (index, _) = fitting
            .filter(|(_, file)| file.capacity >= capacity)
            .max_by_key(|(_, file)| file.capacity)?;
        Some(self.files.swap_remove(index))
    }

    /// Whether a file of this size is worth its place: those that the log has outgrown are not,
    /// nor those that were made for one huge entry.
    fn wants(&self, capacity: u64) -> bool {
        let sizes = self.capacity..=self.capacity.saturating_mul(2);
        self.files.len() < self.limit
            && sizes.contains(&capacity)
            && capacity.is_multiple_of(super::frame::ALIGNMENT as u64)
    }
}

/// Whether a directory has any retired file: only a log that has been in use has.
pub(crate) fn exist(directory: &Path) -> Result<bool, StorageError> {
    Ok(!paths(directory)?.is_empty())
}

fn paths(directory: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let mut paths = Vec::new();
    for file in fs::read_dir(directory).context("list", directory)? {
        let file = file.context("list", directory)?;
        let name = file.file_name();
        if name.to_str().is_some_and(segment::is_retired) {
            paths.push(file.path());
        }
    }
    paths.sort();
    Ok(paths)
}
