//! The block store's thread: stores decisions in batches, off the path of any message.

use super::task::Internal;
use crate::Retention;
use crate::driver::Event;
use quorate_core::{
    BlockStore, Checkpoint, CheckpointClaim, Decision, Protocol, StorageError, StoredBlock,
};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use tokio::sync::mpsc::UnboundedSender;

/// Decisions that may wait to be stored before execution waits for the store.
const BACKLOG: usize = 1024;

/// Work for the store.
pub(super) enum StoreWork<P: Protocol> {
    Store(Decision<P>),
    /// A checkpoint became stable; with the snapshot of that state, if there is one.
    Stable(Arc<Checkpoint<P::Scheme>>, Option<Vec<u8>>),
}

/// What the store keeps of a stable checkpoint: the certificate, and the state.
#[derive(borsh::BorshSerialize, borsh::BorshDeserialize)]
pub(super) struct StableState {
    /// Encoded [`Checkpoint`].
    pub(super) checkpoint: Vec<u8>,
    /// The newest snapshot, and what a quorum signed of it: at the checkpoint or an older one.
    pub(super) snapshot: Option<(CheckpointClaim, Vec<u8>)>,
}

/// Starts the thread. It ends when the sender is dropped.
pub(super) fn start<P: Protocol>(
    store: Arc<dyn BlockStore>,
    retention: Retention,
    events: UnboundedSender<Internal<P>>,
) -> std::io::Result<(SyncSender<StoreWork<P>>, thread::JoinHandle<()>)> {
    let (work, received) = sync_channel(BACKLOG);
    let run = move || {
        if let Err(error) = serve(&*store, retention, &received, &events) {
            let _ = events.send(Internal::StoreFailed(error));
        }
    };
    let thread = thread::Builder::new()
        .name("quorate-store".into())
        .spawn(run)?;
    Ok((work, thread))
}

fn serve<P: Protocol>(
    store: &dyn BlockStore,
    retention: Retention,
    received: &Receiver<StoreWork<P>>,
    events: &UnboundedSender<Internal<P>>,
) -> Result<(), StorageError> {
    let mut snapshot = None;
    while let Ok(first) = received.recv() {
        let mut blocks = Vec::new();
        let mut stable = None;
        for work in std::iter::once(first).chain(received.try_iter()) {
            match work {
                StoreWork::Store(decision) => blocks.push(encode(&decision)),
                StoreWork::Stable(checkpoint, state) => stable = Some((checkpoint, state)),
            }
        }
        if let Some(last) = blocks.last().map(|block: &StoredBlock| block.height) {
            store.put(&blocks)?;
            let _ = events.send(Internal::Event(Event::Stored(last)));
        }
        if let Some((checkpoint, state)) = stable {
            snapshot = state.map(|state| (checkpoint.claim, state)).or(snapshot);
            let height = checkpoint.claim.height;
            let checkpoint = borsh::to_vec(&*checkpoint).expect("writing to memory does not fail");
            let state = StableState {
                checkpoint,
                snapshot,
            };
            let encoded = borsh::to_vec(&state).expect("writing to memory does not fail");
            store.put_checkpoint(&encoded)?;
            snapshot = state.snapshot;
            let restorable = snapshot.as_ref().map(|(claim, _)| claim.height);
            if let Some(below) = retention.superfluous(height, restorable) {
                store.prune(below)?;
            }
        }
    }
    Ok(())
}

/// A decision as it is stored.
pub(super) fn encode<P: Protocol>(decision: &Decision<P>) -> StoredBlock {
    StoredBlock {
        height: decision.height,
        payload: *decision.payload.digest(),
        decision: borsh::to_vec(decision).expect("writing to memory does not fail"),
    }
}
