//! When idle rotating leaders may rest.

#[cfg(test)]
mod tests;

use quorate_core::{Digest, Payload, Place, Status};

/// Decides whether a rotating leader that has nothing to propose may hold its empty block back.
///
/// With rotating leaders an empty block is not idle work: it brings the turn of a replica that has
/// requests nearer, and in chained engines it decides the blocks before it. So a leader holds back
/// only when the chain is *quiet*: the last n + 1 decided blocks were empty, no undecided block has
/// a payload, and no replica has asked for a beat ([`Self::woken`]) in the last n + 1 places. A
/// replica that has requests, and sees the chain quiet on another's turn, asks for a beat, once in
/// n + 1 places.
///
/// Nothing here is needed for safety or liveness: whoever holds back does so for a bounded time
/// (the caller's), and a lost hint costs no more than that. A peer that asks for beats all the time
/// causes what a busy chain has anyway.
#[derive(Debug)]
pub struct Quiet {
    /// Rotation and one: n + 1.
    span: u64,
    empty: Digest,
    /// Decided blocks since the last one with a payload, no more than the span.
    empty_decisions: u64,
    place: Option<Place>,
    /// Places since the last hint heard, no more than the span.
    since_woken: u64,
    /// Places since the last hint of our own, no more than the span.
    since_wake: u64,
}

/// What a leader with nothing to propose does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyTurn {
    /// Proposes the empty block at once, so that others' turn comes.
    Propose,
    /// May hold it back.
    Hold,
}

impl Quiet {
    /// At the start the chain counts as busy: nothing is held back in the first n + 1 blocks.
    ///
    /// `replicas` is the length of a rotation.
    #[must_use]
    pub fn new(replicas: usize) -> Self {
        let span = replicas as u64 + 1;
        Self {
            span,
            empty: *Payload::empty().digest(),
            empty_decisions: 0,
            place: None,
            since_woken: span,
            since_wake: span,
        }
    }

    /// A block has been decided.
    pub fn decided(&mut self, payload: &Payload) {
        self.empty_decisions = if payload.is_empty() {
            self.span.min(self.empty_decisions + 1)
        } else {
            0
        };
    }

    /// The engine stands here now. Called after every step; what counts are changes of place.
    pub fn moved(&mut self, status: &Status) {
        if self.place != Some(status.place) {
            self.place = Some(status.place);
            self.since_woken = self.span.min(self.since_woken + 1);
            self.since_wake = self.span.min(self.since_wake + 1);
        }
    }

    /// Another replica has requests, and asks for a beat.
    pub const fn woken(&mut self) {
        self.since_woken = 0;
    }

    fn is_quiet(&self) -> bool {
        self.empty_decisions == self.span && self.since_woken == self.span
    }

    /// What a leader does that is asked for a payload on top of these undecided ones, and has none.
    #[must_use]
    pub fn empty_turn(&self, undecided: &[Digest]) -> EmptyTurn {
        let all_empty = undecided.iter().all(|digest| *digest == self.empty);
        if self.is_quiet() && all_empty {
            EmptyTurn::Hold
        } else {
            EmptyTurn::Propose
        }
    }

    /// Whether to ask the others for a beat: called when this replica has waiting requests and
    /// does not lead. What says yes counts as asked.
    pub fn must_wake(&mut self) -> bool {
        // A hint of another replica brings the beat as well as one of our own.
        let must = self.is_quiet() && self.since_wake == self.span;
        if must {
            self.since_wake = 0;
        }
        must
    }
}
