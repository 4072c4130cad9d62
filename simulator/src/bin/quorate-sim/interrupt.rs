//! Ctrl-C: the first ends a command when the seeds under way are done, the second at once.

use crate::error::SimError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Signals so soon after the first belong to it: some senders signal a process and its group.
const SAME_PRESS: Duration = Duration::from_secs(1);

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on, on a thread of its own.
    pub(crate) fn listen() -> Result<Self, SimError> {
        let pressed = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SimError::Signal)?;
        let own = pressed.clone();
        std::thread::spawn(move || {
            runtime.block_on(async {
                if tokio::signal::ctrl_c().await.is_ok() {
                    own.0.store(true, Ordering::Relaxed);
                    eprintln!("\ninterrupted: waiting for the seeds under way");
                }
                tokio::time::sleep(SAME_PRESS).await;
                if tokio::signal::ctrl_c().await.is_ok() {
                    std::process::exit(130);
                }
            });
        });
        Ok(pressed)
    }

    pub(crate) fn pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
