//! Gathers waiting requests into batches.

use crate::{Arrival, Mempool, Waiting};
use quorate_core::RequestRef;

/// Longest batch, unless it is a single request.
const BATCH_BYTES: usize = 256 << 10;
/// Most bytes gathered at once, but for the last request.
const PLAN_BYTES: usize = 1 << 20;

/// What to do with a waiting request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Gather it.
    Take,
    /// Leave it and all that follow.
    Stop,
}

/// What was gathered.
pub(super) struct Collected {
    pub(super) batches: Vec<Vec<u8>>,
    /// Where to go on next time.
    pub(super) next: Arrival,
    /// Whether it ended because it was enough.
    pub(super) is_cut: bool,
}

/// Gathers local requests from an arrival on, in order.
pub(super) fn collect(
    mempool: &Mempool,
    from: Arrival,
    mut step: impl FnMut(&Waiting<'_>) -> Step,
) -> Collected {
    let mut collected = Collected {
        batches: Vec::new(),
        next: from,
        is_cut: false,
    };
    let mut bytes = 0;
    for waiting in mempool.local_from(from) {
        collected.is_cut = bytes >= PLAN_BYTES;
        collected.next = waiting.arrival;
        if collected.is_cut || step(&waiting) == Step::Stop {
            return collected;
        }
        let len = waiting.request.encoded_len();
        bytes += len;
        let last = collected.batches.last();
        if last.is_none_or(|batch| batch.len() + len > BATCH_BYTES) {
            collected.batches.push(Vec::new());
        }
        let request = RequestRef {
            id: waiting.request.id,
            body: &waiting.request.body,
        };
        let last = collected.batches.last_mut();
        request.append_to(last.expect("one was just pushed if there was none"));
    }
    collected.next = mempool.next_arrival();
    collected
}
