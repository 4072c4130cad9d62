//! HotStuff with two chains: a block follows its certificate, or a quorum that knows no better.

use super::NAME;
use crate::fact::Fact;
use crate::oracle::surviving::Surviving;
use crate::oracle::{Ledger, Oracle, Trial};
use quorate_core::{Digest, Height, Kind, Place, ReplicaId, Time, View};
use std::collections::BTreeMap;

/// A correct replica votes for a block in view v only if its certificate is of view v − 1; or if a
/// quorum has given up view v − 1, none of whom knew a certificate above the block's. (Jolteon,
/// arXiv 2106.10362, "Vote".)
///
/// What a correct replica knew when it gave up a view is at least the highest certificate of the
/// blocks that it had voted for (as far as crashes have not taken the votes back), and it must
/// have said so. Adversaries may say anything: they count as knowing nothing.
#[derive(Debug)]
pub(crate) struct TwoChain {
    vote: Kind,
    timeout: Kind,
    /// View of the highest certificate in what each replica has voted for.
    known: Vec<Surviving<u64>>,
    /// The same when it gave up a view; the lowest, if it gave it up twice.
    then: BTreeMap<(View, ReplicaId), u64>,
}

impl TwoChain {
    pub(crate) fn new(trial: &Trial, vote: Kind, timeout: Kind) -> Self {
        Self {
            vote,
            timeout,
            known: vec![Surviving::default(); trial.powers.len()],
            then: BTreeMap::new(),
        }
    }

    fn gives_up(&mut self, by: ReplicaId, view: View) {
        let known = self.known[by.index()].greatest().unwrap_or(0);
        let then = self.then.entry((view, by)).or_insert(known);
        *then = known.min(*then);
    }

    /// Power of those who have given up a view without knowing a certificate above this one.
    fn power(&self, ledger: &Ledger, view: View, certificate: u64) -> u64 {
        let slot = ledger.slot(self.timeout, Place::new(Height::GENESIS, view));
        let mut signers: Vec<_> = slot.flat_map(|tally| tally.signers()).collect();
        signers.sort_unstable();
        signers.dedup();
        let counts = |by: &ReplicaId| {
            let then = self.then.get(&(view, *by));
            !ledger.is_correct(*by) || then.is_none_or(|known| *known <= certificate)
        };
        let counted = signers.iter().filter(|by| counts(by));
        counted.map(|by| ledger.table().power(*by)).sum()
    }

    fn votes(&self, ledger: &Ledger, by: ReplicaId, block: &Digest) -> Result<Option<u64>, String> {
        let Some(block) = ledger.block(block) else {
            return Ok(None);
        };
        let certificate = block.parent_view;
        if certificate.checked_add(1) == Some(block.view) {
            return Ok(Some(certificate));
        }
        let power = self.power(ledger, View(block.view).previous(), certificate);
        if power < ledger.table().quorum() {
            return Err(format!(
                "{by:?} votes for {block:?}, and only power {power} has given up the view before \
                 without a higher certificate"
            ));
        }
        Ok(Some(certificate))
    }
}

impl Oracle for TwoChain {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Durable { by, to } => self.known[by.index()].keep(*to),
            Fact::Crashed { by, durable, .. } => self.known[by.index()].crash(*durable),
            Fact::Signed {
                by,
                said,
                about,
                record,
                ..
            } if ledger.is_new() && ledger.is_correct(*by) => {
                if said.kind == self.timeout {
                    self.gives_up(*by, said.place.view);
                }
                if let Some(record) = record.filter(|_| said.kind == self.vote)
                    && let Some(known) = self.votes(ledger, *by, about)?
                {
                    self.known[by.index()].add(record, known);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
