//! Holds messages until they may leave.

use quorate_core::{Body, Protocol, Recipients, Send, Seq, Verified};
use std::collections::BTreeMap;

/// Names a message that waits for its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignTicket(pub u64);

/// A message that may leave: its record is durable, and it is signed.
#[derive(Debug)]
pub(super) struct Released<P: Protocol> {
    pub(super) to: Recipients,
    /// Whether the sender hears it too, whoever else gets it.
    pub(super) binds: bool,
    pub(super) message: Verified<P>,
}

#[derive(Debug)]
struct Held<P: Protocol> {
    to: Recipients,
    after: Seq,
    binds: bool,
    message: Option<Verified<P>>,
}

/// Messages on their way out. A message is signed while its record is being synced; it leaves
/// when both are done.
///
/// Bounded by what the engine has promised and not yet heard back: signing and syncing always
/// end, or the replica stops.
#[derive(Debug)]
pub(super) struct Gate<P: Protocol> {
    held: BTreeMap<SignTicket, Held<P>>,
    next: u64,
    durable: Seq,
}

impl<P: Protocol> Gate<P> {
    /// A gate of a log that is durable up to `durable`.
    pub(super) const fn new(durable: Seq) -> Self {
        Self {
            held: BTreeMap::new(),
            next: 0,
            durable,
        }
    }

    /// Takes a message in; its body is to be signed under the ticket.
    pub(super) fn hold(&mut self, send: Send<P>) -> (SignTicket, P::Body) {
        let ticket = SignTicket(self.next);
        self.next += 1;
        let (to, after, binds) = (send.to(), send.after(), send.body().binds());
        self.held.insert(
            ticket,
            Held {
                to,
                after,
                binds,
                message: None,
            },
        );
        (ticket, send.into_body())
    }

    /// Lets a message leave whether or not its record is durable: for
    /// [`super::planted::PlantedBug::VoteBeforeSync`] alone.
    pub(super) fn waive(&mut self, ticket: SignTicket) {
        if let Some(held) = self.held.get_mut(&ticket) {
            held.after = Seq::NONE;
        }
    }

    /// The signature is there.
    pub(super) fn signed(&mut self, ticket: SignTicket, message: Verified<P>) {
        if let Some(held) = self.held.get_mut(&ticket) {
            held.message = Some(message);
        }
    }

    /// Signing failed: the message is never sent, which every engine survives.
    pub(super) fn failed(&mut self, ticket: SignTicket) {
        self.held.remove(&ticket);
    }

    /// The log is durable up to `seq`.
    ///
    /// # Panics
    ///
    /// If durability goes back, which is the log's bug.
    pub(super) fn durable(&mut self, seq: Seq) {
        assert!(
            seq >= self.durable,
            "durability went back from {:?} to {seq:?}",
            self.durable
        );
        self.durable = seq;
    }

    /// Takes the messages that may leave now, in the order they were emitted.
    pub(super) fn release(&mut self) -> Vec<Released<P>> {
        let durable = self.durable;
        let ready = |held: &Held<P>| held.message.is_some() && held.after <= durable;
        let tickets: Vec<_> = self
            .held
            .iter()
            .filter(|(_, held)| ready(held))
            .map(|(ticket, _)| *ticket)
            .collect();
        let take = |ticket| {
            let held = self.held.remove(&ticket)?;
            Some(Released {
                to: held.to,
                binds: held.binds,
                message: held.message?,
            })
        };
        tickets.into_iter().filter_map(take).collect()
    }
}
