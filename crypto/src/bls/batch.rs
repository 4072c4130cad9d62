//! Many checks at once: the ed25519 ones in one batch, the BLS ones in another.

use super::curve::{self, Equation};
use super::{Bls, Check, VOTE};
use crate::bisect;
use crate::coefficients::coefficients;
use crate::docket::CheckId;
use crate::ed25519;

/// Whether each check holds.
pub(super) fn judge(scheme: &Bls, checks: &[(CheckId, Check<'_>)]) -> Vec<bool> {
    let mut held = vec![false; checks.len()];
    let (mut identities, mut voting) = (Vec::new(), Vec::new());
    let mut certificates = 0;
    for (index, (id, check)) in checks.iter().enumerate() {
        match check {
            Check::Identity(by, statement, signature) => {
                let key = &scheme.0.identities[by.index()];
                let equation = key.equation(&statement.0.0, signature);
                identities.push((index, (*id, equation.map(|equation| vec![equation]))));
            }
            Check::Voting(by, statement, signature) => {
                voting.extend(signature.point().map(|point| {
                    let equation = Equation {
                        message: &statement.0.0,
                        key: scheme.0.voting[by.index()],
                        signature: *point,
                    };
                    (index, equation)
                }))
            }
            Check::Certificate(by, statement, signature) => {
                certificates += 1;
                let parts = curve::decode(signature).zip(scheme.key_of(by));
                voting.extend(parts.map(|(signature, key)| {
                    let message = &statement.0.0;
                    (
                        index,
                        Equation {
                            message,
                            key,
                            signature,
                        },
                    )
                }));
            }
        }
    }
    scheme.0.meter.checked_aggregates(certificates);
    scheme
        .0
        .meter
        .checked_signatures(checks.len() - certificates);

    let (places, groups): (Vec<usize>, Vec<_>) = identities.into_iter().unzip();
    let verdicts = ed25519::batch::judge(&scheme.0.digest.0, &groups);
    places
        .into_iter()
        .zip(verdicts)
        .for_each(|(index, good)| held[index] = good);

    let (places, equations): (Vec<usize>, Vec<_>) = voting.into_iter().unzip();
    let ids = places.iter().map(|index| (&checks[*index].0, 1));
    let weights = coefficients(&scheme.0.digest.0, ids);
    let verdicts = bisect::verdicts(equations.len(), |range| {
        curve::all_hold(VOTE, &equations[range.clone()], &weights[range])
    });
    places
        .into_iter()
        .zip(verdicts)
        .for_each(|(index, good)| held[index] = good);
    held
}
