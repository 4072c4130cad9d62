//! How much an intake holds.

use super::account::Account;
use crate::{Holding, Intake, Protocol};
use std::collections::VecDeque;

impl<P: Protocol> Intake<P> {
    /// Messages that wait to be checked, stand aside or are being checked.
    #[must_use]
    pub fn queued(&self) -> usize {
        let accounts = self.accounts.iter();
        accounts.map(|account| account.queue.messages()).sum()
    }

    /// Messages kept for later.
    #[must_use]
    pub fn kept(&self) -> usize {
        let accounts = self.accounts.iter();
        accounts.map(|account| account.store.messages()).sum()
    }

    /// What it holds: of the peer that has most there, in one of its roles, and of all together.
    #[must_use]
    pub fn holdings(&self) -> [Holding; 6] {
        let most = |amount: fn(&Account<P>) -> usize| {
            let accounts = self.accounts.iter();
            accounts.map(amount).max().unwrap_or(0)
        };
        let aside = self.aside.values().map(VecDeque::len).sum::<usize>();
        [
            Holding::of(
                "messages of one peer to check",
                most(|it| it.queue.messages()),
            ),
            Holding::of("bytes of one peer to check", most(|it| it.queue.bytes())),
            Holding::of("messages of one peer for later", most(|it| it.later.len())),
            Holding::of("bytes of one peer for later", most(|it| it.store.bytes())),
            Holding::of("messages active or aside", self.active.len() + aside),
            Holding::of("batches being checked", self.checking.len()),
        ]
    }

    /// Encoded bytes of everything held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let accounts = self.accounts.iter();
        accounts
            .map(|account| account.queue.bytes() + account.store.bytes())
            .sum()
    }
}
