//! The application's thread: executes decisions in order, and answers clients.

use super::store::StoreWork;
use super::task::Internal;
use crate::driver::Event;
use crate::handle::{Certificate, Waiters};
use crate::{Executed, Executor};
use quorate_core::{Application, Checkpoint, CheckpointClaim, Decision, Height, Protocol};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::thread;
use tokio::sync::mpsc::UnboundedSender;

/// Most snapshots kept until their checkpoints are stable.
const SNAPSHOTS_MAX: usize = 4;

/// Work for the application.
pub(super) enum ExecutionWork<P: Protocol> {
    Execute(Decision<P>),
    Stable(Arc<Checkpoint<P::Scheme>>),
}

/// The executor with what it reports to.
pub(super) struct Execution<P: Protocol, A: Application> {
    pub(super) executor: Executor<A>,
    pub(super) waiters: Arc<Waiters>,
    pub(super) store: SyncSender<StoreWork<P>>,
    pub(super) events: UnboundedSender<Internal<P>>,
    pub(super) snapshots: BTreeMap<Height, Vec<u8>>,
}

impl<P: Protocol, A: Application> Execution<P, A> {
    /// Starts the thread. It ends when the sender is dropped.
    pub(super) fn start(
        self,
    ) -> std::io::Result<(Sender<ExecutionWork<P>>, thread::JoinHandle<()>)> {
        let (work, received) = channel();
        let builder = thread::Builder::new().name("quorate-execute".into());
        let thread = builder.spawn(move || self.serve(&received))?;
        Ok((work, thread))
    }

    fn serve(mut self, received: &Receiver<ExecutionWork<P>>) {
        while let Ok(work) = received.recv() {
            match work {
                ExecutionWork::Execute(decision) => self.execute(decision),
                ExecutionWork::Stable(checkpoint) => self.stable(checkpoint),
            }
        }
    }

    fn execute(&mut self, decision: Decision<P>) {
        let Executed {
            height,
            replies,
            state,
        } = self.executor.execute(decision.height, &decision.payload);
        let certificate = Certificate {
            height,
            payload: *decision.payload.digest(),
            proof: decision.proof.clone(),
        };
        self.waiters.executed(&certificate, replies);
        let claim = state.map(|state| {
            if let Some(snapshot) = self.executor.snapshot() {
                self.snapshots.insert(height, snapshot);
            }
            while self.snapshots.len() > SNAPSHOTS_MAX {
                self.snapshots.pop_first();
            }
            CheckpointClaim {
                height,
                payload: certificate.payload,
                state,
            }
        });
        // Both ends may be gone when the replica stops.
        let _ = self.store.send(StoreWork::Store(decision));
        let _ = self
            .events
            .send(Internal::Event(Event::Executed(height, claim)));
    }

    fn stable(&mut self, checkpoint: Arc<Checkpoint<P::Scheme>>) {
        let height = checkpoint.claim.height;
        let snapshot = self.snapshots.remove(&height);
        self.snapshots = self.snapshots.split_off(&height);
        let _ = self.store.send(StoreWork::Stable(checkpoint, snapshot));
    }
}
