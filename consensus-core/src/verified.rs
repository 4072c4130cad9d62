//! Messages before and after their signatures have been checked.

use crate::{Body, Claims, Domain, Protocol, ReplicaId, Scheme, SignError, Signer, Signing};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;

/// A signed body as it came from the network. Nothing about it is trusted, not even its sender.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Signed<P: Protocol> {
    /// Who claims to have said it.
    pub by: ReplicaId,
    /// What was said.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub body: P::Body,
    /// Signature of `by` over the body's statement.
    #[borsh(bound(serialize = "", deserialize = ""))]
    pub signature: <P::Scheme as Scheme>::Signature,
}

// Written out, here and below, because `derive` would ask the same of `P`, and engines have none.
impl<P: Protocol> Clone for Signed<P> {
    fn clone(&self) -> Self {
        Self {
            by: self.by,
            body: self.body.clone(),
            signature: self.signature.clone(),
        }
    }
}

impl<P: Protocol> fmt::Debug for Signed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} says {:?}", self.by, self.body)
    }
}

impl<P: Protocol> PartialEq for Signed<P> {
    fn eq(&self, other: &Self) -> bool {
        self.by == other.by
            && self.signature == other.signature
            && self.body.kind() == other.body.kind()
            && self.body.signing() == other.body.signing()
    }
}

impl<P: Protocol> Signed<P> {
    /// What `by` signed.
    #[must_use]
    pub fn signing(&self) -> Signing {
        self.body.signing()
    }

    /// Adds every claim of this message: its own signature, and what its body carries. A body
    /// that carries signed bodies calls this for each.
    pub fn claim<'a>(&'a self, domain: &Domain, claims: &mut Claims<'a, P::Scheme>) {
        claims.push(self.signing().claim(domain, self.by, &self.signature));
        self.body.carried(domain, claims);
    }
}

/// A [`Signed`] body whose signature and embedded certificates have all been checked.
///
/// There are two ways to make one: check a [`Signed`], or sign a body of our own. An engine takes
/// no other kind of message, so it cannot act on an unchecked one. That the signatures hold does
/// not mean that the content makes sense: engines still reject and blame.
pub struct Verified<P: Protocol>(Signed<P>);

impl<P: Protocol> Clone for Verified<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Protocol> fmt::Debug for Verified<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<P: Protocol> Verified<P> {
    /// Checks every claim of every message: the verified message, or the one that failed, in the
    /// order given.
    ///
    /// Pure and slow: drivers call it on a worker thread, with as large a batch as they have.
    pub fn check(
        domain: &Domain,
        scheme: &P::Scheme,
        batch: Vec<Signed<P>>,
    ) -> Vec<Result<Self, Signed<P>>> {
        let claims = |signed| {
            let mut claims = Claims::default();
            Signed::<P>::claim(signed, domain, &mut claims);
            claims
        };
        let verdicts = scheme.verify(&batch.iter().map(claims).collect::<Vec<_>>());
        assert_eq!(
            verdicts.len(),
            batch.len(),
            "a scheme gives one verdict for each message"
        );
        let judged = batch.into_iter().zip(verdicts);
        judged
            .map(|(signed, holds)| if holds { Ok(Self(signed)) } else { Err(signed) })
            .collect()
    }

    /// Signs a body of our own. Only the driver holds a [`Signer`]; an engine never does.
    ///
    /// # Errors
    ///
    /// If the signer cannot sign now.
    pub async fn sign<N>(domain: &Domain, signer: &N, body: P::Body) -> Result<Self, SignError>
    where
        N: Signer<P::Scheme> + ?Sized,
    {
        let signing = body.signing();
        let signature = signer.sign(signing.key, signing.statement(domain)).await?;
        Ok(Self(Signed {
            by: signer.id(),
            body,
            signature,
        }))
    }

    /// Who said it.
    #[must_use]
    pub const fn by(&self) -> ReplicaId {
        self.0.by
    }

    /// What was said.
    #[must_use]
    pub const fn body(&self) -> &P::Body {
        &self.0.body
    }

    /// The signature, to aggregate.
    #[must_use]
    pub const fn signature(&self) -> &<P::Scheme as Scheme>::Signature {
        &self.0.signature
    }

    /// The signed original, to send on or to keep as evidence.
    #[must_use]
    pub const fn signed(&self) -> &Signed<P> {
        &self.0
    }

    /// Takes the signed original out.
    #[must_use]
    pub fn into_signed(self) -> Signed<P> {
        self.0
    }
}
