//! Which requests have been executed, and the newest replies.

mod session;
#[cfg(test)]
mod tests;

use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;
use quorate_core::{ClientId, Digest, Height, RequestId};
use session::{Encoded, Session, WINDOW};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How the clients are divided for the digest. Part of the state digest's format.
const BUCKETS: usize = 1024;

/// Bounds of a [`ReplyTable`]. Part of the replicated state: every replica must have the same, and
/// the table's digest tells if one has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Most clients that are remembered, at least one. Default 100,000.
    pub clients: usize,
    /// Most replies kept for each client. Default 16.
    pub replies: usize,
    /// Most bytes of replies kept for each client. Default 64 KiB.
    pub reply_bytes: usize,
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self {
            clients: 100_000,
            replies: 16,
            reply_bytes: 64 << 10,
        }
    }
}

/// What the table says about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestStatus {
    /// It has not been executed, and may be.
    Fresh,
    /// It has been executed. The reply, if it is among the newest of its client.
    Executed(Option<Bytes>),
    /// It is too far ahead of the client's oldest request that has not been executed: the client
    /// must wait. Never executed as long as that holds.
    BeyondWindow {
        /// The last sequence number that may be used now.
        end: u64,
    },
    /// The table does not know the client, and may have forgotten it: it cannot tell whether the
    /// request has been executed, so it will not be. The client goes on above `floor`.
    Forgotten {
        /// The highest sequence number that any forgotten client has used.
        floor: u64,
    },
}

/// The bytes are no reply table, or one of other limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no reply table within these limits")]
pub struct MalformedReplyTable;

/// What makes execution happen once: for each client, which sequence numbers have been executed,
/// and the newest replies.
///
/// A client numbers its requests from one, and may have 1,024 numbers in play above its *floor*,
/// below which all have been executed. Requests may be executed in any order within that window,
/// and those beyond it are refused, loudly. So a client that gives a number up for good must
/// submit something else under it before it can use the 1,024th number after it.
///
/// # Forgetting clients
///
/// The table holds a bounded number of clients. When a new one exceeds it, the client that has
/// been idle longest is forgotten: the one with the least (height of its last execution, client
/// id), which every replica computes alike. What a forgotten client executed is lost, so nobody
/// could tell its old requests from new ones. Therefore the table keeps one number, the *horizon*:
/// the highest sequence number that any forgotten client has ever used. A client that is not in
/// the table starts above the horizon; its requests at or below it are answered
/// [`RequestStatus::Forgotten`], and never executed. That is safe (nothing is executed twice,
/// whoever was forgotten) and loud (the answer says where to go on). As long as no client was ever
/// forgotten the horizon is zero.
///
/// # Digest
///
/// Clients fall into 1,024 buckets by id. The digest is the hash of the buckets' digests, each the
/// hash of its clients' digests, which are cached: a checkpoint hashes the clients that have
/// changed, the digests in their buckets, and 32 KiB. A sum of clients' hashes would cost less and
/// is not used: whoever forges a table chooses many summands at will, and for sums modulo 2²⁵⁶
/// that many make Wagner's generalised birthday attack practical.
#[derive(Clone)]
pub struct ReplyTable {
    limits: ReplyLimits,
    buckets: Vec<Bucket>,
    /// All clients, the one that is forgotten next first.
    by_age: BTreeSet<(Height, ClientId)>,
    horizon: u64,
}

#[derive(Clone, Default)]
struct Bucket {
    sessions: BTreeMap<ClientId, Session>,
    /// `None` if a session has changed since it was computed.
    digest: Option<Digest>,
}

impl Bucket {
    fn digest(&mut self) -> Digest {
        if let Some(digest) = self.digest {
            return digest;
        }
        let mut builder = Digest::builder("quorate 2026 reply table bucket v1")
            .number(self.sessions.len() as u64);
        for (client, session) in &mut self.sessions {
            let digest = session
                .digest
                .unwrap_or_else(|| session.compute_digest(*client));
            session.digest = Some(digest);
            builder = builder.digest(&digest);
        }
        let digest = builder.finish();
        self.digest = Some(digest);
        digest
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct EncodedTable {
    limits: [u64; 3],
    horizon: u64,
    /// In ascending order of clients.
    sessions: Vec<Encoded>,
}

impl fmt::Debug for ReplyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "reply table of {} clients, horizon {}",
            self.by_age.len(),
            self.horizon
        )
    }
}

impl ReplyTable {
    /// An empty table.
    ///
    /// # Panics
    ///
    /// If it may hold no client.
    #[must_use]
    pub fn new(limits: ReplyLimits) -> Self {
        assert!(limits.clients > 0, "a reply table must hold a client");
        Self {
            limits,
            buckets: vec![Bucket::default(); BUCKETS],
            by_age: BTreeSet::new(),
            horizon: 0,
        }
    }

