//! What the engine holds of what its peers send.

use crate::Tendermint;
use quorate_core::{Holding, Scheme};

impl<S: Scheme> Tendermint<S> {
    /// How much it holds of what peers can fill.
    ///
    /// With n replicas: 18 rounds, with two votes of each replica in each; of later rounds, and of
    /// the next height, of each sender three messages in two rounds; n replicas known to be
    /// ahead, and n accused; and ten payloads.
    #[must_use]
    pub fn holdings(&self) -> [Holding; 6] {
        let votes = self.rounds.values().map(crate::round::Round::votes);
        [
            Holding::of("rounds", self.rounds.len()),
            Holding::of("votes", votes.sum()),
            Holding::of("early messages of one sender", self.later_rounds.most()),
            Holding::of(
                "messages of one sender for the next height",
                self.next_height.most(),
            ),
            Holding::of("payloads", self.values.len()),
            Holding::of(
                "replicas ahead or accused",
                self.ahead.len() + self.accused.len(),
            ),
        ]
    }
}
