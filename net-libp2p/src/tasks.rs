//! The transport's tasks, so that all of them can be ended.

use libp2p::swarm::Executor;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::{AbortHandle, JoinError, JoinSet};

/// Every task of one transport. `None` once they have been ended.
pub(crate) struct Tasks(Mutex<Option<JoinSet<()>>>);

impl Tasks {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(JoinSet::new()))))
    }

    /// Starts a task; returns `None` if the transport has ended.
    pub(crate) fn spawn(
        &self,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Option<AbortHandle> {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = tasks.as_mut()?;
        // Those that have ended leave the set here, so it holds few more than are running.
        while let Some(ended) = tasks.try_join_next() {
            report(ended);
        }
        Some(tasks.spawn(task))
    }

    /// Waits for all tasks to end, and ends those that do not by themselves.
    pub(crate) async fn end(&self, patience: Duration) {
        let Some(mut tasks) = self.take() else { return };
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                report(ended);
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            tasks.shutdown().await;
        }
    }

    /// Ends all tasks without waiting for them.
    pub(crate) fn abort(&self) {
        drop(self.take());
    }

    fn take(&self) -> Option<JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A task of ours that panicked is a bug, which must not go unnoticed.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a network task has panicked");
    }
}

/// Runs libp2p's tasks among ours.
pub(crate) struct Spawner(pub(crate) Arc<Tasks>);

impl Executor for Spawner {
    fn exec(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.0.spawn(task);
    }
}
