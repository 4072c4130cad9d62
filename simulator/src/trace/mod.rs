//! What happens in a run, one event after the other, for people and programs.

mod emit;
mod line;
#[cfg(test)]
mod tests;

pub(crate) use emit::service;
pub use line::Ink;

use crate::Options;
use quorate_core::{Body, Destination, ReplicaId, Scheme, Time};
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;

/// Lines that are kept when nobody takes the trace.
const RECENT: usize = 40_000;
/// Characters of a line that are kept.
const RECENT_WIDTH: usize = 240;

/// Something that has happened in a run.
///
/// [`Self::line`] is it in one line for people; serialised it is one flat JSON object with the
/// fields `time_ns`, `replica` (if it happened at one), `event`, and those of the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceEvent {
    /// Virtual time since the start, in nanoseconds.
    pub time_ns: u64,
    /// The replica at which it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica: Option<u16>,
    /// What has happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// A message of the protocol, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// What its engine calls this kind of message.
    pub kind: &'static str,
    /// The height it is about.
    pub height: u64,
    /// The view or round it is about.
    pub view: u64,
    /// The beginning of the digest of what it says, in hexadecimal.
    pub digest: String,
    /// All of it, as a debugger would show it. Not for programs.
    pub detail: String,
}

impl Message {
    pub(crate) fn of<S: Scheme>(body: &impl Body<S>) -> Self {
        let signing = body.signing();
        Self {
            kind: kind_name(body),
            height: signing.slot.place.height.0,
            view: signing.slot.place.view.0,
            digest: signing.digest.short(),
            detail: format!("{body:?}"),
        }
    }
}

/// What an engine calls this kind of message.
fn kind_name<S: Scheme, B: Body<S>>(body: &B) -> &'static str {
    B::kind_name(body.kind())
}

/// What happens in a run. Texts are for people, and may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Happening {
    /// A client gives a replica a request.
    Submitted {
        /// The request's name.
        request: String,
        /// Bytes of its body.
        bytes: usize,
    },
    /// A replica starts from its disks.
    Started {
        /// Its how manyth start, from 1.
        run: u64,
        /// The last height in its block store.
        stored: u64,
    },
    /// The power of a replica fails.
    Crashed {
        /// The last record of its log that survives.
        durable: u64,
        /// Whether everything on its disks is gone.
        amnesia: bool,
    },
    /// A message of the protocol leaves a replica.
    Sent {
        /// The replica that it goes to; none if it goes to all others.
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<u16>,
        /// What it is.
        #[serde(flatten)]
        message: Message,
    },
    /// A message of the protocol arrives.
    Received {
        /// Who says so.
        from: u16,
        /// What it is.
        #[serde(flatten)]
        message: Message,
    },
    /// Replicas help each other: requests are forwarded, decisions fetched, checkpoints signed.
    SentService {
        /// The replica that it goes to; none if it goes to all others.
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<u16>,
        /// What.
        text: String,
    },
    /// The other end of that.
    ReceivedService {
        /// From whom.
        from: u16,
        /// What.
        text: String,
    },
    /// A record is written to the safety log.
    Appended {
        /// Where.
        record: u64,
        /// What it says.
        text: String,
    },
    /// The safety log is durable.
    Durable {
        /// Up to here.
        record: u64,
    },
    /// A replica decides.
    Decided {
        /// The height.
        height: u64,
        /// The beginning of the payload's digest, in hexadecimal.
        payload: String,
        /// Bytes of the payload.
        bytes: usize,
    },
    /// The application has executed a decision.
    Executed {
        /// The height.
        height: u64,
    },
    /// The block store has a decision.
    Stored {
        /// The height.
        height: u64,
    },
    /// A checkpoint is stable.
    Stable {
        /// The height.
        height: u64,
    },
    /// A replica moves to a view or round.
    Entered {
        /// The height that it works at, if its protocol works at one.
        height: u64,
        /// The view or round.
        view: u64,
    },
    /// A replica gives a view or round up.
    TimedOut {
        /// The height that it works at, if its protocol works at one.
        height: u64,
        /// The view or round.
        view: u64,
    },
    /// A replica holds a certificate that locks it.
    Locked {
        /// The height.
        height: u64,
        /// The view or round.
        view: u64,
    },
    /// A replica accuses another with two contradicting statements.
    Accused {
        /// Whom.
        culprit: u16,
        /// The statements.
        text: String,
    },
    /// A replica blames another for a message that no correct replica sends.
    Blamed {
        /// Whom.
        peer: u16,
        /// For what.
        fault: String,
    },
    /// The links between replicas change.
    Links {
        /// How.
        text: String,
    },
    /// Something else.
    Note {
        /// What.
        text: String,
    },
    /// An oracle objects. It ends the run.
    Violation {
        /// Which oracle.
        oracle: String,
        /// To what.
        message: String,
    },
}

impl Happening {
    pub(crate) fn note(text: impl Into<String>) -> Self {
        Self::Note { text: text.into() }
    }

    pub(crate) fn links(text: impl Into<String>) -> Self {
        Self::Links { text: text.into() }
    }
}

/// Where something goes, if not to all.
pub(crate) const fn one(to: Destination) -> Option<u16> {
    match to {
        Destination::Others => None,
        Destination::One(id) => Some(id.0),
    }
}

/// Takes a trace, event by event.
pub type TraceSink = Box<dyn FnMut(&TraceEvent) + Send>;

/// Where a world's trace goes. Without either of the two, nothing is ever put into words.
#[derive(Default)]
pub(crate) struct Tracer {
    sink: Option<TraceSink>,
    /// The last lines, to be shown when the world ends in a panic.
    recent: Option<VecDeque<String>>,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() { "tracer" } else { "no tracer" })
    }
}

impl Tracer {
    /// Keeps the last lines if the options say so.
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            sink: None,
            recent: options.trace.then(VecDeque::new),
        }
    }

    pub(crate) fn set_sink(&mut self, sink: TraceSink) {
        self.sink = Some(sink);
    }

    /// Whether anybody wants to know.
    pub(crate) const fn is_on(&self) -> bool {
        self.sink.is_some() || self.recent.is_some()
    }

    /// Something has happened.
    pub(crate) fn take(&mut self, now: Time, replica: Option<ReplicaId>, what: Happening) {
        let event = TraceEvent {
            time_ns: now.0,
            replica: replica.map(|id| id.0),
            what,
        };
        if let Some(recent) = &mut self.recent {
            if recent.len() == RECENT {
                recent.pop_front();
            }
            recent.push_back(event.line(RECENT_WIDTH, Ink::Plain));
        }
        if let Some(sink) = &mut self.sink {
            sink(&event);
        }
    }

    /// The last lines, oldest first.
    pub(crate) fn recent(&self) -> impl Iterator<Item = &String> {
        self.recent.iter().flatten()
    }
}
