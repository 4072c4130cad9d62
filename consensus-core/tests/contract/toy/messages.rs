//! What a toy says, records and proves.

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::testing::Mock;
use quorate_core::{
    Body, Claims, Digest, Domain, Fault, Height, KeyRole, Kind, Payload, Place, Proof,
    QuorumCertificate, Signing, Slot, View,
};

pub(crate) const PROPOSE: Kind = 1;
pub(crate) const VOTE: Kind = 2;
pub(crate) const PING: Kind = 3;

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum Say {
    Propose(Height, Payload),
    Vote(Height, Digest),
    /// Binds nobody, and may be said twice.
    Ping(Height, u64),
}

impl Body<Mock> for Say {
    fn kind(&self) -> Kind {
        match self {
            Self::Propose(..) => PROPOSE,
            Self::Vote(..) => VOTE,
            Self::Ping(..) => PING,
        }
    }

    fn kind_name(kind: Kind) -> &'static str {
        match kind {
            PROPOSE => "propose",
            VOTE => "vote",
            _ => "ping",
        }
    }

    fn binds(&self) -> bool {
        !matches!(self, Self::Ping(..))
    }

    fn place(&self) -> Place {
        let (Self::Propose(height, _) | Self::Vote(height, _) | Self::Ping(height, _)) = self;
        Place::new(*height, View::ZERO)
    }

    fn signing(&self) -> Signing {
        let digest = match self {
            Self::Propose(_, payload) => *payload.digest(),
            Self::Vote(_, digest) => *digest,
            Self::Ping(_, number) => Digest::builder("toy ping").number(*number).finish(),
        };
        Signing {
            slot: Slot {
                kind: self.kind(),
                place: self.place(),
            },
            digest,
            key: KeyRole::Voting,
            exclusive: self.binds(),
        }
    }

    fn carried<'a>(&'a self, _: &Domain, _: &mut Claims<'a, Mock>) {}

    fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Propose(_, payload) => Some(payload),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum Record {
    Proposed(Height, Digest),
    Voted(Height, Digest),
}

impl Record {
    pub(super) const fn height(&self) -> Height {
        let (Self::Proposed(height, _) | Self::Voted(height, _)) = self;
        *height
    }
}

/// A quorum's votes; or, to see that it is refused, nothing.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) enum Votes {
    Certificate(QuorumCertificate<Mock>),
    Nothing,
}

impl Proof<Mock> for Votes {
    fn claims<'a>(
        &'a self,
        domain: &Domain,
        height: Height,
        payload: &Digest,
        claims: &mut Claims<'a, Mock>,
    ) -> Result<(), Fault> {
        if let Self::Certificate(certificate) = self {
            let statement = Say::Vote(height, *payload).signing().statement(domain);
            claims.push(certificate.claim(statement));
        }
        Ok(())
    }
}
