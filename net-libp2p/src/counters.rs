//! What the transport counts.

use quorate_core::wire::Envelope;
use quorate_core::{Fault, Kind, ReplicaId, Traffic, TransportCounters};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Messages and bytes of each kind.
struct ByKind(Vec<[AtomicU64; 2]>);

impl ByKind {
    fn new() -> Self {
        Self((0..=Kind::MAX).map(|_| Default::default()).collect())
    }

    fn add(&self, kind: Kind, messages: u64, bytes: u64) {
        let [count, sum] = &self.0[usize::from(kind)];
        count.fetch_add(messages, Relaxed);
        sum.fetch_add(bytes, Relaxed);
    }

    fn read(&self) -> BTreeMap<Kind, Traffic> {
        let read = |(kind, [messages, bytes]): (usize, &[AtomicU64; 2])| {
            let traffic = Traffic {
                messages: messages.load(Relaxed),
                bytes: bytes.load(Relaxed),
            };
            (traffic.messages > 0).then_some((kind as Kind, traffic))
        };
        self.0.iter().enumerate().filter_map(read).collect()
    }
}

/// Counters that any task may advance.
pub(crate) struct Tally {
    sent: ByKind,
    received: ByKind,
    dropped: Vec<AtomicU64>,
    faults: Mutex<BTreeMap<Fault, u64>>,
}

impl Tally {
    pub(crate) fn new(validators: usize) -> Self {
        Self {
            sent: ByKind::new(),
            received: ByKind::new(),
            dropped: (0..validators).map(|_| AtomicU64::new(0)).collect(),
            faults: Mutex::default(),
        }
    }

    /// A frame of `bytes` bytes was handed over for so many recipients.
    pub(crate) fn sent(&self, kind: Kind, recipients: usize, bytes: usize) {
        let recipients = recipients as u64;
        self.sent.add(kind, recipients, recipients * bytes as u64);
    }

    /// A frame was delivered. Its kind is the envelope's last byte; what is shorter than an
    /// envelope has none, and is left to the intake to blame.
    pub(crate) fn received(&self, frame: &[u8]) {
        if let Some(kind) = frame.get(Envelope::LEN - 1) {
            self.received.add(*kind, 1, frame.len() as u64);
        }
    }

    pub(crate) fn dropped(&self, peer: ReplicaId, frames: u64) {
        self.dropped[peer.index()].fetch_add(frames, Relaxed);
    }

    pub(crate) fn fault(&self, fault: Fault) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        *faults.entry(fault).or_default() += 1;
    }

    pub(crate) fn read(&self, connected: usize) -> TransportCounters {
        let dropped = (0..).map(ReplicaId).zip(&self.dropped);
        let dropped = dropped
            .map(|(peer, count)| (peer, count.load(Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        TransportCounters {
            sent: self.sent.read(),
            received: self.received.read(),
            dropped,
            faults: faults.clone(),
            connected,
        }
    }
}
