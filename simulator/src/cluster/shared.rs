//! The user's applications, within reach while replicas run them.

use crate::Factory;
use quorate_core::{Application, Digest, Height, Refusal, ReplicaId, RequestRef, Validator};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// An application that its replica and the simulation's user share.
struct Shared<A>(Arc<RwLock<A>>);

/// The application of a replica's last start, if it has been started.
type Slot<A> = Option<Arc<RwLock<A>>>;

/// The applications of all replicas.
#[derive(Debug)]
pub(super) struct Applications<A>(Arc<RwLock<Vec<Slot<A>>>>);

/// Reads. What a panic has left behind may be looked at.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl<A: Application> Applications<A> {
    /// No application yet; and what makes each, and enters it here, when a replica starts.
    pub(super) fn new(
        replicas: usize,
        make: impl Fn(ReplicaId) -> A + Send + Sync + 'static,
    ) -> (Self, Factory) {
        let slots = Arc::new(RwLock::new((0..replicas).map(|_| None).collect::<Vec<_>>()));
        let entered = Arc::clone(&slots);
        let factory: Factory = Arc::new(move |id| {
            let application = Arc::new(RwLock::new(make(id)));
            write(&entered)[id.index()] = Some(Arc::clone(&application));
            Box::new(Shared(application))
        });
        (Self(slots), factory)
    }

    /// Looks at a replica's application, if it has been started.
    pub(super) fn look<R>(&self, at: ReplicaId, look: impl FnOnce(&A) -> R) -> Option<R> {
        let application = read(&self.0).get(at.index()).cloned().flatten()?;
        Some(look(&read(&application)))
    }
}

impl<A: Application> Application for Shared<A> {
    fn execute(&mut self, height: Height, request: RequestRef<'_>) -> Vec<u8> {
        write(&self.0).execute(height, request)
    }

    fn check(&self, request: RequestRef<'_>) -> Result<(), Refusal> {
        read(&self.0).check(request)
    }

    fn query(&self, question: &[u8]) -> Vec<u8> {
        read(&self.0).query(question)
    }

    fn digest(&self) -> Option<Digest> {
        read(&self.0).digest()
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        read(&self.0).snapshot()
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Refusal> {
        write(&self.0).restore(snapshot)
    }

    fn validators_after(&self, height: Height) -> Option<Vec<Validator>> {
        read(&self.0).validators_after(height)
    }
}
