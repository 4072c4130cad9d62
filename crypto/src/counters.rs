//! Counting what was really done.

use quorate_core::SchemeCounters;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters shared by a scheme, its clones and its signers.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    signature_checks: AtomicU64,
    aggregate_checks: AtomicU64,
    signatures_made: AtomicU64,
}

impl Meter {
    pub(crate) fn checked_signatures(&self, count: usize) {
        self.signature_checks.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn checked_aggregates(&self, count: usize) {
        self.aggregate_checks.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn made_signature(&self) {
        self.signatures_made.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> SchemeCounters {
        SchemeCounters {
            signature_checks: self.signature_checks.load(Relaxed),
            aggregate_checks: self.aggregate_checks.load(Relaxed),
            signatures_made: self.signatures_made.load(Relaxed),
        }
    }
}
