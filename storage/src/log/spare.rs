//! The next segment, prepared on a thread of its own, so that no commit waits for preallocation.

use super::counters::LogCounters;
use super::retired::RetiredFile;
use super::segment::{Header, Segment};
use quorate_core::StorageError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// A segment that is ready or being made.
#[derive(Debug)]
pub(crate) struct Spare(State);

#[derive(Debug)]
enum State {
    /// Taken, not needed yet, or not made because the thread could not be started.
    Absent,
    /// Found at opening.
    Ready(Segment),
    /// Being written.
    Pending {
        cancelled: Arc<AtomicBool>,
        thread: JoinHandle<Result<Option<Segment>, StorageError>>,
    },
}

impl Spare {
    /// One that exists already.
    pub(crate) const fn ready(segment: Segment) -> Self {
        Self(State::Ready(segment))
    }

    /// None, for now.
    pub(crate) const fn absent() -> Self {
        Self(State::Absent)
    }

    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self.0, State::Absent)
    }

    /// Starts to make a segment, of a retired file if there is one.
    pub(crate) fn begin(
        directory: PathBuf,
        header: Header,
        material: Option<RetiredFile>,
        counters: Arc<LogCounters>,
    ) -> Self {
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = cancelled.clone();
        let thread = thread::Builder::new()
            .name("log-segment".into())
            .spawn(move || make(&directory, header, material, &flag, &counters));
        // A system without a free thread makes the segment when it is needed.
        Self(thread.map_or(State::Absent, |thread| State::Pending { cancelled, thread }))
    }

    /// The segment, waiting for it if need be; `None` if there is none.
    pub(crate) fn take(&mut self) -> Result<Option<Segment>, StorageError> {
        match std::mem::replace(&mut self.0, State::Absent) {
            State::Absent => Ok(None),
            State::Ready(segment) => Ok(Some(segment)),
            State::Pending { thread, .. } => match thread.join() {
                Ok(made) => made,
                Err(panic) => std::panic::resume_unwind(panic),
            },
        }
    }
}

impl Drop for Spare {
    /// Ends the thread: it must not touch the directory once the lock on it is released.
    fn drop(&mut self) {
        if let State::Pending { cancelled, thread } = std::mem::replace(&mut self.0, State::Absent)
        {
            cancelled.store(true, Ordering::Relaxed);
            // The next opening finds and mends whatever this has left undone.
            let _ = thread.join();
        }
    }
}

/// Makes a segment of at least the size that `header` says: of a retired file, or else of zeros.
/// Returns `None` when `cancelled` becomes true meanwhile.
pub(crate) fn make(
    directory: &Path,
    mut header: Header,
    material: Option<RetiredFile>,
    cancelled: &AtomicBool,
    counters: &LogCounters,
) -> Result<Option<Segment>, StorageError> {
    let Some(file) = material else {
        return Segment::create(directory, header, cancelled, counters);
    };
    header.capacity = file.capacity;
    Segment::recycle(directory, header, &file.path, counters).map(Some)
}

/// Makes a segment and waits for it.
pub(crate) fn make_now(
    directory: &Path,
    header: Header,
    material: Option<RetiredFile>,
    counters: &LogCounters,
) -> Result<Segment, StorageError> {
    let made = make(
        directory,
        header,
        material,
        &AtomicBool::new(false),
        counters,
    )?;
    Ok(made.expect("nobody cancels this"))
}
