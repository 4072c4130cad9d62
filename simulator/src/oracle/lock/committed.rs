//! PBFT: what a quorum has committed is proposed again by every later view.

use super::NAME;
use crate::fact::Fact;
use crate::oracle::{Ledger, Oracle};
use quorate_core::{Kind, Time, View};

/// No correct replica prepares anything else at a height than what a quorum has committed there
/// in a lower view.
///
/// The quorum of view changes that opens a later view shares a correct replica with the quorum
/// that committed. It shows its prepared certificate, and nobody can have one of a higher view for
/// anything else, so the new view proposes this again; or its checkpoint is above, and the new
/// view proposes nothing there. (Thesis, invariants A.1.4 and A.1.5; OSDI '99, section 4.4.)
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) earlier: Kind,
    pub(crate) later: Kind,
}

impl Oracle for Committed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        let Fact::Signed { by, said, .. } = fact else {
            return Ok(());
        };
        if said.kind != self.earlier || !ledger.is_new() || !ledger.is_correct(*by) {
            return Ok(());
        }
        let below = View::ZERO..said.place.view;
        let mut committed = ledger.views(self.later, said.place.height, below);
        let other =
            committed.find(|(_, tally)| tally.digest() != said.digest && ledger.has_quorum(tally));
        match other {
            None => Ok(()),
            Some((view, tally)) => Err(format!(
                "{by:?} prepares {said:?}, and a quorum has committed {:?} in {view:?}",
                tally.digest()
            )),
        }
    }
}
