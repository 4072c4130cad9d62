//! The engines as the simulator starts them: with the timeouts and leaders of production.

use crate::Options;
#[cfg(feature = "planted-bugs")]
use crate::Planted;
use crate::adversary::Deceit;
use crate::holdings::{self, Bounded};
use crate::oracle::Phases;
use crate::{SimulatedScheme, fact};
use quorate_core::{
    Body as _, Digest, Height, Holding, Place, Protocol, ReplicaId, Rotation, ValidatorSet,
};
use quorate_hotstuff::{Body, CommitRule, Header, HotStuff, TimeoutCertificate};
use quorate_pbft::Pbft;
use quorate_tendermint::Tendermint;
use std::time::Duration;

/// The longest that a timeout grows to, as in production.
const TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// Undecided blocks that HotStuff keeps: fewer than in production, so that runs reach them.
const UNDECIDED: usize = 64;

/// The longest that an engine with this timeout ever waits in a view.
pub(crate) fn longest(timeout: Duration) -> Duration {
    TIMEOUT_MAX.max(timeout)
}

/// An engine that the simulator can run.
pub trait Engine: Protocol<Scheme: SimulatedScheme> + Deceit {
    /// The engine's options in a world of these.
    fn config(options: &Options) -> Self::Config;

    /// In which order the phases of the protocol come.
    fn phases() -> Phases;

    /// How much the engine holds of what peers can fill, in a world of these options with so many
    /// replicas, and the most that it may be.
    fn held(&self, options: &Options, replicas: u64) -> Vec<Bounded>;

    /// Where the engine is locked, if its protocol has locks and it is.
    fn lock(&self) -> Option<Place> {
        None
    }

    /// What a statement counts for: the block that a vote is for; else the digest that is signed.
    fn about(body: &Self::Body) -> Digest {
        body.signing().digest
    }

    /// The blocks that a message carries, if the protocol chains them.
    fn blocks(body: &Self::Body) -> Vec<fact::Block> {
        let _ = body;
        Vec::new()
    }

    /// Whose statements in a message have to make a quorum together, though each has its own.
    fn gathered(body: &Self::Body) -> Vec<Vec<ReplicaId>> {
        let _ = body;
        Vec::new()
    }

    /// Who leads where.
    #[must_use]
    fn leaders(validators: &ValidatorSet) -> Rotation {
        Rotation::by_view(validators)
    }
}

impl<S: SimulatedScheme> Engine for Pbft<S> {
    fn config(options: &Options) -> Self::Config {
        let timeout = options.timeout;
        quorate_pbft::Config {
            #[cfg(feature = "planted-bugs")]
            planted: match options.planted {
                Some(Planted::Pbft(bug)) => Some(bug),
                _ => None,
            },
            request_timeout: timeout,
            timeout_max: longest(timeout),
            // As in production: four times the interval of checkpoints.
            window: 4 * options.checkpoint_interval,
            ..quorate_pbft::Config::default()
        }
    }

    fn phases() -> Phases {
        Phases::Voted {
            earlier: quorate_pbft::PREPARE,
            later: quorate_pbft::COMMIT,
        }
    }

    fn held(&self, options: &Options, replicas: u64) -> Vec<Bounded> {
        let window = Self::config(options).window;
        let bounded = |it: Holding| (it, holdings::of_pbft(it.what, replicas, window));
        self.holdings().map(bounded).to_vec()
    }

    fn gathered(body: &Self::Body) -> Vec<Vec<ReplicaId>> {
        let new_view = match body {
            quorate_pbft::Body::NewView(it) => it,
            quorate_pbft::Body::NewViewCopy(it) => &it.new_view,
            _ => return Vec::new(),
        };
        vec![new_view.view_changes.iter().map(|it| it.by).collect()]
    }
}

impl<S: SimulatedScheme, R: CommitRule> Engine for HotStuff<S, R> {
    fn config(options: &Options) -> Self::Config {
        let timeout = options.timeout;
        let mut config = quorate_hotstuff::Config::default();
        #[cfg(feature = "planted-bugs")]
        if let Some(Planted::HotStuff(bug)) = options.planted {
            config.planted = Some(bug);
        }
        config.view_timeout = timeout;
        config.idle_after = timeout / 2;
        config.timeout_max = longest(timeout);
        config.undecided = UNDECIDED;
        config
    }

    fn phases() -> Phases {
        Phases::Chained {
            vote: quorate_hotstuff::VOTE,
            timeout: quorate_hotstuff::TIMEOUT,
            length: if R::ENGINE == quorate_hotstuff::TwoChain::ENGINE {
                2
            } else {
                3
            },
        }
    }

    fn held(&self, options: &Options, replicas: u64) -> Vec<Bounded> {
        let undecided = Self::config(options).undecided as u64;
        let views = self.view().0.saturating_sub(self.decided_view().0);
        let most = |what| holdings::of_hotstuff(what, replicas, undecided, views);
        let bounded = |it: Holding| (it, most(it.what));
        self.holdings().map(bounded).to_vec()
    }

    fn lock(&self) -> Option<Place> {
        Some(Place::new(Height::GENESIS, self.locked()))
    }

    fn about(body: &Self::Body) -> Digest {
        match body {
            Body::Vote(vote) => vote.block,
            Body::Proposal(proposal) => proposal.full.block.header.id(),
            body => body.signing().digest,
        }
    }

    fn gathered(body: &Self::Body) -> Vec<Vec<ReplicaId>> {
        let timeout = match body {
            Body::Proposal(it) => it.timeout.as_ref(),
            Body::Advance(it) => it.timeout.as_ref(),
            _ => None,
        };
        let signers = |it: &TimeoutCertificate<S>| {
            let groups = it.groups.iter();
            groups
                .flat_map(|group| group.certificate.signers.iter())
                .collect()
        };
        timeout.map(signers).into_iter().collect()
    }

    fn blocks(body: &Self::Body) -> Vec<fact::Block> {
        match body {
            Body::Proposal(proposal) => vec![block(&proposal.full.block.header)],
            Body::Blocks(blocks) => {
                let headers = blocks.blocks.iter().map(|full| &full.block.header);
                headers.map(block).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl<S: SimulatedScheme> Engine for Tendermint<S> {
    fn config(options: &Options) -> Self::Config {
        let timeout = options.timeout;
        quorate_tendermint::Config {
            #[cfg(feature = "planted-bugs")]
            planted: match options.planted {
                Some(Planted::Tendermint(bug)) => Some(bug),
                _ => None,
            },
            propose_timeout: timeout,
            vote_timeout: timeout / 2,
            timeout_step: timeout / 4,
            timeout_max: longest(timeout),
        }
    }

    fn phases() -> Phases {
        Phases::Locked {
            earlier: quorate_tendermint::PREVOTE_KIND,
            later: quorate_tendermint::PRECOMMIT_KIND,
        }
    }

    fn held(&self, _: &Options, replicas: u64) -> Vec<Bounded> {
        let bounded = |it: Holding| (it, holdings::of_tendermint(it.what, replicas));
        self.holdings().map(bounded).to_vec()
    }

    fn lock(&self) -> Option<Place> {
        let round = self.locked_round()?;
        Some(Place::new(self.status().place.height, round))
    }

    fn leaders(validators: &ValidatorSet) -> Rotation {
        Rotation::by_height(validators)
    }
}

/// A header as the oracles see it.
fn block(header: &Header) -> fact::Block {
    fact::Block {
        id: header.id(),
        view: header.view.0,
        height: header.height,
        parent: header.parent,
        parent_view: header.parent_view.0,
        payload: header.payload,
    }
}
