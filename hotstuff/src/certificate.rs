//! Votes, and the certificates that a quorum of them makes.

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{
    Claims, Digest, Domain, Fault, Height, KeyRole, Kind, Place, QuorumCertificate, Scheme,
    Signing, Slot, View,
};

/// Kind of a vote.
pub const VOTE: Kind = 2;

/// What a certificate decides: a block, and with it all its ancestors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Commits {
    /// Height of the block.
    pub height: Height,
    /// The block.
    pub block: Digest,
}

/// A replica's vote for a block.
///
/// It also says what a certificate of such votes decides (as in DiemBFT v4): a pure function of the views of the block's ancestors, so all correct
/// votes for a block are equal, and one certificate proves a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// View of the block.
    pub view: View,
    /// Height of the block.
    pub height: Height,
    /// The block.
    pub block: Digest,
    /// What a certificate for the block decides.
    pub commits: Option<Commits>,
}

impl Vote {
    /// What is signed. A correct replica votes at most once in a view, whatever the height.
    #[must_use]
    pub fn signing(&self) -> Signing {
        let (height, block) = self
            .commits
            .map_or((Height::GENESIS, Digest::ZERO), |commits| {
                (commits.height, commits.block)
            });
        let digest = Digest::builder("quorate 2026 hotstuff vote v1")
            .number(self.height.0)
            .digest(&self.block)
            // That nothing is committed is not the same as any block.
            .number(self.commits.is_some().into())
            .number(height.0)
            .digest(&block)
            .finish();
        Signing {
            slot: Slot {
                kind: VOTE,
                place: Place::new(Height::GENESIS, self.view),
            },
            digest,
            key: KeyRole::Voting,
            exclusive: true,
        }
    }
}

/// A quorum's votes for one block: a quorum certificate (QC).
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Certificate<S: Scheme> {
    /// What each of them voted.
    pub vote: Vote,
    /// Who, and the proof. `None` only in the certificate of the genesis, which nobody signs.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub proof: Option<QuorumCertificate<S>>,
}

impl<S: Scheme> Certificate<S> {
    /// The certificate of the genesis block: one exact constant, in view 0 at height 0.
    #[must_use]
    pub const fn genesis(genesis: Digest) -> Self {
        Self {
            vote: Vote {
                view: View::ZERO,
                height: Height::GENESIS,
                block: genesis,
                commits: None,
            },
            proof: None,
        }
    }

    /// View of the certified block.
    #[must_use]
    pub const fn view(&self) -> View {
        self.vote.view
    }

    /// Whether its form is right: exactly the genesis' certificate, or one with a proof and a
    /// place that can be.
    ///
    /// # Errors
    ///
    /// [`Fault::BadCertificate`] if it is not.
    pub fn check(&self, genesis: &Digest) -> Result<(), Fault> {
        let right = match self.proof {
            None => self.vote == Self::genesis(*genesis).vote,
            Some(_) => {
                let below = |commits: Commits| {
                    commits.height > Height::GENESIS && commits.height < self.vote.height
                };
                self.vote.view > View::ZERO
                    && self.vote.height > Height::GENESIS
                    && self.vote.commits.is_none_or(below)
            }
        };
        if right {
            Ok(())
        } else {
            Err(Fault::BadCertificate)
        }
    }

    /// Lists the claim that a quorum signed it. The genesis' certificate claims nothing;
    /// [`Self::check`] says whether it is that.
    pub fn claim<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>) {
        if let Some(proof) = &self.proof {
            claims.push(proof.claim(self.vote.signing().statement(domain)));
        }
    }
}
