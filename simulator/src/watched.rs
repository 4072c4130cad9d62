//! The application of a simulated replica, under observation.

use quorate_core::{Application, Digest, Height, Refusal, RequestId, RequestRef, Validator};
use std::sync::{Arc, Mutex};

/// Passes everything on, and keeps what has been executed until the world asks.
pub(crate) struct Watched {
    inner: Box<dyn Application>,
    executed: Executed,
}

/// What has been executed since the world last asked.
pub(crate) type Executed = Arc<Mutex<Vec<(Height, RequestId)>>>;

impl Watched {
    pub(crate) fn new(inner: Box<dyn Application>, executed: Executed) -> Self {
        Self { inner, executed }
    }
}

impl Application for Watched {
    fn execute(&mut self, height: Height, request: RequestRef<'_>) -> Vec<u8> {
        let mut executed = self.executed.lock().expect("one thread");
        executed.push((height, request.id));
        drop(executed);
        self.inner.execute(height, request)
    }

    fn check(&self, request: RequestRef<'_>) -> Result<(), Refusal> {
        self.inner.check(request)
    }

    fn query(&self, question: &[u8]) -> Vec<u8> {
        self.inner.query(question)
    }

    fn digest(&self) -> Option<Digest> {
        self.inner.digest()
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        self.inner.snapshot()
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Refusal> {
        self.inner.restore(snapshot)
    }

    fn validators_after(&self, height: Height) -> Option<Vec<Validator>> {
        self.inner.validators_after(height)
    }
}
