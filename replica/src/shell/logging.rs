//! The safety log's thread: appends what has gathered, and syncs once.

use crate::driver::Event;
use crate::entry;
use quorate_core::{Persist, Protocol, SafetyLog, Seq, StorageError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use tokio::sync::mpsc::UnboundedSender;

/// Work for the log.
pub(super) enum LogWork<P: Protocol> {
    Append(Vec<Persist<P>>),
    Prune(Seq),
}

/// What the log reports.
pub(super) enum LogReport {
    Durable(Seq),
    Failed(StorageError),
}

/// Starts the thread. It ends when the sender is dropped; then the log is closed.
pub(super) fn start<P: Protocol>(
    mut log: Box<dyn SafetyLog>,
    events: UnboundedSender<super::task::Internal<P>>,
    syncs: Arc<AtomicU64>,
) -> std::io::Result<(Sender<LogWork<P>>, thread::JoinHandle<()>)> {
    let (work, received) = channel();
    let run = move || {
        if let Err(error) = serve(&mut *log, &received, &events, &syncs) {
            // The driver may be gone already; then nobody is left to mislead.
            let _ = events.send(super::task::Internal::Log(LogReport::Failed(error)));
        }
    };
    let thread = thread::Builder::new()
        .name("quorate-log".into())
        .spawn(run)?;
    Ok((work, thread))
}

/// Group commit: everything that gathered during the last sync goes into the next one.
fn serve<P: Protocol>(
    log: &mut dyn SafetyLog,
    received: &Receiver<LogWork<P>>,
    events: &UnboundedSender<super::task::Internal<P>>,
    syncs: &AtomicU64,
) -> Result<(), StorageError> {
    while let Ok(first) = received.recv() {
        let mut prune = None;
        let mut appended = false;
        for work in std::iter::once(first).chain(received.try_iter()) {
            match work {
                LogWork::Append(entries) => {
                    for persist in entries {
                        log.append(persist.seq(), &entry::encode(persist.entry()))?;
                        appended = true;
                    }
                }
                LogWork::Prune(seq) => prune = Some(seq),
            }
        }
        if appended {
            let durable = log.sync()?;
            syncs.fetch_add(1, Ordering::Relaxed);
            let report = super::task::Internal::Log(LogReport::Durable(durable));
            if events.send(report).is_err() {
                return Ok(());
            }
        }
        if let Some(seq) = prune {
            log.prune(seq)?;
        }
    }
    Ok(())
}

impl LogReport {
    /// The driver's event, or the failure.
    pub(super) fn event<P: Protocol>(self) -> Result<Event<P>, StorageError> {
        match self {
            Self::Durable(seq) => Ok(Event::Durable(seq)),
            Self::Failed(error) => Err(error),
        }
    }
}
