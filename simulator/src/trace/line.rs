//! One event in one line.

use super::{Happening, Message, TraceEvent};
use std::fmt::Write as _;

/// Whether lines are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Plain text, for files and pipes.
    Plain,
    /// With ANSI colours, for terminals.
    Coloured,
}

/// Characters before the text: time, replica and event.
const HEAD: usize = 12 + 2 + 4 + 1 + 13 + 1;

impl TraceEvent {
    /// The event in one line of at most `width` characters (colours do not count): seconds, the
    /// replica, what has happened, and as many details as fit.
    #[must_use]
    pub fn line(&self, width: usize, ink: Ink) -> String {
        let (name, text) = self.what.words();
        let micros = self.time_ns / 1_000;
        let time = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let replica = self.replica.map(|id| format!("r{id}")).unwrap_or_default();
        let head = format!("{time:>12}  {replica:<4} {name:<13} ");
        debug_assert!(head.len() >= HEAD, "the columns have a width");
        let mut line = shortened(&format!("{head}{text}"), width);
        if let (Ink::Coloured, Some(colour)) = (ink, self.what.colour()) {
            line = format!("\x1b[{colour}m{line}\x1b[0m");
        }
        line
    }
}

/// Text of at most `width` characters, in one line.
fn shortened(text: &str, width: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().count() <= width {
        return text
            .chars()
            .map(plain)
            .collect::<String>()
            .trim_end()
            .into();
    }
    let kept = text.chars().map(plain).take(width.saturating_sub(1));
    let mut line: String = kept.collect();
    if width > 0 {
        line.push('…');
    }
    line
}

fn message(peer: &str, message: &Message) -> String {
    let Message {
        kind,
        height,
        view,
        digest,
        detail,
    } = message;
    format!("{peer:<6} {kind:<12} h{height} v{view} {digest}  {detail}")
}

fn peer(direction: &str, id: Option<u16>) -> String {
    id.map_or_else(
        || format!("{direction} all"),
        |id| format!("{direction} r{id}"),
    )
}

impl Happening {
    /// Its name and what there is to say about it.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Submitted { request, bytes } => {
                ("submitted", format!("{request}, {bytes} bytes"))
            }
            Self::Started { run, stored } => ("started", format!("run {run}, has h{stored}")),
            Self::Crashed { durable, amnesia } => {
                let mut text = format!("log ends at {durable}");
                if *amnesia {
                    let _ = write!(text, ", everything on its disks is gone");
                }
                ("crashed", text)
            }
            Self::Sent { to, message: it } => ("sent", message(&peer("->", *to), it)),
            Self::Received { from, message: it } => {
                ("received", message(&peer("<-", Some(*from)), it))
            }
            Self::SentService { to, text } => ("sent", format!("{:<6} {text}", peer("->", *to))),
            Self::ReceivedService { from, text } => {
                ("received", format!("{:<6} {text}", peer("<-", Some(*from))))
            }
            Self::Appended { record, text } => ("appended", format!("{record}: {text}")),
            Self::Durable { record } => ("durable", format!("to {record}")),
            Self::Decided {
                height,
                payload,
                bytes,
            } => ("decided", format!("h{height} {payload}, {bytes} bytes")),
            Self::Executed { height } => ("executed", format!("h{height}")),
            Self::Stored { height } => ("stored", format!("h{height}")),
            Self::Stable { height } => ("stable", format!("h{height}")),
            Self::Entered { height, view } => ("entered", format!("h{height} v{view}")),
            Self::TimedOut { height, view } => ("timed out", format!("h{height} v{view}")),
            Self::Locked { height, view } => ("locked", format!("h{height} v{view}")),
            Self::Accused { culprit, text } => ("accused", format!("r{culprit}: {text}")),
            Self::Blamed { peer, fault } => ("blamed", format!("r{peer}: {fault}")),
            Self::Links { text } => ("links", text.clone()),
            Self::Note { text } => ("note", text.clone()),
            Self::Violation { oracle, message } => ("VIOLATION", format!("{oracle}: {message}")),
        }
    }

    /// The colour of its line, as the number of an ANSI sequence.
    const fn colour(&self) -> Option<u8> {
        match self {
            Self::Violation { .. } | Self::Crashed { .. } | Self::Accused { .. } => Some(31),
            Self::Decided { .. } => Some(32),
            Self::TimedOut { .. } | Self::Blamed { .. } | Self::Links { .. } => Some(33),
            Self::Started { .. } | Self::Submitted { .. } => Some(36),
            Self::Received { .. }
            | Self::ReceivedService { .. }
            | Self::Appended { .. }
            | Self::Durable { .. }
            | Self::Note { .. } => Some(2),
            _ => None,
        }
    }
}
