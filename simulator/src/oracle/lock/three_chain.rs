//! HotStuff with three chains: who is locked votes for what extends the lock or is newer.

use super::NAME;
use crate::fact::{Block, Fact};
use crate::oracle::surviving::Surviving;
use crate::oracle::{Ledger, Oracle, Trial};
use quorate_core::{Digest, Kind, Time};

/// A correct replica votes for a block only if it extends its lock, or the block's certificate is
/// newer than the lock. (arXiv 1803.05069, algorithm 1, `safeNode`.)
///
/// The lock is what its own votes imply: by a vote for a block it has seen the certificate for the
/// parent, so that it is locked on the grandparent (algorithm 4, `update`). A vote whose record was
/// lost in a crash does not count; the engine's lock may be above this one.
#[derive(Debug)]
pub(crate) struct ThreeChain {
    vote: Kind,
    locks: Vec<Surviving<(u64, Digest)>>,
}

impl ThreeChain {
    pub(crate) fn new(trial: &Trial, vote: Kind) -> Self {
        Self {
            vote,
            locks: vec![Surviving::default(); trial.powers.len()],
        }
    }
}

/// Whether a block descends from another one of this height; true if it cannot be told.
fn extends(ledger: &Ledger, block: &Block, ancestor: &Block) -> bool {
    let mut block = block;
    while block.height > ancestor.height {
        let Some(parent) = ledger.block(&block.parent) else {
            return true;
        };
        block = parent;
    }
    block.id == ancestor.id
}

impl Oracle for ThreeChain {
    fn name(&self) -> &'static str {
        NAME
    }

    fn observe(&mut self, _: Time, fact: &Fact, ledger: &Ledger) -> Result<(), String> {
        match fact {
            Fact::Durable { by, to } => self.locks[by.index()].keep(*to),
            Fact::Crashed { by, durable, .. } => self.locks[by.index()].crash(*durable),
            Fact::Signed {
                by,
                said,
                about,
                record: Some(record),
                ..
            } if said.kind == self.vote && ledger.is_new() && ledger.is_correct(*by) => {
                let Some(block) = ledger.block(about) else {
                    return Ok(());
                };
                let locks = &mut self.locks[by.index()];
                if let Some((view, lock)) = locks.greatest()
                    && let Some(lock) = ledger.block(&lock)
                    && block.parent_view <= view
                    && !extends(ledger, block, lock)
                {
                    return Err(format!(
                        "{by:?} votes for {block:?}, and is locked on {lock:?}"
                    ));
                }
                if let Some(parent) = ledger.block(&block.parent) {
                    locks.add(*record, (parent.parent_view, parent.parent));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
