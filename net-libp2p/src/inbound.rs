//! Streams that peers open to us.

use crate::frames::{FrameReader, ReadError};
use crate::hello::{Answer, Hello};
use crate::hub::Hub;
use futures::{AsyncWriteExt, StreamExt};
use libp2p::Stream;
use libp2p_stream::IncomingStreams;
use quorate_core::{Channel, Delivery, Fault, ReplicaId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Streams of one peer and channel that may await their hello. An opener that has given up on one
/// before opening another leaves fewer behind.
const MOST_PENDING: u32 = 8;

#[derive(Default)]
struct Slot {
    pending: u32,
    reader: Option<AbortHandle>,
}

/// Accepts streams: one for each peer and channel is read, the newest.
pub(crate) struct Inbound {
    hub: Arc<Hub>,
    slots: Mutex<Vec<[Slot; 3]>>,
}

/// One of a peer's pending streams; given back when dropped.
struct Pending {
    inbound: Arc<Inbound>,
    peer: ReplicaId,
    channel: Channel,
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut slots = self.inbound.lock();
        slots[self.peer.index()][self.channel as usize].pending -= 1;
    }
}

impl Inbound {
    pub(crate) fn new(hub: Arc<Hub>) -> Arc<Self> {
        let slots = (0..hub.directory.len()).map(|_| Default::default());
        let slots = Mutex::new(slots.collect());
        Arc::new(Self { hub, slots })
    }

    /// Accepts a channel's streams. Does nothing but start a task for each: libp2p-stream drops a
    /// stream that arrives while the one before has not been taken.
    pub(crate) async fn accept(self: Arc<Self>, channel: Channel, mut streams: IncomingStreams) {
        while let Some((peer, stream)) = streams.next().await {
            let Some(peer) = self.hub.directory.replica(&peer) else {
                continue;
            };
            match self.reserve(peer, channel) {
                Some(pending) => {
                    self.hub.spawn(pending.welcome(stream));
                }
                None => self.hub.blame(peer, Fault::Flood),
            }
        }
    }

    fn reserve(self: &Arc<Self>, peer: ReplicaId, channel: Channel) -> Option<Pending> {
        let mut slots = self.lock();
        let slot = &mut slots[peer.index()][channel as usize];
        if slot.pending >= MOST_PENDING {
            return None;
        }
        slot.pending += 1;
        Some(Pending {
            inbound: self.clone(),
            peer,
            channel,
        })
    }

    /// Reads a stream from now on, in place of the one before.
    fn replace(&self, peer: ReplicaId, channel: Channel, stream: Stream) {
        let mut slots = self.lock();
        let slot = &mut slots[peer.index()][channel as usize];
        if let Some(before) = slot.reader.take() {
            before.abort();
        }
        let reader = read(self.hub.clone(), peer, channel, stream);
        slot.reader = self.hub.spawn(reader);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<[Slot; 3]>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// Hears the hello, and answers it.
    async fn welcome(self, mut stream: Stream) {
        let hub = &self.inbound.hub;
        let hello = Hello {
            network: hub.network,
            sender: self.peer,
            channel: self.channel,
        };
        // The opener's time begins earlier and may be doubled already.
        let patience = 4 * hub.config.hello_timeout;
        match timeout(patience, hello.expect(&mut stream)).await {
            Ok(Ok(Answer::Welcome)) => self.inbound.replace(self.peer, self.channel, stream),
            Ok(Ok(answer)) => {
                if let Some(fault) = answer.fault() {
                    hub.blame(self.peer, fault);
                }
                // Closed properly, so that the answer arrives.
                let _ = timeout(patience, stream.close()).await;
            }
            // The opener has given up, or the connection has failed.
            Ok(Err(_)) => {}
            Err(_) => hub.blame(self.peer, Fault::Malformed),
        }
    }
}

/// Reads a stream's frames into the inbox, as fast as that has room.
async fn read(hub: Arc<Hub>, peer: ReplicaId, channel: Channel, stream: Stream) {
    let config = &hub.config;
    let mut reader = FrameReader::new(stream, config.max_frame, config.frame_timeout);
    let mut frames = Vec::new();
    loop {
        let end = reader.read(&mut frames).await.err();
        let deliveries = frames.drain(..).map(|bytes| Delivery {
            from: peer,
            direct: true,
            channel,
            bytes,
            ticket: None,
        });
        let deliveries: Vec<_> = deliveries.collect();
        if !hub.inbox.push(peer, channel, deliveries).await {
            return;
        }
        match end {
            None => {}
            Some(ReadError::Ended) => return,
            Some(ReadError::Oversized(len)) => {
                tracing::debug!(%peer, len, "a frame longer than max_frame was announced");
                return hub.blame(peer, Fault::Oversized);
            }
            Some(ReadError::Empty | ReadError::Stalled) => {
                return hub.blame(peer, Fault::Malformed);
            }
        }
    }
}