    /// Which bucket a client is in. Anybody can find clients of one bucket; that makes its digest
    /// slower by the bytes of their digests, which the number of clients bounds.
    const fn bucket(client: ClientId) -> usize {
        let folded = client.0 as u64 ^ (client.0 >> 64) as u64;
        (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
    }

    fn session(&self, client: ClientId) -> Option<&Session> {
        self.buckets[Self::bucket(client)].sessions.get(&client)
    }

    /// Whether a request has been executed, or may be.
    #[must_use]
    pub fn status(&self, id: RequestId) -> RequestStatus {
        let Some(session) = self.session(id.client) else {
            return self.status_of_stranger(id.sequence);
        };
        if session.is_executed(id.sequence) {
            RequestStatus::Executed(session.reply(id.sequence).cloned())
        } else if id.sequence > session.end() {
            RequestStatus::BeyondWindow { end: session.end() }
        } else {
            RequestStatus::Fresh
        }
    }

    const fn status_of_stranger(&self, sequence: u64) -> RequestStatus {
        let end = self.horizon.saturating_add(WINDOW);
        if sequence > end {
            RequestStatus::BeyondWindow { end }
        } else if sequence > self.horizon {
            RequestStatus::Fresh
        } else {
            RequestStatus::Forgotten {
                floor: self.horizon,
            }
        }
    }

    /// Notes that a fresh request has been executed, with its reply.
    ///
    /// # Panics
    ///
    /// If the request is not [`RequestStatus::Fresh`], or the height below that of an earlier
    /// execution: the caller's bug.
    pub fn executed(&mut self, height: Height, id: RequestId, reply: Bytes) {
        assert_eq!(
            self.status(id),
            RequestStatus::Fresh,
            "{id:?} was executed, but is not fresh"
        );
        let bucket = &mut self.buckets[Self::bucket(id.client)];
        bucket.digest = None;
        let session = bucket.sessions.entry(id.client).or_insert_with(|| {
            self.by_age.insert((Height::GENESIS, id.client));
            Session::new(self.horizon)
        });
        assert!(session.last <= height, "executions go up");
        if session.last < height {
            self.by_age.remove(&(session.last, id.client));
            self.by_age.insert((height, id.client));
            session.last = height;
        }
        session.mark(id.sequence);
        session.keep(id.sequence, reply, &self.limits);
        session.digest = None;
        if self.by_age.len() > self.limits.clients {
            self.forget_oldest(id.client);
        }
    }

    /// Forgets the client that has been idle longest, other than the newcomer.
    fn forget_oldest(&mut self, newcomer: ClientId) {
        let oldest = self
            .by_age
            .iter()
            .find(|(_, client)| *client != newcomer)
            .copied();
        let Some((height, client)) = oldest else {
            return;
        };
        self.by_age.remove(&(height, client));
        let bucket = &mut self.buckets[Self::bucket(client)];
        bucket.digest = None;
        let session = bucket.sessions.remove(&client);
        let session = session.expect("every client has a session");
        self.horizon = self.horizon.max(session.highest);
    }

    /// How many clients are remembered.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.by_age.len()
    }

    /// Digest of the whole table. Costs what has changed since it was last asked for.
    pub fn digest(&mut self) -> Digest {
        let mut builder = Digest::builder("quorate 2026 reply table v1");
        for limit in self.limits_encoded() {
            builder = builder.number(limit);
        }
        builder = builder.number(self.horizon);
        for bucket in &mut self.buckets {
            builder = builder.digest(&bucket.digest());
        }
        builder.finish()
    }

    const fn limits_encoded(&self) -> [u64; 3] {
        [
            self.limits.clients as u64,
            self.limits.replies as u64,
            self.limits.reply_bytes as u64,
        ]
    }

    /// The whole table as bytes: one encoding for each table.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut sessions: Vec<_> = self
            .buckets
            .iter()
            .flat_map(|bucket| &bucket.sessions)
            .map(|(client, session)| session.encoded(*client))
            .collect();
        sessions.sort_by_key(|session| session.client);
        let encoded = EncodedTable {
            limits: self.limits_encoded(),
            horizon: self.horizon,
            sessions,
        };
        borsh::to_vec(&encoded).expect("writing to memory does not fail")
    }

    /// A table from bytes. That it is the right one is for its digest to say.
    ///
    /// # Errors
    ///
    /// If the bytes are no table with these limits, to the last byte.
    pub fn decode(limits: ReplyLimits, bytes: &[u8]) -> Result<Self, MalformedReplyTable> {
        let encoded: EncodedTable = borsh::from_slice(bytes).map_err(|_| MalformedReplyTable)?;
        let mut table = Self::new(limits);
        table.horizon = encoded.horizon;
        let sorted = encoded
            .sessions
            .is_sorted_by(|first, second| first.client < second.client);
        let fits = encoded.sessions.len() <= limits.clients;
        if encoded.limits != table.limits_encoded() || !sorted || !fits {
            return Err(MalformedReplyTable);
        }
        for session in encoded.sessions {
            let client = session.client;
            let session = Session::decode(session, &limits).ok_or(MalformedReplyTable)?;
            table.by_age.insert((session.last, client));
            table.buckets[Self::bucket(client)]
                .sessions
                .insert(client, session);
        }
        Ok(table)
    }
}
