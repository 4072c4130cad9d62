//! What engines want done, and the only way for them to say it.

use crate::{
    Body, Decision, Digest, Evidence, Fault, Height, Note, Payload, Protocol, ReplicaId, Seq,
    SignerSet, Ticket,
};
use std::fmt;

/// Who gets a message.
///
/// Whatever binds its sender comes back to it, once signed and durable, whoever else gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// Every replica, the sender included.
    All,
    /// One replica, perhaps the sender.
    One(ReplicaId),
}

/// An entry of the safety log.
#[derive(Debug)]
pub enum Entry<P: Protocol> {
    /// What the replica must remember of its promises.
    Record(P::Record),
    /// A payload that a later record accepts by its digest. One log, one watermark: the record
    /// is durable only once the payload is.
    Payload(Payload),
}

impl<P: Protocol> Clone for Entry<P> {
    fn clone(&self) -> Self {
        match self {
            Self::Record(record) => Self::Record(record.clone()),
            Self::Payload(payload) => Self::Payload(payload.clone()),
        }
    }
}

/// A message on its way out. Only an [`Outbox`] makes one.
pub struct Send<P: Protocol> {
    to: Recipients,
    body: P::Body,
    after: Seq,
}

impl<P: Protocol> Send<P> {
    /// Who gets it.
    #[must_use]
    pub const fn to(&self) -> Recipients {
        self.to
    }

    /// What to sign and send.
    #[must_use]
    pub const fn body(&self) -> &P::Body {
        &self.body
    }

    /// The log entry that must be durable before the message leaves; [`Seq::NONE`] if none.
    #[must_use]
    pub const fn after(&self) -> Seq {
        self.after
    }

    /// Takes the body out.
    #[must_use]
    pub fn into_body(self) -> P::Body {
        self.body
    }
}

impl<P: Protocol> fmt::Debug for Send<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "to {:?} after {:?}: {:?}",
            self.to, self.after, self.body
        )
    }
}

/// A log entry on its way to the log. Only an [`Outbox`] makes one.
pub struct Persist<P: Protocol> {
    seq: Seq,
    entry: Entry<P>,
}

impl<P: Protocol> Persist<P> {
    /// Its place in the log.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    /// What to write.
    #[must_use]
    pub const fn entry(&self) -> &Entry<P> {
        &self.entry
    }
}

impl<P: Protocol> fmt::Debug for Persist<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.seq, self.entry)
    }
}

/// Something a replica wants done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output<P: Protocol> {
    /// Append an entry to the safety log.
    Persist(Persist<P>),
    /// Sign a body, and send it once the log is durable up to where it says.
    Send(Send<P>),
    /// Ask for a payload to propose. Answered by [`crate::Input::Built`], perhaps much later: an
    /// idle replica has nothing to propose.
    Build {
        /// Returned with the answer. A newer ticket cancels older ones.
        ticket: Ticket,
        /// Height at which the payload would be decided.
        height: Height,
        /// Digests of the payloads between the last decision and this one, in order. The answer
        /// repeats none of their requests.
        undecided: Vec<Digest>,
    },
    /// Ask whether a payload is acceptable. Answered by [`crate::Input::Checked`].
    Check {
        /// Returned with the answer.
        ticket: Ticket,
        /// Height at which it is proposed.
        height: Height,
        /// The payload.
        payload: Payload,
    },
    /// Apply the next decision. Heights come in order, without gaps, each once.
    Commit(Decision<P>),
    /// Get the payload with this digest: from our own log or store, or else from these replicas,
    /// of which at least one correct one has it. Answered by [`crate::Input::Payload`].
    FetchPayload {
        /// Digest of the payload.
        digest: Digest,
        /// Who has it.
        from: SignerSet,
    },
    /// Get the decisions from this height on from other replicas: we have fallen behind. Answered
    /// by [`crate::Input::Learned`], for as many as there are.
    Fetch(Height),
    /// Two statements by one replica that no correct replica makes. Anyone can check it.
    Evidence(Box<Evidence<P>>),
    /// A peer did what no correct peer does; the transport may lower its standing.
    Blame(ReplicaId, Fault),
    /// Log entries before this one are no longer needed.
    Prune(Seq),
    /// A fact about progress, for traces and metrics. It never influences the protocol.
    Note(Note),
}

/// Collects the outputs of one or more steps, in order. Reused, so that a step need not allocate.
///
/// It is what makes *promise before speech* impossible to get wrong: a body that binds its sender
/// leaves only through [`Outbox::promise`], which writes the record first, or [`Outbox::repeat`],
/// which names one already written.
#[derive(Debug)]
pub struct Outbox<P: Protocol> {
    outputs: Vec<Output<P>>,
    last: Seq,
}

