//! Where a world's trace comes from.

use super::{Happening, Message, TraceSink};
use crate::fact::Fact;
use crate::{Engine, World};
use quorate_core::{Fault, Note, ReplicaId};
use quorate_replica::Service;
use quorate_replica::driver::Event;

impl<P: Engine> World<P> {
    /// Hands every event from now on to somebody. Without this, nothing is put into words.
    pub fn set_trace(&mut self, sink: TraceSink) {
        self.tracer.set_sink(sink);
    }

    /// Something happens at a replica.
    pub(crate) fn trace(&mut self, id: ReplicaId, what: impl FnOnce() -> Happening) {
        if self.tracer.is_on() {
            self.tracer.take(self.now, Some(id), what());
        }
    }

    /// Something happens to all.
    pub(crate) fn trace_all(&mut self, what: impl FnOnce() -> Happening) {
        if self.tracer.is_on() {
            self.tracer.take(self.now, None, what());
        }
    }

    /// Something happens at a replica that has no form of its own.
    pub(crate) fn note(&mut self, id: ReplicaId, text: impl FnOnce() -> String) {
        self.trace(id, || Happening::note(text()));
    }

    /// A driver is about to handle an event.
    pub(crate) fn trace_event(&mut self, id: ReplicaId, event: &Event<P>) {
        if self.tracer.is_on()
            && let Some(what) = handled(event)
        {
            self.tracer.take(self.now, Some(id), what);
        }
    }

    /// A replica blames another.
    pub(crate) fn blames(&mut self, id: ReplicaId, peer: ReplicaId, fault: Fault) {
        let fault = format!("{fault:?}");
        self.trace(id, || Happening::Blamed {
            peer: peer.0,
            fault: fault.clone(),
        });
        self.tell(&Fact::Blamed {
            by: id,
            peer,
            fault,
        });
    }
}

/// A driver's event in words; none if it has been told already, or only says that time has passed.
fn handled<P: Engine>(event: &Event<P>) -> Option<Happening> {
    Some(match event {
        Event::Submitted(_) | Event::Durable(_) | Event::Stored(_) | Event::Tick => return None,
        Event::Received(received) => Happening::Received {
            from: received.signed.by.0,
            message: Message::of(&received.signed.body),
        },
        Event::Service(from, message) => Happening::ReceivedService {
            from: from.0,
            text: service(message),
        },
        Event::Forwarded(from, requests) => Happening::ReceivedService {
            from: from.0,
            text: format!("forward {} requests", requests.len()),
        },
        Event::Executed(height, _) => Happening::Executed { height: height.0 },
        Event::Checked(batch) => {
            Happening::note(format!("checked {} messages", batch.results.len()))
        }
        Event::Signed(ticket, _) => Happening::note(format!("signed {ticket:?}")),
        event => Happening::note(format!("{event:?}")),
    })
}

/// A service message in words.
pub(crate) fn service<P: Engine>(message: &Service<P>) -> String {
    match message {
        Service::Forward(batch) => format!("forward {} bytes", batch.len()),
        Service::Checkpoint(claim, _) => format!("checkpoint {:?}", claim.height),
        message => format!("{message:?}"),
    }
}

impl Happening {
    /// What an engine tells about its progress.
    pub(crate) fn of_note(note: Note) -> Self {
        match note {
            Note::Entered(height, view) => Self::Entered {
                height: height.0,
                view: view.0,
            },
            Note::TimedOut(height, view) => Self::TimedOut {
                height: height.0,
                view: view.0,
            },
            Note::Locked(height, view) => Self::Locked {
                height: height.0,
                view: view.0,
            },
            note => Self::note(format!("{note:?}")),
        }
    }
}
