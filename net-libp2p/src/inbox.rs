//! What has arrived and has not been received.

use crate::{Queue, Queues};
use quorate_core::{Channel, Delivery, ReplicaId};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How many frames of each channel are taken in one round while all have some: votes go first,
/// and cannot starve the others.
const SHARES: [u32; 3] = [32, 4, 2];

#[derive(Default)]
struct Waiting {
    deliveries: VecDeque<Delivery>,
    bytes: usize,
    /// A reader waits for room.
    blocked: bool,
}

struct State {
    /// By peer and channel.
    waiting: Vec<[Waiting; 3]>,
    /// Peers with something on a channel, in the order of their turns.
    turns: [VecDeque<ReplicaId>; 3],
    credit: [u32; 3],
    closed: bool,
}

/// Bounded queues for each peer and channel, emptied by one receiver: votes first, peers in turn.
pub(crate) struct Inbox {
    bounds: Queues,
    state: Mutex<State>,
    arrived: Notify,
    room: Vec<[Notify; 3]>,
}

impl Inbox {
    pub(crate) fn new(validators: usize, bounds: Queues) -> Self {
        let state = State {
            waiting: (0..validators).map(|_| Default::default()).collect(),
            turns: Default::default(),
            credit: SHARES,
            closed: false,
        };
        Self {
            bounds,
            state: Mutex::new(state),
            arrived: Notify::new(),
            room: (0..validators).map(|_| Default::default()).collect(),
        }
    }

    /// Adds deliveries of one peer and channel, in order, and waits for room while there is none.
    /// Returns `false` if the transport has shut down.
    pub(crate) async fn push(
        &self,
        peer: ReplicaId,
        channel: Channel,
        deliveries: impl IntoIterator<Item = Delivery> + Send,
    ) -> bool {
        let mut deliveries: VecDeque<_> = deliveries.into_iter().collect();
        loop {
            if !self.push_some(peer, channel, &mut deliveries) {
                return false;
            }
            if deliveries.is_empty() {
                return true;
            }
            self.room[peer.index()][channel as usize].notified().await;
        }
    }

    /// Adds a delivery if there is room; returns whether there was.
    #[must_use]
    pub(crate) fn offer(&self, delivery: Delivery) -> bool {
        let (peer, channel) = (delivery.from, delivery.channel);
        let mut one = VecDeque::from([delivery]);
        self.push_some(peer, channel, &mut one) && one.is_empty()
    }

    fn push_some(
        &self,
        peer: ReplicaId,
        channel: Channel,
        deliveries: &mut VecDeque<Delivery>,
    ) -> bool {
        let bound = self.bounds.of(channel);
        {
            let mut state = self.lock();
            if state.closed {
                return false;
            }
            let state = &mut *state;
            let waiting = &mut state.waiting[peer.index()][channel as usize];
            let idle = waiting.deliveries.is_empty();
            while let Some(next) = deliveries.pop_front() {
                if !waiting.has_room(bound, next.bytes.len()) {
                    waiting.blocked = true;
                    deliveries.push_front(next);
                    break;
                }
                waiting.bytes += next.bytes.len();
                waiting.deliveries.push_back(next);
            }
            if idle && !waiting.deliveries.is_empty() {
                state.turns[channel as usize].push_back(peer);
            }
        }
        self.arrived.notify_one();
        true
    }

    /// Waits for deliveries, and appends at least one and at most `limit`. Returns `false` when
    /// the inbox is closed.
    pub(crate) async fn receive(&self, into: &mut Vec<Delivery>, limit: usize) -> bool {
        loop {
            let before = into.len();
            if !self.take(into, limit.max(1)) {
                return false;
            }
            if into.len() > before {
                return true;
            }
            self.arrived.notified().await;
        }
    }

    fn take(&self, into: &mut Vec<Delivery>, limit: usize) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        for _ in 0..limit {
            let Some(channel) = state.next_channel() else {
                break;
            };
            let (peer, delivery, unblocked) = state.pop(channel);
            if unblocked {
                self.room[peer.index()][channel].notify_one();
            }
            into.push(delivery);
        }
        true
    }

    /// Nothing goes in or comes out from now on.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.iter_mut().flatten().for_each(|waiting| {
            *waiting = Waiting::default();
        });
        drop(state);
        self.arrived.notify_one();
        self.room.iter().flatten().for_each(Notify::notify_one);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn has_room(&self, bound: Queue, bytes: usize) -> bool {
        self.deliveries.is_empty()
            || (self.deliveries.len() < bound.messages && self.bytes + bytes <= bound.bytes)
    }
}

