//! A maximum that crashes can take back.

use quorate_core::Seq;
use std::collections::VecDeque;

/// The greatest of values that are each written down in a record: after a crash, the greatest of
/// those whose records were durable.
#[derive(Clone, Debug)]
pub(crate) struct Surviving<T> {
    durable: Option<T>,
    /// In the order of the records.
    volatile: VecDeque<(Seq, T)>,
}

impl<T> Default for Surviving<T> {
    fn default() -> Self {
        Self {
            durable: None,
            volatile: VecDeque::new(),
        }
    }
}

impl<T: Ord + Copy> Surviving<T> {
    /// The greatest so far.
    pub(crate) fn greatest(&self) -> Option<T> {
        let volatile = self.volatile.iter().map(|(_, value)| *value).max();
        volatile.max(self.durable)
    }

    /// Adds a value with its record.
    pub(crate) fn add(&mut self, record: Seq, value: T) {
        self.volatile.push_back((record, value));
    }

    /// The records are durable up to here.
    pub(crate) fn keep(&mut self, to: Seq) {
        while self
            .volatile
            .front()
            .is_some_and(|(record, _)| *record <= to)
        {
            let (_, value) = self.volatile.pop_front().expect("there is a front");
            self.durable = self.durable.max(Some(value));
        }
    }

    /// The records beyond this are lost.
    pub(crate) fn crash(&mut self, durable: Seq) {
        self.keep(durable);
        self.volatile.clear();
    }
}
