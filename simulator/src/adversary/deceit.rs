//! What adversaries know of an engine.

use quorate_core::testing::Random;
use quorate_core::{Payload, Protocol, ReplicaId, Requests, Verified};
use std::fmt::Debug;

/// How replicas of an engine can deceive, in bodies that are not signed yet.
///
/// Only the adversaries' own statements are ever changed. What they carry of others, signed view
/// changes and certificates, is what others have really signed.
pub trait Deceit: Protocol {
    /// What an adversary remembers of what it has heard and said, within bounds: valid
    /// certificates, and what they were made of.
    type Memory: Debug + Send + 'static;

    /// Remembers nothing yet.
    fn memory(scheme: &Self::Scheme) -> Self::Memory;

    /// Learns from a message of another replica, or from its own as it was signed.
    fn learn(memory: &mut Self::Memory, message: &Verified<Self>);

    /// Something else that fits into the same exclusive slot; `None` if there is nothing, or the
    /// slot is not exclusive.
    fn contradict(
        body: &Self::Body,
        memory: &Self::Memory,
        random: &mut Random,
    ) -> Option<Self::Body>;

    /// What a liar `me` says in its place: true once, or true and not the whole. Nothing if it has
    /// nothing better to say.
    fn lie(
        body: &Self::Body,
        me: ReplicaId,
        memory: &Self::Memory,
        random: &mut Random,
    ) -> Vec<Self::Body>;

    /// The same kind of body, anywhere and about anything; `None` if its kind has no such thing.
    fn nonsense(body: &Self::Body, random: &mut Random) -> Option<Self::Body>;

    /// Whether a liar may show this to a single replica, so that it is ahead of the others.
    fn is_worth_hiding(body: &Self::Body) -> bool;
}

/// Another payload that a correct application accepts: of the same requests, or of old ones.
pub(crate) fn another_payload(
    payload: &Payload,
    heard: impl DoubleEndedIterator<Item = Payload>,
    random: &mut Random,
) -> Option<Payload> {
    let requests: Vec<_> = Requests::new(payload.bytes()).flatten().collect();
    let mut others = Vec::new();
    let batch = |requests: &mut dyn Iterator<Item = &quorate_core::RequestRef<'_>>| {
        let mut batch = Vec::new();
        requests.for_each(|request| request.append_to(&mut batch));
        Payload::new(batch)
    };
    if !requests.is_empty() {
        others.push(Payload::empty());
        others.push(batch(&mut requests.iter().rev()));
        others.push(batch(&mut requests.iter().skip(1)));
    }
    others.extend(heard.rev().take(4));
    others.retain(|other| other != payload);
    pick(&others, random).cloned()
}

/// One of these.
pub(crate) fn pick<'a, T>(items: &'a [T], random: &mut Random) -> Option<&'a T> {
    let count = items.len() as u64;
    (count > 0).then(|| &items[random.below(count) as usize])
}

/// One of the last few of these: what is long over deceives nobody.
pub(crate) fn pick_late<'a, T>(items: &'a [T], random: &mut Random) -> Option<&'a T> {
    pick(&items[items.len().saturating_sub(4)..], random)
}

/// A view, round or height far from here, or near: where arithmetic and windows have their edges.
pub(crate) fn somewhere(here: u64, random: &mut Random) -> u64 {
    let places = [
        0,
        1,
        here.saturating_sub(1),
        here.saturating_add(1),
        here.saturating_add(2 + random.below(8)),
        here.saturating_add(63),
        here.saturating_add(64),
        here.saturating_add(65),
        here.saturating_add(1_000_000),
        1 << 32,
        u64::MAX - 65,
        u64::MAX - 1,
        u64::MAX,
    ];
    places[random.below(places.len() as u64) as usize]
}
