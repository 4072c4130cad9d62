//! What waits to be sent.

use crate::Queue;
use bytes::Bytes;
use quorate_core::Channel;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What goes when a queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    /// The frames that have waited longest, for what the new one supersedes.
    DropOldest,
    /// The new frame.
    DropNewest,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Bytes>,
    bytes: usize,
}

/// A bounded queue between [`send`](quorate_core::Transport::send) and one writer. Never waits.
pub(crate) struct Outbound {
    bound: Queue,
    overflow: Overflow,
    state: Mutex<State>,
    ready: Notify,
}

impl Outbound {
    pub(crate) fn new(channel: Channel, bound: Queue) -> Self {
        let overflow = match channel {
            Channel::Votes | Channel::Blocks => Overflow::DropOldest,
            Channel::Service => Overflow::DropNewest,
        };
        Self {
            bound,
            overflow,
            state: Mutex::default(),
            ready: Notify::new(),
        }
    }

    /// Queues a frame. Returns how many frames were dropped for it, itself perhaps.
    #[must_use]
    pub(crate) fn push(&self, frame: Bytes) -> u64 {
        let mut dropped = 0;
        {
            let mut state = self.lock();
            while !state.frames.is_empty()
                && (state.frames.len() >= self.bound.messages
                    || state.bytes + frame.len() > self.bound.bytes)
            {
                if self.overflow == Overflow::DropNewest {
                    return 1;
                }
                let oldest = state.frames.pop_front().expect("the queue is not empty");
                state.bytes -= oldest.len();
                dropped += 1;
            }
            state.bytes += frame.len();
            state.frames.push_back(frame);
        }
        self.ready.notify_one();
        dropped
    }

    /// Moves frames into `into`: at most `messages`, and no more once they reach `bytes`.
    pub(crate) fn take(&self, into: &mut Vec<Bytes>, messages: usize, bytes: usize) {
        let mut state = self.lock();
        let mut taken = 0;
        while into.len() < messages && taken < bytes {
            let Some(frame) = state.frames.pop_front() else {
                break;
            };
            taken += frame.len();
            into.push(frame);
        }
        state.bytes -= taken;
    }

    /// Waits until a frame may have been queued.
    pub(crate) async fn ready(&self) {
        self.ready.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(channel: Channel) -> Outbound {
        let bound = Queue {
            messages: 3,
            bytes: 100,
        };
        Outbound::new(channel, bound)
    }

    fn frame(tag: u8, len: usize) -> Bytes {
        vec![tag; len].into()
    }

    fn tags(queue: &Outbound) -> Vec<u8> {
        let mut frames = Vec::new();
        queue.take(&mut frames, usize::MAX, usize::MAX);
        frames.iter().map(|frame| frame[0]).collect()
    }

    #[test]
    fn votes_and_blocks_lose_the_oldest() {
        for channel in [Channel::Votes, Channel::Blocks] {
            let queue = queue(channel);
            assert_eq!((0..3).map(|tag| queue.push(frame(tag, 10))).sum::<u64>(), 0);
            assert_eq!(queue.push(frame(3, 10)), 1, "four messages");
            assert_eq!(queue.push(frame(4, 90)), 2, "130 bytes, then 110 and 100");
            assert_eq!(tags(&queue), [3, 4]);
        }
    }

    #[test]
    fn service_frames_lose_the_newest() {
        let queue = queue(Channel::Service);
        assert_eq!(queue.push(frame(0, 60)), 0);
        assert_eq!(queue.push(frame(1, 60)), 1);
        assert_eq!(queue.push(frame(2, 40)), 0);
        assert_eq!(tags(&queue), [0, 2]);
    }

    #[test]
    fn an_empty_queue_takes_any_frame() {
        for channel in Channel::ALL {
            let queue = queue(channel);
            assert_eq!(queue.push(frame(7, 500)), 0);
            assert_eq!(tags(&queue), [7]);
        }
    }

    #[test]
    fn a_batch_ends_at_its_bounds() {
        let queue = queue(Channel::Votes);
        (0..3).for_each(|tag| assert_eq!(queue.push(frame(tag, 30)), 0));
        let mut frames = Vec::new();
        queue.take(&mut frames, 10, 31);
        assert_eq!(frames.len(), 2);
        frames.clear();
        queue.take(&mut frames, 10, 31);
        assert_eq!(frames.len(), 1);
    }
}
