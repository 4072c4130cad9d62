//! What PBFT replicas say to each other.

use crate::view_change_body::{NewView, SignedNewView, ViewChange};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{
    Claims, Digest, Domain, Height, KeyRole, Kind, Payload, Place, Scheme, Signing, Slot, View,
};

/// Kind of a pre-prepare on the wire. What it signs is a [`PREPARE`].
pub const PRE_PREPARE: Kind = 1;
/// Kind of a prepare.
pub const PREPARE: Kind = 2;
/// Kind of a commit.
pub const COMMIT: Kind = 3;
/// Kind of a view change.
pub const VIEW_CHANGE: Kind = 4;
/// Kind of a new-view.
pub const NEW_VIEW: Kind = 5;
/// Kind of a call for help.
pub const LAGGING: Kind = 6;
/// Kind of a relayed new-view.
pub const NEW_VIEW_COPY: Kind = 7;
/// Kind of a report of the view that a replica is in.
pub const IN_VIEW: Kind = 8;

/// What a PBFT replica says to others, before it is signed.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub enum Body<S: Scheme> {
    /// The primary proposes a payload, and prepares it.
    PrePrepare(PrePrepare),
    /// A replica accepts what the primary proposed (or, in a new view, what follows from it).
    Prepare(Vote),
    /// A replica knows that a quorum has prepared.
    Commit(Vote),
    /// A replica gives up on a view, and shows what it has prepared.
    ViewChange(#[borsh(bound(serialize = "", deserialize = ""))] ViewChange<S>),
    /// The primary opens a view with a quorum of view changes.
    NewView(#[borsh(bound(serialize = "", deserialize = ""))] NewView<S>),
    /// A replica has fallen behind and asks for the newest new-view.
    Lagging(Lagging),
    /// Answers [`Self::Lagging`] once all that the new-view proposed again is below the stable
    /// checkpoint: then more than F power that says the same is as good as the new-view.
    InView(InView),
    /// Answers [`Self::Lagging`] before that: the new-view of the view that the sender is in, as
    /// its primary signed it.
    NewViewCopy(#[borsh(bound(serialize = "", deserialize = ""))] SignedNewView<S>),
}

/// The primary's proposal for a slot. It *is* the primary's prepare: it signs the same statement,
/// so a prepared certificate is a quorum of signatures on one statement.
///
/// The payload knows nothing of views and proposers, so a later view proposes it again unchanged.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PrePrepare {
    /// The view.
    pub view: View,
    /// The sequence number.
    pub height: Height,
    /// What is proposed.
    pub payload: Payload,
}

/// A prepare or a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// The view.
    pub view: View,
    /// The sequence number.
    pub height: Height,
    /// Digest of the payload.
    pub digest: Digest,
}

/// Where a replica is that believes to be behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Lagging {
    /// The last view whose new-view it has.
    pub view: View,
    /// The last height that it has decided.
    pub height: Height,
}

/// The view that a replica is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct InView {
    /// The view.
    pub view: View,
    /// The highest height that its new-view proposed again.
    pub reproposed: Height,
}

impl Vote {
    fn signing(&self, kind: Kind) -> Signing {
        vote(kind, self.height, self.view, self.digest)
    }
}

/// What a prepare or a commit signs.
fn vote(kind: Kind, height: Height, view: View, digest: Digest) -> Signing {
    Signing {
        slot: Slot {
            kind,
            place: Place::new(height, view),
        },
        digest,
        key: KeyRole::Voting,
        exclusive: true,
    }
}

/// What a report signs: all that it says is its place.
fn report(kind: Kind, height: Height, view: View) -> Signing {
    Signing {
        key: KeyRole::Identity,
        exclusive: false,
        ..vote(kind, height, view, Digest::ZERO)
    }
}

impl<S: Scheme> quorate_core::Body<S> for Body<S> {
    fn kind(&self) -> Kind {
        match self {
            Self::PrePrepare(_) => PRE_PREPARE,
            Self::Prepare(_) => PREPARE,
            Self::Commit(_) => COMMIT,
            Self::ViewChange(_) => VIEW_CHANGE,
            Self::NewView(_) => NEW_VIEW,
            Self::Lagging(_) => LAGGING,
            Self::NewViewCopy(_) => NEW_VIEW_COPY,
            Self::InView(_) => IN_VIEW,
        }
    }

    fn kind_name(kind: Kind) -> &'static str {
        match kind {
            PRE_PREPARE => "pre-prepare",
            PREPARE => "prepare",
            COMMIT => "commit",
            VIEW_CHANGE => "view-change",
            NEW_VIEW => "new-view",
            LAGGING => "lagging",
            NEW_VIEW_COPY => "new-view-copy",
            IN_VIEW => "in-view",
            _ => "unknown",
        }
    }

    fn binds(&self) -> bool {
        !matches!(
            self,
            Self::Lagging(_) | Self::NewViewCopy(_) | Self::InView(_)
        )
    }

    fn place(&self) -> Place {
        match self {
            Self::PrePrepare(it) => Place::new(it.height, it.view),
            Self::Prepare(it) | Self::Commit(it) => Place::new(it.height, it.view),
            Self::ViewChange(it) => it.place(),
            Self::NewView(it) => it.place(),
            Self::Lagging(it) => Place::new(it.height, it.view),
            Self::NewViewCopy(it) => it.new_view.place(),
            Self::InView(it) => Place::new(it.reproposed, it.view),
        }
    }

    fn signing(&self) -> Signing {
        match self {
            Self::PrePrepare(it) => vote(PREPARE, it.height, it.view, *it.payload.digest()),
            Self::Prepare(it) => it.signing(PREPARE),
            Self::Commit(it) => it.signing(COMMIT),
            Self::ViewChange(it) => it.signing(),
            Self::NewView(it) => it.signing(),
            Self::Lagging(it) => report(LAGGING, it.height, it.view),
            Self::InView(it) => report(IN_VIEW, it.reproposed, it.view),
            Self::NewViewCopy(it) => Signing {
                slot: Slot {
                    kind: NEW_VIEW_COPY,
                    place: it.new_view.place(),
                },
                digest: it.new_view.signing().digest,
                key: KeyRole::Identity,
                exclusive: false,
            },
        }
    }

    fn carried<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>) {
        match self {
            Self::PrePrepare(_)
            | Self::Prepare(_)
            | Self::Commit(_)
            | Self::Lagging(_)
            | Self::InView(_) => {}
            Self::ViewChange(it) => it.claims(domain, claims),
            Self::NewView(it) => it.claims(domain, claims),
            Self::NewViewCopy(it) => it.claims(domain, claims),
        }
    }

    fn payload(&self) -> Option<&Payload> {
        match self {
            Self::PrePrepare(it) => Some(&it.payload),
            _ => None,
        }
    }
}
