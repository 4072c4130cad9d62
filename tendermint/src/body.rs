//! What Tendermint's replicas say to each other.

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{
    Claims, Digest, Domain, Height, KeyRole, Kind, Payload, Place, QuorumCertificate, Scheme,
    Signing, Slot, Statement, View,
};
use std::fmt;

/// Kind of a proposal.
pub const PROPOSAL_KIND: Kind = 1;
/// Kind of a prevote.
pub const PREVOTE_KIND: Kind = 2;
/// Kind of a precommit.
pub const PRECOMMIT_KIND: Kind = 3;
/// Kind of a gossiped certificate.
pub const CERTIFICATE_KIND: Kind = 4;

/// The two kinds of vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Phase {
    /// The first vote of a round: whether its proposal is acceptable.
    Prevote,
    /// The second vote of a round: whether a quorum found it so.
    Precommit,
}

impl Phase {
    /// Kind of the phase's votes.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Prevote => PREVOTE_KIND,
            Self::Precommit => PRECOMMIT_KIND,
        }
    }
}

/// What a vote is for: the payload with this digest, or nothing at all (nil).
///
/// Nil is the digest of zeros, on the wire as in what is signed, so that a vote has one encoding
/// only: an option could say "nothing" and "the zero digest" under one signature. Nothing hashes
/// to zeros. That two values are equal does not depend on the round they were proposed in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Value(Digest);

impl Value {
    /// A vote for nothing.
    pub const NIL: Self = Self(Digest::ZERO);

    /// A vote for the payload with this digest.
    #[must_use]
    pub const fn of(payload: Digest) -> Self {
        Self(payload)
    }

    /// Digest of the payload; `None` if it is nil.
    #[must_use]
    pub fn payload(self) -> Option<Digest> {
        (self != Self::NIL).then_some(self.0)
    }

    /// What is signed: the payload's digest, or zeros.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload() {
            Some(digest) => digest.fmt(f),
            None => f.write_str("nil"),
        }
    }
}

/// A quorum of prevotes for one value in one round: proof that this value, and no other, may have
/// been locked there. The height and the value are told by what carries it.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Polka<S: Scheme> {
    /// Round of the prevotes.
    pub round: View,
    /// The prevotes.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub certificate: QuorumCertificate<S>,
}

/// What the proposer of a round says: ⟨PROPOSAL, h, r, v, validRound⟩.
///
/// The paper's validRound and the prevotes that justify it travel as one, so that a replica never
/// holds a re-proposal that it cannot judge. Without a polka validRound is −1.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Proposal<S: Scheme> {
    /// Height.
    pub height: Height,
    /// Round, led by the sender.
    pub round: View,
    /// The value.
    pub payload: Payload,
    /// A polka for the same value in an earlier round of the same height.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub polka: Option<Polka<S>>,
}

impl<S: Scheme> Proposal<S> {
    /// Round of the polka, if there is one: the paper's validRound.
    #[must_use]
    pub fn valid_round(&self) -> Option<View> {
        self.polka.as_ref().map(|polka| polka.round)
    }

    /// Digest that the signature covers: the value and the round of the polka. Not the polka
    /// itself, which proves itself: any quorum of those prevotes is as good.
    fn digest(&self) -> Digest {
        let (has_polka, round) = self.valid_round().map_or((0, 0), |round| (1, round.0));
        Digest::builder("quorate 2026 tendermint proposal v1")
            .digest(self.payload.digest())
            .number(has_polka)
            .number(round)
            .finish()
    }
}

/// A prevote or precommit: ⟨PREVOTE, h, r, id(v)⟩, ⟨PRECOMMIT, h, r, id(v)⟩.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: View,
    /// For what.
    pub value: Value,
}

impl Vote {
    /// The slot that it fills as a vote of `phase`.
    #[must_use]
    pub const fn slot(&self, phase: Phase) -> Slot {
        Slot {
            kind: phase.kind(),
            place: Place::new(self.height, self.round),
        }
    }

