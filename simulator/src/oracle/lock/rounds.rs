//! Tendermint: who has precommitted a value prevotes another only after a newer polka.

use super::NAME;
use crate::fact::{Fact, Said};
use crate::oracle::{Ledger, Oracle};
use quorate_core::{Digest, Kind, Place, Time, View};

/// A correct replica that precommitted v in round r, and no other value since, prevotes another
/// value v' in a round r' above only if a quorum has prevoted v' in a round from r to below r'.
/// (arXiv 1807.04938, L23, L29: `lockedRound ≤ vr`.)
///
/// The rule looks at its precommits that crashes have not taken back, so it holds across restarts.
#[derive(Debug)]
pub(crate) struct Rounds {
    pub(crate) earlier: Kind,
    pub(crate) later: Kind,
}

impl Oracle for Rounds {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        let Fact::Signed { by, said, .. } = fact else {
            return Ok(());
        };
        let judged = said.kind == self.earlier && said.digest != Digest::ZERO;
        if !judged || !ledger.is_new() || !ledger.is_correct(*by) {
            return Ok(());
        }
        let Place { height, view } = said.place;
        let mut own = ledger.views(self.later, height, View::ZERO..view);
        let lock =
            own.find(|(_, tally)| tally.digest() != Digest::ZERO && tally.signed_by(*by).is_some());
        let Some((locked, value)) = lock.map(|(locked, tally)| (locked, tally.digest())) else {
            return Ok(());
        };
        let unlocks = |round| {
            let place = Place::new(height, round);
            let polka = ledger.said(&Said { place, ..*said });
            polka.is_some_and(|tally| ledger.has_quorum(tally))
        };
        if value == said.digest || (locked.0..view.0).map(View).any(unlocks) {
            return Ok(());
        }
        Err(format!(
            "{by:?} prevotes {said:?}, is locked on {value:?} in {locked:?}, and there is no polka \
             since"
        ))
    }
}
