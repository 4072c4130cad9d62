//! Support: certificates are made of signatures that were made.

use super::{Ledger, Oracle};
use crate::fact::{Certificate, Fact};
use quorate_core::{ReplicaId, Threshold, Time};

/// Every certificate that a correct replica relies on has distinct signers that all really signed
/// exactly its statement, with the power that it needs; and every decision and every stable
/// checkpoint has a certificate of a quorum. (ChonkyBFT's `justification_is_supported`; it sees
/// counting across views and rounds, which seldom leads to a fork.)
#[derive(Debug)]
pub(crate) struct Support;

impl Oracle for Support {
    fn name(&self) -> &'static str {
        "support"
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Relied { by, certificate } => check(ledger, *by, certificate),
            Fact::Gathered { by, signers } => check_gathered(ledger, *by, signers),
            Fact::Stable {
                by, certificate, ..
            } => {
                check_quorum(*by, std::slice::from_ref(certificate))?;
                check(ledger, *by, certificate)
            }
            Fact::Decided {
                by, certificates, ..
            } => {
                check_quorum(*by, certificates)?;
                let mut certificates = certificates.iter();
                certificates.try_for_each(|certificate| check(ledger, *by, certificate))
            }
            _ => Ok(()),
        }
    }
}

/// Those who let a correct replica go on are distinct, and a quorum.
fn check_gathered(ledger: &Ledger, by: ReplicaId, signers: &[ReplicaId]) -> Result<(), String> {
    let twice = (1..signers.len()).find(|index| signers[..*index].contains(&signers[*index]));
    if let Some(index) = twice {
        return Err(format!("{by:?} shows {:?} twice", signers[index]));
    }
    let power: u64 = signers.iter().map(|id| ledger.table().power(*id)).sum();
    let needed = ledger.table().needed(Threshold::Quorum);
    if power < needed {
        return Err(format!(
            "{by:?} shows {signers:?}, with power {power} and not {needed}"
        ));
    }
    Ok(())
}

/// One of the certificates, at least, is of a quorum.
fn check_quorum(by: ReplicaId, certificates: &[Certificate]) -> Result<(), String> {
    let mut certificates = certificates.iter();
    if certificates.any(|it| it.threshold == Threshold::Quorum) {
        Ok(())
    } else {
        Err(format!("{by:?} has no certificate of a quorum"))
    }
}

fn check(ledger: &Ledger, by: ReplicaId, certificate: &Certificate) -> Result<(), String> {
    let Certificate {
        statement,
        signers,
        threshold,
    } = certificate;
    let wrong = |what: String| Err(format!("{by:?} relies on {statement:?}: {what}"));
    let Some(tally) = ledger.find(statement) else {
        return wrong("nobody has signed it".into());
    };
    let mut power = 0;
    for (index, signer) in signers.iter().enumerate() {
        if signers[..index].contains(signer) {
            return wrong(format!("{signer:?} counts twice"));
        }
        if tally.signed_by(*signer).is_none() {
            return wrong(format!("{signer:?} has not signed it"));
        }
        power += ledger.table().power(*signer);
    }
    let needed = ledger.table().needed(*threshold);
    if power < needed {
        return wrong(format!("{signers:?} have power {power} and not {needed}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
