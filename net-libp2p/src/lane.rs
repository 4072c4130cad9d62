//! The streams that we open to peers.

use crate::frames::header;
use crate::hello::{Answer, Hello};
use crate::hub::Hub;
use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{Stream, StreamProtocol};
use libp2p_stream::Control;
use quorate_core::{Channel, Fault, ReplicaId};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Frames that share one write ...
const BATCH_MESSAGES: usize = 256;

/// ... unless they reach this size.
const BATCH_BYTES: usize = 256 * 1024;

/// A frame of this size is written from where it is, shorter ones are copied together.
const COPY_BELOW: usize = 32 * 1024;

/// Memory for copies that a writer keeps while it has nothing to write.
const KEEP: usize = 16 * 1024;

/// Attempts after which waiting times double no further.
const MOST_DOUBLINGS: u32 = 4;

/// The stream protocol of a channel.
pub(crate) const fn protocol(channel: Channel) -> StreamProtocol {
    StreamProtocol::new(match channel {
        Channel::Votes => "/quorate/votes/1",
        Channel::Blocks => "/quorate/blocks/1",
        Channel::Service => "/quorate/service/1",
    })
}

/// The way to one peer on one channel: opens a stream whenever the peer is connected, and writes
/// what is queued.
pub(crate) struct Lane {
    hub: Arc<Hub>,
    control: Control,
    peer: ReplicaId,
    channel: Channel,
}

/// Why a stream could not be opened.
enum NotOpened {
    /// It failed, or was not acknowledged in time.
    Failed,
    /// The peer does not want it.
    Refused(Answer),
}

impl Lane {
    pub(crate) fn new(hub: Arc<Hub>, control: Control, peer: ReplicaId, channel: Channel) -> Self {
        Self {
            hub,
            control,
            peer,
            channel,
        }
    }

    /// Runs until the transport stops.
    pub(crate) async fn run(mut self) {
        let mut connected = self.hub.links.watch(self.peer);
        let mut attempt = 0;
        loop {
            if connected.wait_for(|connected| *connected).await.is_err() {
                return;
            }
            match self.open(attempt).await {
                Ok(stream) => {
                    attempt = 0;
                    self.hub.links.stream_up(self.peer, self.channel);
                    let end = self.write(stream).await;
                    self.hub.links.stream_down(self.peer, self.channel);
                    tracing::debug!(peer = %self.peer, channel = ?self.channel, ?end, "stream ended");
                }
                Err(NotOpened::Failed) => attempt += 1,
                Err(NotOpened::Refused(answer)) => {
                    attempt += 1;
                    let advice = answer.advice();
                    tracing::warn!(peer = %self.peer, "the peer refuses our stream: {advice}");
                    sleep(Duration::from_secs(1)).await;
                }
            }
            sleep(Duration::from_millis(20 << attempt.min(MOST_DOUBLINGS))).await;
        }
    }

    /// Opens a stream and says hello. A stream that is not acknowledged may have been dropped by
    /// the other side's libp2p-stream: the next attempt opens another, and is more patient.
    async fn open(&mut self, attempt: u32) -> Result<Stream, NotOpened> {
        let hello = Hello {
            network: self.hub.network,
            sender: self.hub.directory.me(),
            channel: self.channel,
        };
        let peer = self.hub.directory.peer(self.peer);
        let patience = self.hub.config.hello_timeout * (1 << attempt.min(MOST_DOUBLINGS));
        let opening = async {
            let opened = self.control.open_stream(peer, protocol(self.channel)).await;
            let mut stream = opened.map_err(io::Error::other)?;
            let answer = hello.say(&mut stream).await?;
            Ok::<_, io::Error>((stream, answer))
        };
        match timeout(patience, opening).await {
            Ok(Ok((stream, Answer::Welcome))) => Ok(stream),
            Ok(Ok((_, answer))) => Err(NotOpened::Refused(answer)),
            Ok(Err(error)) => {
                tracing::debug!(peer = %self.peer, channel = ?self.channel, %error, "not opened");
                Err(NotOpened::Failed)
            }
            Err(_) => {
                tracing::debug!(peer = %self.peer, channel = ?self.channel, "not acknowledged");
                Err(NotOpened::Failed)
            }
        }
    }

    /// Writes what is queued, until the stream fails or the peer ends it.
    async fn write(&self, mut stream: Stream) -> io::Result<()> {
        let queue = &self.hub.lanes[self.peer.index()][self.channel as usize];
        let (mut batch, mut copies) = (Vec::new(), Vec::new());
        let mut probe = [0];
        loop {
            queue.take(&mut batch, BATCH_MESSAGES, BATCH_BYTES);
            if !batch.is_empty() {
                write_batch(&mut stream, &mut batch, &mut copies).await?;
                continue;
            }
            stream.flush().await?;
            if copies.capacity() > KEEP {
                copies = Vec::new();
            }
            // Nothing is ever sent back on a stream, so reading finds out that it has ended.
            tokio::select! {
                () = queue.ready() => {}
                read = stream.read(&mut probe) => {
                    if read? > 0 {
                        self.hub.blame(self.peer, Fault::Malformed);
                    }
                    return Ok(());
                }
            }
        }
    }
}

/// Writes frames, in as few pieces as possible.
async fn write_batch<S>(
    stream: &mut S,
    batch: &mut Vec<Bytes>,
    copies: &mut Vec<u8>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for frame in batch.drain(..) {
        copies.extend_from_slice(&header(&frame));
        if frame.len() < COPY_BELOW {
            copies.extend_from_slice(&frame);
            continue;
        }
        stream.write_all(copies).await?;
        copies.clear();
        stream.write_all(&frame).await?;
    }
    if !copies.is_empty() {
        stream.write_all(copies).await?;
        copies.clear();
    }
    Ok(())
}