impl<P: Protocol> Outbox<P> {
    /// An empty outbox that numbers its first entry after `last`.
    #[must_use]
    pub fn new(last: Seq) -> Self {
        Self {
            outputs: Vec::with_capacity(32),
            last,
        }
    }

    /// Makes a promise: logs `record`, and sends `body` once the record is durable.
    ///
    /// Returns the record's place, for [`Self::repeat`] and [`Self::prune`].
    ///
    /// # Panics
    ///
    /// If the body binds nobody: that is an engine's bug.
    pub fn promise(&mut self, record: P::Record, to: Recipients, body: P::Body) -> Seq {
        assert!(body.binds(), "a promise must bind: {body:?}");
        let after = self.persist(record);
        self.outputs.push(Output::Send(Send { to, body, after }));
        after
    }

    /// Sends a promise again that was made before, as it was, without a new record.
    ///
    /// `after` is its record; after a restart, whose recovered records are durable, the last
    /// recovered place or [`Seq::NONE`].
    ///
    /// # Panics
    ///
    /// If the body binds nobody, or if `after` has not been written: that is an engine's bug.
    pub fn repeat(&mut self, after: Seq, to: Recipients, body: P::Body) {
        assert!(body.binds(), "only a promise can be repeated: {body:?}");
        assert!(
            after <= self.last,
            "the record {after:?} of a repeated promise is not written"
        );
        self.outputs.push(Output::Send(Send { to, body, after }));
    }

    /// Sends a body that promises nothing: an answer, a certificate.
    ///
    /// # Panics
    ///
    /// If the body binds its sender: that is an engine's bug.
    pub fn send(&mut self, to: Recipients, body: P::Body) {
        assert!(!body.binds(), "a binding body must be promised: {body:?}");
        self.outputs.push(Output::Send(Send {
            to,
            body,
            after: Seq::NONE,
        }));
    }

    /// Logs a record that no message waits for, such as a lock.
    pub fn persist(&mut self, record: P::Record) -> Seq {
        self.append(Entry::Record(record))
    }

    /// Logs a payload. Called before the record that accepts its digest.
    pub fn store(&mut self, payload: Payload) -> Seq {
        self.append(Entry::Payload(payload))
    }

    fn append(&mut self, entry: Entry<P>) -> Seq {
        self.last = self.last.next();
        self.outputs.push(Output::Persist(Persist {
            seq: self.last,
            entry,
        }));
        self.last
    }

    /// The last entry written so far.
    #[must_use]
    pub const fn last(&self) -> Seq {
        self.last
    }

    /// Log entries before `seq` are no longer needed.
    pub fn prune(&mut self, seq: Seq) {
        self.outputs.push(Output::Prune(seq));
    }

    /// Asks for a payload to propose.
    pub fn build(&mut self, ticket: Ticket, height: Height, undecided: Vec<Digest>) {
        self.outputs.push(Output::Build {
            ticket,
            height,
            undecided,
        });
    }

    /// Asks whether a payload is acceptable.
    pub fn check(&mut self, ticket: Ticket, height: Height, payload: Payload) {
        self.outputs.push(Output::Check {
            ticket,
            height,
            payload,
        });
    }

    /// Hands on a decision.
    pub fn commit(&mut self, decision: Decision<P>) {
        self.outputs.push(Output::Commit(decision));
    }

    /// Asks for a payload by digest.
    pub fn fetch_payload(&mut self, digest: Digest, from: SignerSet) {
        self.outputs.push(Output::FetchPayload { digest, from });
    }

    /// Asks for the decisions from `height` on.
    pub fn fetch(&mut self, height: Height) {
        self.outputs.push(Output::Fetch(height));
    }

    /// Reports a contradiction, and blames its author.
    pub fn accuse(&mut self, evidence: Box<Evidence<P>>) {
        self.outputs
            .push(Output::Blame(evidence.first.by, Fault::Equivocation));
        self.outputs.push(Output::Evidence(evidence));
    }

    /// Reports a peer's fault.
    pub fn blame(&mut self, peer: ReplicaId, fault: Fault) {
        self.outputs.push(Output::Blame(peer, fault));
    }

    /// Reports a fact about progress.
    pub fn note(&mut self, note: Note) {
        self.outputs.push(Output::Note(note));
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Takes the outputs collected so far, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Output<P>> + '_ {
        self.outputs.drain(..)
    }
}