    /// What a replica signs when it casts it in `phase`. All voters for one value sign the same.
    #[must_use]
    pub fn statement(&self, phase: Phase, domain: &Domain) -> Statement {
        domain.statement(self.slot(phase), self.value.digest())
    }
}

/// A quorum of votes of one phase for one value, as a unit.
///
/// A replica keeps one vote of each voter, the first. A voter that says different things to
/// different replicas could thereby hide from one of them the quorum that another saw; a
/// certificate shows it whole.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Certificate<S: Scheme> {
    /// A polka, or what decides.
    pub phase: Phase,
    /// Where the votes were cast, and for what: never nil.
    pub vote: Vote,
    /// The votes.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub certificate: QuorumCertificate<S>,
}

impl<S: Scheme> Certificate<S> {
    /// Digest that the signature covers. The votes prove themselves.
    fn digest(&self) -> Digest {
        Digest::builder("quorate 2026 tendermint certificate v1")
            .number(self.phase.kind().into())
            .digest(self.vote.value.digest())
            .finish()
    }
}

/// What a replica says to all others.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub enum Body<S: Scheme> {
    /// The proposer's value.
    Proposal(#[borsh(bound(serialize = "", deserialize = ""))] Proposal<S>),
    /// The first vote of a round.
    Prevote(Vote),
    /// The second vote of a round.
    Precommit(Vote),
    /// A polka or a commit certificate, for those who missed some of its votes.
    Certificate(#[borsh(bound(serialize = "", deserialize = ""))] Certificate<S>),
}

impl<S: Scheme> quorate_core::Body<S> for Body<S> {
    fn kind(&self) -> Kind {
        match self {
            Self::Proposal(_) => PROPOSAL_KIND,
            Self::Prevote(_) => PREVOTE_KIND,
            Self::Precommit(_) => PRECOMMIT_KIND,
            Self::Certificate(_) => CERTIFICATE_KIND,
        }
    }

    fn kind_name(kind: Kind) -> &'static str {
        match kind {
            PROPOSAL_KIND => "proposal",
            PREVOTE_KIND => "prevote",
            PRECOMMIT_KIND => "precommit",
            CERTIFICATE_KIND => "certificate",
            _ => "unknown",
        }
    }

    fn binds(&self) -> bool {
        !matches!(self, Self::Certificate(_))
    }

    fn place(&self) -> Place {
        match self {
            Self::Proposal(proposal) => Place::new(proposal.height, proposal.round),
            Self::Prevote(vote) | Self::Precommit(vote) => Place::new(vote.height, vote.round),
            Self::Certificate(carried) => Place::new(carried.vote.height, carried.vote.round),
        }
    }

    fn signing(&self) -> Signing {
        let (digest, key) = match self {
            Self::Proposal(proposal) => (proposal.digest(), KeyRole::Identity),
            Self::Prevote(vote) | Self::Precommit(vote) => (*vote.value.digest(), KeyRole::Voting),
            Self::Certificate(carried) => (carried.digest(), KeyRole::Identity),
        };
        Signing {
            slot: Slot {
                kind: self.kind(),
                place: self.place(),
            },
            digest,
            key,
            exclusive: self.binds(),
        }
    }

    fn carried<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>) {
        match self {
            Self::Proposal(proposal) => {
                if let Some(polka) = &proposal.polka {
                    let vote = Vote {
                        height: proposal.height,
                        round: polka.round,
                        value: Value::of(*proposal.payload.digest()),
                    };
                    let statement = vote.statement(Phase::Prevote, domain);
                    claims.push(polka.certificate.claim(statement));
                }
            }
            Self::Certificate(carried) => {
                let statement = carried.vote.statement(carried.phase, domain);
                claims.push(carried.certificate.claim(statement));
            }
            Self::Prevote(_) | Self::Precommit(_) => {}
        }
    }

    fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Proposal(proposal) => Some(&proposal.payload),
            _ => None,
        }
    }
}
