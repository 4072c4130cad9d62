//! The messages of a view change, and what they carry.

use crate::body::{Body, NEW_VIEW, PREPARE, VIEW_CHANGE};
use crate::engine::Pbft;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{
    Checkpoint, Claim, Claims, Digest, Domain, Fault, Height, KeyRole, Place, QuorumCertificate,
    ReplicaId, Scheme, Signed, Signing, Slot, ValidatorSet, View,
};

/// Proof that a quorum prepared a payload in a view: an element of the paper's set P.
///
/// Two of these for one height and view name one digest, as long as at most F power is faulty.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct PreparedCertificate<S: Scheme> {
    /// The sequence number.
    pub height: Height,
    /// The view in which it was prepared.
    pub view: View,
    /// Digest of the payload.
    pub digest: Digest,
    /// The prepares; the primary's pre-prepare is one of them, or may be.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub certificate: QuorumCertificate<S>,
}

impl<S: Scheme> PreparedCertificate<S> {
    fn claim(&self, domain: &Domain) -> Claim<'_, S> {
        let slot = Slot {
            kind: PREPARE,
            place: Place::new(self.height, self.view),
        };
        self.certificate.claim(domain.statement(slot, &self.digest))
    }
}

/// A replica gives up on all views below one. From then on it votes in none of them.
///
/// A correct replica makes one for a view, and repeats it as it was.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct ViewChange<S: Scheme> {
    /// The view that it moves to.
    pub view: View,
    /// Its newest stable checkpoint; `None` at genesis.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub stable: Option<Checkpoint<S>>,
    /// For each height above the checkpoint at which it has ever prepared something: the
    /// certificate of the highest view. By ascending height, each once.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub prepared: Vec<PreparedCertificate<S>>,
}

impl<S: Scheme> ViewChange<S> {
    /// The low watermark that it proves.
    #[must_use]
    pub fn stable_height(&self) -> Height {
        self.stable
            .as_ref()
            .map_or(Height::GENESIS, |stable| stable.claim.height)
    }

    /// Whether its fields agree with each other, given the window L. Says nothing of signatures.
    ///
    /// # Errors
    ///
    /// [`Fault::Inconsistent`].
    pub fn check(&self, window: u64) -> Result<(), Fault> {
        let low = self.stable_height();
        let mut below = low;
        for prepared in &self.prepared {
            let ascends = prepared.height > below;
            if !ascends || prepared.view >= self.view {
                return Err(Fault::Inconsistent);
            }
            below = prepared.height;
        }
        if self.view == View::ZERO || below.0 - low.0 > window {
            return Err(Fault::Inconsistent);
        }
        Ok(())
    }

    pub(crate) const fn place(&self) -> Place {
        Place::new(Height::GENESIS, self.view)
    }

    /// The digest covers everything that is claimed. The certificates are not covered: they prove
    /// the claims by themselves, and whoever carries this message on can only replace one by
    /// another that proves the same.
    pub(crate) fn signing(&self) -> Signing {
        let digest = Digest::builder("quorate 2026 pbft view change v1");
        let digest = match &self.stable {
            None => digest.number(0),
            Some(Checkpoint { claim, .. }) => digest
                .number(1)
                .number(claim.height.0)
                .digest(&claim.payload)
                .digest(&claim.state),
        };
        let count = digest.number(self.prepared.len() as u64);
        let digest = self.prepared.iter().fold(count, |digest, prepared| {
            digest
                .number(prepared.height.0)
                .number(prepared.view.0)
                .digest(&prepared.digest)
        });
        Signing {
            slot: Slot {
                kind: VIEW_CHANGE,
                place: self.place(),
            },
            digest: digest.finish(),
            key: KeyRole::Identity,
            exclusive: true,
        }
    }

    pub(crate) fn claims<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>) {
        if let Some(stable) = &self.stable {
            claims.push(stable.certified(domain));
        }
        for prepared in &self.prepared {
            claims.push(prepared.claim(domain));
        }
    }
}

/// A view change as its author signed it. A type of its own, so that messages cannot nest.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct SignedViewChange<S: Scheme> {
    /// Who made it.
    pub by: ReplicaId,
    /// What it says.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub view_change: ViewChange<S>,
    /// Signature of `by`, with its identity key.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub signature: S::Signature,
}

/// The primary opens a view. What it proposes in it again is not said: it follows from the view
/// changes ([`crate::compute`]), so a primary cannot lie about it.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct NewView<S: Scheme> {
    /// The view.
    pub view: View,
    /// View changes for exactly this view by a quorum, by ascending author, each once.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub view_changes: Vec<SignedViewChange<S>>,
}

impl<S: Scheme> NewView<S> {
    /// Whether it justifies its view, given the window L. Says nothing of signatures.
    ///
    /// # Errors
    ///
    /// [`Fault::Unjustified`], or what is wrong with a view change.
    pub fn check(&self, validators: &ValidatorSet, window: u64) -> Result<(), Fault> {
        let mut power = 0;
        let mut last = None;
        for signed in &self.view_changes {
            let ascends = last.is_none_or(|last| last < signed.by);
            let known = validators.contains(signed.by);
            if !ascends || !known || signed.view_change.view != self.view {
                return Err(Fault::Unjustified);
            }
            signed.view_change.check(window)?;
            last = Some(signed.by);
            power += validators.power(signed.by);
        }
        if power < validators.quorum().quorum() {
            return Err(Fault::Unjustified);
        }
        Ok(())
    }

    pub(crate) const fn place(&self) -> Place {
        Place::new(Height::GENESIS, self.view)
    }

    pub(crate) fn signing(&self) -> Signing {
        let digest =
            Digest::builder("quorate 2026 pbft new view v1").number(self.view_changes.len() as u64);
        let digest = self.view_changes.iter().fold(digest, |digest, signed| {
            digest
                .number(signed.by.0.into())
                .digest(&signed.view_change.signing().digest)
        });
        Signing {
            slot: Slot {
                kind: NEW_VIEW,
                place: self.place(),
            },
            digest: digest.finish(),
            key: KeyRole::Identity,
            exclusive: true,
        }
    }

    pub(crate) fn claims<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>) {
        for signed in &self.view_changes {
            let signing = signed.view_change.signing();
            claims.push(signing.claim(domain, signed.by, &signed.signature));
            signed.view_change.claims(domain, claims);
        }
    }
}

/// A new-view as its primary signed it: whoever has it can pass it on.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct SignedNewView<S: Scheme> {
    /// The primary.
    pub by: ReplicaId,
    /// What it says.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub new_view: NewView<S>,
    /// Signature of `by`, with its identity key.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub signature: S::Signature,
}

impl<S: Scheme> SignedNewView<S> {
    pub(crate) fn claims<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, S>) {
        let signing = self.new_view.signing();
        claims.push(signing.claim(domain, self.by, &self.signature));
        self.new_view.claims(domain, claims);
    }

    /// The message that the primary sent.
    pub(crate) fn into_signed(self) -> Signed<Pbft<S>> {
        Signed {
            by: self.by,
            body: Body::NewView(self.new_view),
            signature: self.signature,
        }
    }
}
