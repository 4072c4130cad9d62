//! What the engine holds of what its peers send.

use crate::body::Body;
use crate::engine::Pbft;
use quorate_core::{Holding, Scheme};

impl<S: Scheme> Pbft<S> {
    /// How much it holds of what peers can fill.
    ///
    /// With n replicas and a window of L heights: slots, planned slots and checks at most L each;
    /// votes 2·n·L; payloads 5·L; view changes, reports, early commits and replicas helped n each,
    /// with n·L certificates in the view changes.
    #[must_use]
    pub fn holdings(&self) -> [Holding; 9] {
        let slots = self.slots.values();
        let votes = slots
            .clone()
            .map(|it| it.ballot.prepares.len() + it.ballot.commits.len());
        let payloads = slots.map(|it| it.payloads() + usize::from(it.outcome.is_some()));
        let certificates = self.view_changes.values().map(|it| match it.body() {
            Body::ViewChange(view_change) => view_change.prepared.len(),
            _ => 0,
        });
        [
            Holding::of("slots", self.slots.len()),
            Holding::of("votes", votes.sum()),
            Holding::of("payloads", payloads.sum()),
            Holding::of("planned slots", self.plan.slots.len()),
            Holding::of("payload checks", self.checks.len()),
            Holding::of(
                "view changes, reports and early commits",
                self.view_changes.len() + self.reports.len() + self.early.len(),
            ),
            Holding::of("certificates in view changes", certificates.sum()),
            Holding::of(
                "view changes of a new view",
                self.new_view
                    .as_ref()
                    .map_or(0, |it| it.new_view.view_changes.len()),
            ),
            Holding::of("replicas helped", self.helped.len()),
        ]
    }
}

#[cfg(test)]
mod tests;
