//! Validity: what is decided was asked for.

use super::{Ledger, Oracle};
use crate::fact::Fact;
use quorate_core::{Digest, Height, RequestId, Time};
use std::collections::{BTreeMap, BTreeSet};

/// Every decided payload is a well-formed batch of requests that clients have submitted, each
/// with the body that was submitted; and "nothing" ([`Digest::ZERO`], Tendermint's nil) is never
/// decided.
#[derive(Debug, Default)]
pub(crate) struct Validity {
    submitted: BTreeSet<(RequestId, Digest)>,
    /// The payload of each height that was looked at already.
    seen: BTreeMap<Height, Digest>,
}

impl Oracle for Validity {
    fn name(&self) -> &'static str {
        "validity"
    }

    fn observe(&mut self, _: Time, fact: &Fact, _: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Submitted { request, body } => {
                self.submitted.insert((*request, *body));
            }
            Fact::Decided {
                by,
                height,
                payload,
                requests,
                ..
            } if self.seen.insert(*height, *payload) != Some(*payload) => {
                let decides = format!("{by:?} decides {payload:?} at {height:?}");
                if *payload == Digest::ZERO {
                    return Err(format!("{decides}, which is nothing"));
                }
                let Some(requests) = requests else {
                    return Err(format!("{decides}, which is no batch"));
                };
                let mut requests = requests.iter();
                if let Some((request, _)) = requests.find(|it| !self.submitted.contains(it)) {
                    return Err(format!(
                        "{decides}, and nobody has submitted {request:?} so"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
