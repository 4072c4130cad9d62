//! Frames on a stream: a length of four bytes, little endian, and then as many bytes.

use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What is read at once. Frames up to this size are copied out of the buffer, so that a small
/// frame that is kept does not keep all of it.
const CHUNK: usize = 64 * 1024;

/// Every so many bytes of a frame give it another second to arrive.
const BYTES_PER_SECOND: usize = 64 * 1024;

/// Why reading ends.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The stream has ended, or its connection failed.
    Ended,
    /// A frame longer than the limit was announced. Nothing was allocated for it.
    Oversized(usize),
    /// An empty frame: no message is empty.
    Empty,
    /// A frame began and did not arrive in time.
    Stalled,
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        Self::Ended
    }
}

/// The length that goes before a frame.
pub(crate) fn header(frame: &Bytes) -> [u8; 4] {
    u32::try_from(frame.len())
        .expect("max_frame is at most 1 GiB")
        .to_le_bytes()
}

/// Reads frames off a stream.
pub(crate) struct FrameReader<S> {
    stream: S,
    max_frame: usize,
    patience: Duration,
    buffer: Box<[u8]>,
    /// What has been read and not yet returned.
    filled: std::ops::Range<usize>,
}

impl<S: AsyncRead + Unpin> FrameReader<S> {
    pub(crate) fn new(stream: S, max_frame: usize, patience: Duration) -> Self {
        Self {
            stream,
            max_frame,
            patience,
            buffer: vec![0; CHUNK].into_boxed_slice(),
            filled: 0..0,
        }
    }

    /// Appends the frames that have arrived, waiting for at least one.
    pub(crate) async fn read(&mut self, into: &mut Vec<Bytes>) -> Result<(), ReadError> {
        let mut began = None;
        loop {
            let large = self.split(into)?;
            if !into.is_empty() {
                // What follows is read next time, the frames before it need not wait.
                return Ok(());
            }
            if let Some(len) = large {
                into.push(self.read_large(len).await?);
                return Ok(());
            }
            self.buffer.copy_within(self.filled.clone(), 0);
            self.filled = 0..self.filled.len();
            let free = &mut self.buffer[self.filled.end..];
            let read = if self.filled.is_empty() {
                self.stream.read(free).await?
            } else {
                // The rest of a frame no longer than the buffer.
                let deadline = *began
                    .get_or_insert_with(|| Instant::now() + self.patience + Duration::from_secs(1));
                let read = timeout_at(deadline, self.stream.read(free)).await;
                read.map_err(|_| ReadError::Stalled)??
            };
            if read == 0 {
                return Err(ReadError::Ended);
            }
            self.filled.end += read;
        }
    }

    /// Copies whole frames out of the buffer. Returns the length of the next one if it is begun
    /// and does not fit the buffer.
    fn split(&mut self, into: &mut Vec<Bytes>) -> Result<Option<usize>, ReadError> {
        loop {
            let rest = &self.buffer[self.filled.clone()];
            let Some((header, rest)) = rest.split_first_chunk::<4>() else {
                return Ok(None);
            };
            let len = u32::from_le_bytes(*header) as usize;
            if len > self.max_frame {
                return Err(ReadError::Oversized(len));
            }
            if len == 0 {
                return Err(ReadError::Empty);
            }
            let Some(frame) = rest.get(..len) else {
                return Ok((4 + len > CHUNK).then_some(len));
            };
            into.push(Bytes::copy_from_slice(frame));
            self.filled.start += 4 + len;
        }
    }

    /// Reads a frame that does not fit the buffer into memory that grows as it arrives: whoever
    /// announces much and sends little occupies little.
    async fn read_large(&mut self, len: usize) -> Result<Bytes, ReadError> {
        let grace = Duration::from_secs((len / BYTES_PER_SECOND) as u64);
        let deadline = Instant::now() + self.patience + grace;
        let mut frame = vec![0; len.min(2 * CHUNK)];
        let begun = &self.buffer[self.filled.start + 4..self.filled.end];
        let mut arrived = begun.len();
        frame[..arrived].copy_from_slice(begun);
        self.filled = 0..0;
        while arrived < len {
            if arrived == frame.len() {
                let target = len.min(4 * arrived);
                frame.reserve_exact(target - arrived);
                frame.resize(target, 0);
            }
            let read = timeout_at(deadline, self.stream.read(&mut frame[arrived..])).await;
            let read = read.map_err(|_| ReadError::Stalled)??;
            if read == 0 {
                return Err(ReadError::Ended);
            }
            arrived += read;
        }
        Ok(frame.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::io::Cursor;

    const LIMIT: usize = 1 << 20;

    fn frame(tag: u8, len: usize) -> Bytes {
        vec![tag; len].into()
    }

    fn encode(frames: &[Bytes]) -> Vec<u8> {
        let bytes = frames
            .iter()
            .flat_map(|frame| header(frame).into_iter().chain(frame.iter().copied()));
        bytes.collect()
    }

    async fn read_all(stream: impl AsyncRead + Unpin) -> (Vec<Bytes>, ReadError) {
        let mut reader = FrameReader::new(stream, LIMIT, Duration::from_millis(50));
        let mut all = Vec::new();
        loop {
            let mut some = Vec::new();
            match reader.read(&mut some).await {
                Ok(()) => all.append(&mut some),
                Err(end) => {
                    all.append(&mut some);
                    return (all, end);
                }
            }
        }
    }

    #[tokio::test]
    async fn frames_of_all_sizes_arrive_whole_and_in_order() {
        let sizes = [
            1,
            200,
            CHUNK - 5,
            CHUNK - 4,
            CHUNK - 3,
            CHUNK,
            3,
            LIMIT,
            7,
            5 * CHUNK + 1,
            2,
        ];
        let frames = sizes.iter().enumerate();
        let frames: Vec<_> = frames.map(|(tag, len)| frame(tag as u8, *len)).collect();
        let (all, end) = read_all(Cursor::new(encode(&frames))).await;
        assert_eq!(all, frames);
        assert!(matches!(end, ReadError::Ended));
    }

    #[tokio::test]
    async fn bad_lengths_end_the_stream_after_what_was_good() {
        let mut bytes = encode(&[frame(1, 10)]);
        bytes.extend_from_slice(&u32::MAX.to_le_bytes());
        let (all, end) = read_all(Cursor::new(bytes)).await;
        assert_eq!(all, [frame(1, 10)]);
        assert!(matches!(end, ReadError::Oversized(0xffff_ffff)));
        let (_, end) = read_all(Cursor::new(vec![0; 4])).await;
        assert!(matches!(end, ReadError::Empty));
    }

    /// Yields its bytes and then nothing, without end.
    struct Stuck(Cursor<Vec<u8>>);

    impl AsyncRead for Stuck {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            context: &mut std::task::Context<'_>,
            buffer: &mut [u8],
        ) -> std::task::Poll<io::Result<usize>> {
            let read = std::pin::Pin::new(&mut self.0).poll_read(context, buffer);
            match read {
                std::task::Poll::Ready(Ok(0)) => std::task::Poll::Pending,
                other => other,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn frames_that_do_not_come_to_an_end_are_given_up() {
        for (announced, sent) in [(10u32, 3), (500_000, 100_000), (1 << 20, 0)] {
            let mut bytes = announced.to_le_bytes().to_vec();
            bytes.resize(4 + sent, 7);
            let (all, end) = read_all(Stuck(Cursor::new(bytes))).await;
            assert!(all.is_empty());
            assert!(matches!(end, ReadError::Stalled), "{announced} {end:?}");
        }
    }
}
