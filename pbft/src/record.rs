//! What a PBFT replica must remember of its promises.

use crate::view_change_body::{NewView, PreparedCertificate, ViewChange};
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{Digest, Height, Scheme, View};

/// An entry of the safety log. `docs/pbft.md` says what each forbids after a restart.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub enum Record<S: Scheme> {
    /// Pre-prepared (as the primary) or prepared a digest. Forbids any other in this slot and
    /// view. The payload precedes it in the log.
    Accepted {
        /// The view.
        view: View,
        /// The sequence number.
        height: Height,
        /// Digest of the payload.
        digest: Digest,
    },
    /// Committed. Every later view change must show this certificate, or one of a higher view.
    Prepared(#[borsh(bound(serialize = "", deserialize = ""))] PreparedCertificate<S>),
    /// Gave up on all views below this one's. Forbids votes in them, and any other view change
    /// for this view.
    ViewChange(#[borsh(bound(serialize = "", deserialize = ""))] ViewChange<S>),
    /// Entered a view, as its primary or as a backup. Forbids votes in lower views and, to the
    /// primary, any other new-view for this one.
    Entered {
        /// What justifies the view.
        #[borsh(bound(serialize = "", deserialize = ""))]
        new_view: NewView<S>,
        /// The primary's signature; `None` at the primary itself, which signs again.
        #[borsh(bound(serialize = "", deserialize = ""))]
        signature: Option<S::Signature>,
    },
    /// The same, once all that the new view proposed again is below the stable checkpoint, so
    /// that only these numbers matter.
    InView {
        /// The view.
        view: View,
        /// The highest height that the new view proposed again.
        reproposed: Height,
    },
}
