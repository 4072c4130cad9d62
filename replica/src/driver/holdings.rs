//! What a driver holds of what its peers send, around the engine.

use super::Driver;
use quorate_core::{Holding, Protocol};

impl<P: Protocol> Driver<P> {
    /// How much it holds of what peers can fill, the engine's own buffers not among it.
    ///
    /// First the intake ([`quorate_core::IntakeLimits`]): with n replicas, of each peer in one
    /// role `queue` and `later` together to check and `later` for later, and so 2·n times as many
    /// active or aside; `batches`. Then checkpoint votes: 64·n under check, n in each of 16 heights.
    /// Then 1,024 payloads asked for of 2,048 that are wanted, 1,024 verdicts, and 3 answers with
    /// decisions under check; [`crate::DriverConfig::recent_decisions`],
    /// [`crate::DriverConfig::payload_cache_bytes`], and 1,024 payloads that the mempool knows.
    pub fn holdings(&self) -> impl Iterator<Item = Holding> {
        let own = [
            Holding::of("checkpoint votes under check", self.checks.len()),
            Holding::of("checkpoint votes", self.checkpoints.votes()),
            Holding::of("payloads asked for", self.fetcher.payloads()),
            Holding::of("payloads wanted", self.wanted.len()),
            Holding::of("verdicts on payloads", self.verdicts.len()),
            Holding::of("answers under check", self.fetcher.checking()),
            Holding::of("decisions at hand", self.recent.len()),
            Holding::of("bytes of payloads at hand", self.payloads.bytes()),
            Holding::of("payloads in the mempool's memory", self.mempool.observed()),
        ];
        self.intake.holdings().into_iter().chain(own)
    }
}
