//! What is remembered of one client.

use super::ReplyLimits;
use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;
use quorate_core::{ClientId, Digest, Height};
use std::collections::VecDeque;

/// Sequence numbers above the floor that a client may use at a time.
pub(super) const WINDOW: u64 = 1024;
const WORDS: usize = WINDOW as usize / 64;

/// A reply that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) sequence: u64,
    pub(super) reply: Bytes,
}

/// One client's window and newest replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// Everything up to here has been executed, or can no longer be.
    pub(super) floor: u64,
    /// Bit i is sequence number `floor + 1 + i`. Bit 0 is never set: the floor would be higher.
    window: [u64; WORDS],
    /// Highest sequence number executed.
    pub(super) highest: u64,
    /// Height of the last execution.
    pub(super) last: Height,
    /// The newest replies, in the order of execution.
    pub(super) replies: VecDeque<Kept>,
    reply_bytes: usize,
    /// Digest of all that, as of the last time it was asked for.
    pub(super) digest: Option<Digest>,
}

/// The form of a session in snapshots and digests.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Encoded {
    pub(super) client: ClientId,
    floor: u64,
    window: [u64; WORDS],
    highest: u64,
    last: Height,
    replies: Vec<(u64, Vec<u8>)>,
}

impl Session {
    pub(super) const fn new(floor: u64) -> Self {
        Self {
            floor,
            window: [0; WORDS],
            highest: floor,
            last: Height::GENESIS,
            replies: VecDeque::new(),
            reply_bytes: 0,
            digest: None,
        }
    }

    /// Last sequence number of the window.
    pub(super) const fn end(&self) -> u64 {
        self.floor.saturating_add(WINDOW)
    }

    /// Word and bit of a sequence number above the floor and within the window.
    const fn place(&self, sequence: u64) -> (usize, u64) {
        let index = sequence - self.floor - 1;
        ((index / 64) as usize, 1 << (index % 64))
    }

    pub(super) const fn is_executed(&self, sequence: u64) -> bool {
        if sequence <= self.floor {
            return true;
        }
        if sequence > self.end() {
            return false;
        }
        let (word, bit) = self.place(sequence);
        self.window[word] & bit != 0
    }

    /// Marks a fresh sequence number of the window, and slides the window up to the first gap.
    pub(super) fn mark(&mut self, sequence: u64) {
        let (word, bit) = self.place(sequence);
        self.window[word] |= bit;
        self.highest = self.highest.max(sequence);
        while self.window[0] & 1 != 0 {
            let run = self.window[0].trailing_ones();
            self.shift(run);
            self.floor += u64::from(run);
        }
    }

    /// Shifts the window down by 1 to 64 places.
    fn shift(&mut self, by: u32) {
        for word in 0..WORDS {
            let above = self.window.get(word + 1).copied().unwrap_or(0);
            let both = u128::from(above) << 64 | u128::from(self.window[word]);
            self.window[word] = (both >> by) as u64;
        }
    }

    /// Highest sequence number that is marked.
    fn top(&self) -> u64 {
        let words = self.window.iter().enumerate();
        let above = words.filter(|(_, word)| **word != 0).map(|(index, word)| {
            let bit = 63 - word.leading_zeros();
            index as u64 * 64 + u64::from(bit) + 1
        });
        self.floor.saturating_add(above.max().unwrap_or(0))
    }

    pub(super) fn keep(&mut self, sequence: u64, reply: Bytes, limits: &ReplyLimits) {
        self.reply_bytes += reply.len();
        self.replies.push_back(Kept { sequence, reply });
        while self.replies.len() > limits.replies || self.reply_bytes > limits.reply_bytes {
            let oldest = self.replies.pop_front().expect("one too many is one");
            self.reply_bytes -= oldest.reply.len();
        }
    }

    pub(super) fn reply(&self, sequence: u64) -> Option<&Bytes> {
        self.replies
            .iter()
            .find(|kept| kept.sequence == sequence)
            .map(|kept| &kept.reply)
    }

    pub(super) fn encoded(&self, client: ClientId) -> Encoded {
        let replies = self.replies.iter();
        Encoded {
            client,
            floor: self.floor,
            window: self.window,
            highest: self.highest,
            last: self.last,
            replies: replies
                .map(|kept| (kept.sequence, kept.reply.to_vec()))
                .collect(),
        }
    }

    pub(super) fn compute_digest(&self, client: ClientId) -> Digest {
        let bytes = borsh::to_vec(&self.encoded(client)).expect("writing to memory does not fail");
        Digest::builder("quorate 2026 reply table session v1")
            .bytes(&bytes)
            .finish()
    }

    /// A session from a snapshot; `None` if no execution leads to it.
    pub(super) fn decode(encoded: Encoded, limits: &ReplyLimits) -> Option<Self> {
        let Encoded {
            floor,
            window,
            highest,
            last,
            replies,
            ..
        } = encoded;
        let mut session = Self {
            window,
            highest,
            last,
            ..Self::new(floor)
        };
        let fits = highest >= session.top() && window[0] & 1 == 0;
        let known = replies
            .iter()
            .all(|(sequence, _)| session.is_executed(*sequence));
        let count = replies.len();
        for (sequence, reply) in replies {
            session.keep(sequence, reply.into(), limits);
        }
        (fits && known && session.replies.len() == count).then_some(session)
    }
}