impl State {
    /// The first channel that has something and credit left. When none has, a new round begins.
    fn next_channel(&mut self) -> Option<usize> {
        for _ in 0..2 {
            for channel in 0..SHARES.len() {
                if self.credit[channel] > 0 && !self.turns[channel].is_empty() {
                    self.credit[channel] -= 1;
                    return Some(channel);
                }
            }
            self.credit = SHARES;
        }
        None
    }

    fn pop(&mut self, channel: usize) -> (ReplicaId, Delivery, bool) {
        let peer = self.turns[channel]
            .pop_front()
            .expect("the channel has something");
        let waiting = &mut self.waiting[peer.index()][channel];
        let delivery = waiting
            .deliveries
            .pop_front()
            .expect("a peer whose turn it is has something");
        waiting.bytes -= delivery.bytes.len();
        if !waiting.deliveries.is_empty() {
            self.turns[channel].push_back(peer);
        }
        (peer, delivery, std::mem::take(&mut waiting.blocked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::sync::Arc;
    use std::time::Duration;

    fn inbox(messages: usize) -> Arc<Inbox> {
        let queue = Queue {
            messages,
            bytes: 1 << 20,
        };
        let bounds = Queues {
            votes: queue,
            blocks: queue,
            service: queue,
        };
        Arc::new(Inbox::new(3, bounds))
    }

    fn delivery(from: u16, channel: Channel, tag: u8) -> Delivery {
        Delivery {
            from: ReplicaId(from),
            direct: true,
            channel,
            bytes: Bytes::from(vec![tag]),
            ticket: None,
        }
    }

    #[tokio::test]
    async fn votes_go_first_and_starve_nobody() {
        let inbox = inbox(1_000);
        for tag in 0..100 {
            assert!(inbox.offer(delivery(1, Channel::Votes, tag)));
        }
        assert!(inbox.offer(delivery(1, Channel::Blocks, 200)));
        assert!(inbox.offer(delivery(1, Channel::Service, 201)));
        let mut order = Vec::new();
        while order.len() < 102 {
            let mut one = Vec::new();
            assert!(inbox.receive(&mut one, 1).await);
            order.push(one[0].bytes[0]);
        }
        assert_eq!(&order[..34], (0..32).chain([200, 201]).collect::<Vec<_>>());
        assert_eq!(&order[34..], (32..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn peers_take_turns() {
        let inbox = inbox(1_000);
        for tag in 0..50 {
            assert!(inbox.offer(delivery(1, Channel::Votes, tag)));
        }
        assert!(inbox.offer(delivery(2, Channel::Votes, 99)));
        let mut got = Vec::new();
        assert!(inbox.receive(&mut got, 2).await);
        assert_eq!(got[1].from, ReplicaId(2));
    }

    #[tokio::test]
    async fn a_full_queue_holds_up_its_own_peer_only() {
        let inbox = inbox(2);
        let many = (0..5).map(|tag| delivery(1, Channel::Votes, tag));
        let many: Vec<_> = many.collect();
        let pusher = tokio::spawn({
            let inbox = inbox.clone();
            async move { inbox.push(ReplicaId(1), Channel::Votes, many).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!pusher.is_finished());
        assert!(!inbox.offer(delivery(1, Channel::Votes, 9)));
        assert!(inbox.offer(delivery(1, Channel::Blocks, 9)));
        assert!(inbox.offer(delivery(2, Channel::Votes, 9)));
        let mut votes = Vec::new();
        while votes.len() < 5 {
            let mut got = Vec::new();
            assert!(inbox.receive(&mut got, 10).await);
            let own = |d: &Delivery| d.from == ReplicaId(1) && d.channel == Channel::Votes;
            votes.extend(got.iter().filter(|d| own(d)).map(|d| d.bytes[0]));
        }
        assert_eq!(votes, [0, 1, 2, 3, 4]);
        assert!(pusher.await.unwrap());
    }

    #[tokio::test]
    async fn closing_wakes_both_ends() {
        let inbox = inbox(1);
        assert!(inbox.offer(delivery(1, Channel::Votes, 0)));
        let pusher = tokio::spawn({
            let inbox = inbox.clone();
            let more = [delivery(1, Channel::Votes, 1)];
            async move { inbox.push(ReplicaId(1), Channel::Votes, more).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        inbox.close();
        assert!(!pusher.await.unwrap());
        assert!(!inbox.receive(&mut Vec::new(), 1).await);
        assert!(!inbox.offer(delivery(1, Channel::Votes, 2)));
    }
}
