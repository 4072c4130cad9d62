//! From messages to the checks that they need, and back to verdicts.

use quorate_core::{Claim, Claims, Scheme};
use std::collections::BTreeMap;

/// Names a check by every byte that it depends on, so that equal checks are done once.
pub(crate) type CheckId = [u8; 32];

/// What a look at a claim, without curve arithmetic, shows.
pub(crate) enum Screened<C> {
    /// It cannot hold.
    Refused,
    /// It is known to hold.
    Known,
    /// This must be checked.
    Check(CheckId, C),
}

/// The different checks that a batch of messages needs.
pub(crate) struct Docket<C> {
    /// The checks, each with its name.
    pub(crate) checks: Vec<(CheckId, C)>,
    /// For each message the checks it hangs on; `None` if it is refused already.
    needs: Vec<Option<Vec<usize>>>,
}

impl<C> Docket<C> {
    /// Screens every claim. A message with a claim that is refused costs no check.
    pub(crate) fn new<'a, S: Scheme>(
        messages: &[Claims<'a, S>],
        mut screen: impl FnMut(&Claim<'a, S>) -> Screened<C>,
    ) -> Self {
        let mut docket = Self {
            checks: Vec::with_capacity(messages.len()),
            needs: Vec::with_capacity(messages.len()),
        };
        let mut places = BTreeMap::new();
        for claims in messages {
            let mut wanted = Vec::with_capacity(claims.len());
            let refused = claims.iter().any(|claim| match screen(claim) {
                Screened::Refused => true,
                Screened::Known => false,
                Screened::Check(id, check) => {
                    wanted.push((id, check));
                    false
                }
            });
            let checks = &mut docket.checks;
            let mut place = |(id, check)| {
                *places.entry(id).or_insert_with(|| {
                    checks.push((id, check));
                    checks.len() - 1
                })
            };
            docket
                .needs
                .push((!refused).then(|| wanted.drain(..).map(&mut place).collect()));
        }
        docket
    }

    /// The verdicts on the messages, given those on the checks.
    pub(crate) fn verdicts(&self, held: &[bool]) -> Vec<bool> {
        let holds = |needs: &Option<Vec<usize>>| {
            needs
                .as_ref()
                .is_some_and(|needs| needs.iter().all(|check| held[*check]))
        };
        self.needs.iter().map(holds).collect()
    }
}
