//! What is ordered: client requests, in batches.

use crate::Digest;
use borsh::io::{Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Opaque bytes to be ordered, with their digest. Cheap to clone.
///
/// The digest is computed when the payload is made or decoded, which happens outside the engine:
/// an engine only ever compares it.
#[derive(Clone)]
pub struct Payload {
    bytes: Arc<[u8]>,
    digest: Digest,
}

impl Payload {
    /// Takes bytes and hashes them.
    #[must_use]
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let digest = Digest::builder("quorate 2026 payload v1")
            .bytes(&bytes)
            .finish();
        Self { bytes, digest }
    }

    /// A payload of no bytes: an empty block.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Vec::new())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Digest of the bytes.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "payload {:?} of {} bytes", self.digest, self.bytes.len())
    }
}

impl BorshSerialize for Payload {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        BorshSerialize::serialize(&self.bytes[..], writer)
    }
}

impl BorshDeserialize for Payload {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        Ok(Self::new(Vec::<u8>::deserialize_reader(reader)?))
    }
}

/// Names a client. Who may use which name is for [`crate::Application::check`] to say; 128 bits
/// are enough for the hash of a public key.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct ClientId(pub u128);

/// Names a request: it is executed once, however often it is sent.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct RequestId {
    /// Whose request.
    pub client: ClientId,
    /// Which of the client's requests, counted from one.
    pub sequence: u64,
}

/// A client's request: opaque bytes with a name.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// What the application executes.
    pub body: Vec<u8>,
}

impl Request {
    /// Bytes that the request takes in a batch.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        RequestRef::OVERHEAD + self.body.len()
    }
}

/// A request inside a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRef<'a> {
    /// Its name.
    pub id: RequestId,
    /// What the application executes.
    pub body: &'a [u8],
}

impl RequestRef<'_> {
    /// Bytes that a request takes in a batch beside its body.
    pub const OVERHEAD: usize = 16 + 8 + 4;

    /// Appends the request to a batch.
    ///
    /// # Panics
    ///
    /// If the body is longer than 2³²−1 bytes, which no admission allows.
    pub fn append_to(&self, batch: &mut Vec<u8>) {
        let len = u32::try_from(self.body.len()).expect("requests are bounded at admission");
        batch.extend_from_slice(&self.id.client.0.to_le_bytes());
        batch.extend_from_slice(&self.id.sequence.to_le_bytes());
        batch.extend_from_slice(&len.to_le_bytes());
        batch.extend_from_slice(self.body);
    }
}

/// A batch of requests is malformed from this byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the batch is malformed at byte {0}")]
pub struct MalformedBatch(pub usize);

/// The requests of a batch, one after the other, without copying.
///
/// A batch is a sequence of `client u128 | sequence u64 | length u32 | body`, to the last byte.
#[derive(Clone, Debug)]
pub struct Requests<'a> {
    batch: &'a [u8],
    at: usize,
}

impl<'a> Requests<'a> {
    /// The requests in these bytes.
    #[must_use]
    pub const fn new(batch: &'a [u8]) -> Self {
        Self { batch, at: 0 }
    }

    fn parse(&self) -> Option<(RequestRef<'a>, usize)> {
        let head = self.batch.get(self.at..self.at + RequestRef::OVERHEAD)?;
        let client = ClientId(u128::from_le_bytes(head[..16].try_into().ok()?));
        let sequence = u64::from_le_bytes(head[16..24].try_into().ok()?);
        let len = u32::from_le_bytes(head[24..28].try_into().ok()?) as usize;
        let start = self.at + RequestRef::OVERHEAD;
        let body = self.batch.get(start..start.checked_add(len)?)?;
        Some((
            RequestRef {
                id: RequestId { client, sequence },
                body,
            },
            start + len,
        ))
    }
}

impl<'a> Iterator for Requests<'a> {
    type Item = std::result::Result<RequestRef<'a>, MalformedBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.batch.len() {
            return None;
        }
        let parsed = self.parse();
        let at = self.at;
        self.at = parsed.map_or(self.batch.len(), |(_, next)| next);
        Some(parsed.map(|(request, _)| request).ok_or(MalformedBatch(at)))
    }
}
