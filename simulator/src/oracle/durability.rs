//! Durability before speech.

use super::{Ledger, Oracle, Trial};
use crate::fact::Fact;
use quorate_core::{ReplicaId, Seq, Time};

/// A statement that binds leaves only when the record that it was promised with is durable; and
/// nothing that binds is signed without ever having been promised. (ARCHITECTURE.md: promise
/// before speech.)
///
/// A crash may come between a record and its signature: of what survives, the last record may
/// have no signature yet, and the restarted replica signs what it says without a new record. One
/// such signature is allowed for each such crash.
#[derive(Debug)]
pub(crate) struct Durability {
    logs: Vec<Log>,
}

/// What is known of a replica's log.
#[derive(Clone, Debug, Default)]
struct Log {
    /// Where it ends.
    appended: Seq,
    /// The last record that something has been signed for.
    claimed: Seq,
    /// Records that survived a crash, and may be a promise that was not signed yet.
    unsigned: u64,
}

impl Durability {
    pub(crate) fn new(trial: &Trial) -> Self {
        Self {
            logs: vec![Log::default(); trial.powers.len()],
        }
    }

    fn signed(&mut self, by: ReplicaId, record: Option<Seq>, new: bool) -> Result<(), String> {
        let log = &mut self.logs[by.index()];
        match record {
            Some(record) if record > log.appended => Err(format!(
                "{by:?} promises with {record:?}, and its log ends at {:?}",
                log.appended
            )),
            Some(record) => {
                log.claimed = log.claimed.max(record);
                Ok(())
            }
            None if !new => Ok(()),
            None if log.unsigned > 0 => {
                log.unsigned -= 1;
                Ok(())
            }
            None => Err(format!("{by:?} signs what it has not promised")),
        }
    }
}

impl Oracle for Durability {
    fn name(&self) -> &'static str {
        "durability"
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Appended { by, record } => self.logs[by.index()].appended = *record,
            Fact::Crashed { by, durable, .. } => {
                let log = &mut self.logs[by.index()];
                if log.appended == *durable && log.claimed < *durable {
                    log.unsigned += 1;
                }
                log.appended = *durable;
                log.claimed = log.claimed.min(*durable);
            }
            Fact::Signed {
                by,
                said,
                binds: true,
                record,
                ..
            } if ledger.is_correct(*by) => {
                let signed = self.signed(*by, *record, ledger.is_new());
                return signed.map_err(|wrong| format!("{wrong}: {said:?}"));
            }
            Fact::Sent { by, statement } => {
                let Some(tally) = ledger.find(statement).filter(|tally| tally.binds()) else {
                    return Ok(());
                };
                let Some(record) = tally.signed_by(*by) else {
                    return Err(format!("{by:?} says what it has not signed: {statement:?}"));
                };
                let durable = ledger.durable(*by);
                if record > durable {
                    return Err(format!(
                        "{by:?} says {statement:?} of {record:?} while its log is durable up to \
                         {durable:?}"
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
