//! Many checks at once: the ed25519 ones in one batch, the BLS ones in another.

use super::curve::{self, Equation};
use super::{Bls, Check, VOTE};
use crate::bisect;
use crate::coefficients::coefficients;
use crate::docket::CheckId;
use crate::ed25519;

/// Whether each check holds.
pub(super) fn judge(scheme: &Bls, checks: &[(CheckId, Check<'_>)]) -> Vec<bool> {
    let inner = &scheme.0;
    let mut held = vec![false; checks.len()];
    let (mut identities, mut voting) = (Vec::new(), Vec::new());
    let mut certificates = 0;
    for (index, (id, check)) in checks.iter().enumerate() {
        if let Check::Identity(by, statement, signature) = check {
            let equation = inner.identities[by.index()].equation(&statement.0.0, signature);
            identities.push((index, (*id, equation.map(|equation| vec![equation]))));
        } else {
            certificates += usize::from(matches!(check, Check::Certificate(..)));
            voting.extend(equation(scheme, check).map(|equation| (index, equation)));
        }
    }
    inner.meter.checked_aggregates(certificates);
    inner.meter.checked_signatures(checks.len() - certificates);

    let (places, groups): (Vec<usize>, Vec<_>) = identities.into_iter().unzip();
    let verdicts = ed25519::batch::judge(&inner.digest.0, &groups);
    for (index, good) in places.into_iter().zip(verdicts) {
        held[index] = good;
    }

    let (places, equations): (Vec<usize>, Vec<_>) = voting.into_iter().unzip();
    let ids = places.iter().map(|index| (&checks[*index].0, 1));
    let weights = coefficients(&inner.digest.0, ids);
    let verdicts = bisect::verdicts(equations.len(), |range| {
        curve::all_hold(VOTE, &equations[range.clone()], &weights[range])
    });
    for (index, good) in places.into_iter().zip(verdicts) {
        held[index] = good;
    }
    held
}

/// The equation of a vote or a certificate, or `None` if it is no point that could satisfy one.
fn equation(scheme: &Bls, check: &Check<'_>) -> Option<Equation> {
    match check {
        Check::Identity(..) => None,
        Check::Voting(by, statement, signature) => Some(Equation {
            message: *statement,
            key: scheme.0.voting[by.index()],
            signature: *signature.point()?,
        }),
        Check::Certificate(by, statement, signature) => Some(Equation {
            message: *statement,
            key: scheme.key_of(by)?,
            signature: curve::decode(signature)?,
        }),
    }
}
