//! The few file operations that durability needs beyond what `std::fs` names.

use quorate_core::StorageError;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Says what was attempted on which path when the system refuses.
pub(crate) trait Context<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, StorageError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, StorageError> {
        self.map_err(|source| StorageError::Io {
            action,
            path: path.to_owned(),
            source,
        })
    }
}

pub(crate) fn corrupt(path: &Path, offset: u64, what: impl Into<String>) -> StorageError {
    StorageError::Corrupt {
        path: path.to_owned(),
        offset,
        what: what.into(),
    }
}

/// Makes the names in a directory durable. A synced file whose name is lost is lost.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StorageError> {
    // Elsewhere a directory cannot be opened as a file; the file system journals names itself.
    if cfg!(unix) {
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .context("sync directory", directory)?;
    }
    Ok(())
}

/// Creates a directory, and makes its name durable in its parent.
pub(crate) fn create_directory(directory: &Path) -> Result<(), StorageError> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => return Ok(()),
    };
    create_directory(parent)?;
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result.context("create directory", directory)?,
    }
    sync_directory(parent)
}

/// Gives a synced file its final name, durably. A file that had the name is replaced.
pub(crate) fn rename_durably(from: &Path, to: &Path) -> Result<(), StorageError> {
    fs::rename(from, to).context("rename", from)?;
    sync_directory(to.parent().expect("files of ours live in a directory"))
}

/// Removes a file if it exists. Not durable before the directory is synced.
pub(crate) fn remove_if_present(path: &Path) -> Result<(), StorageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.context("remove", path),
    }
}

/// Writes at a position, in one system call where there is one.
#[cfg(unix)]
pub(crate) fn write_at(file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, position)
}

/// Writes at a position. The file has one owner, so that nobody else moves its cursor.
#[cfg(not(unix))]
pub(crate) fn write_at(mut file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(position))?;
    file.write_all(bytes)
}
