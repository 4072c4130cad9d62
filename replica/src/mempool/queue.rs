//! Held requests in order of arrival.

use super::{Arrival, Held};
use std::collections::{BTreeMap, VecDeque};

/// Gaps that the queue may have beyond one for each request.
const SPARE_GAPS: usize = 1024;

/// Requests by arrival. Adding at the end, looking up and removing anywhere take constant time,
/// amortised.
///
/// A removed request leaves a gap, so that arrivals are places. Gaps at the front go at once. If
/// there are more gaps than requests (one request waits long and many after it do not), the first
/// requests move to a map aside, each at most once, so that memory is bounded by what is held.
#[derive(Default)]
pub(super) struct Queue {
    /// Those of the first arrivals that outlasted the others: all below `base`.
    stragglers: BTreeMap<Arrival, Held>,
    slots: VecDeque<Option<Held>>,
    /// Arrival of the first slot.
    base: u64,
    len: usize,
}

impl Queue {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The arrival that comes next.
    pub(super) fn next(&self) -> Arrival {
        Arrival(self.base + self.slots.len() as u64)
    }

    pub(super) fn push(&mut self, held: Held) -> Arrival {
        let arrival = self.next();
        self.slots.push_back(Some(held));
        self.len += 1;
        arrival
    }

    fn slot(&self, arrival: Arrival) -> Option<usize> {
        usize::try_from(arrival.0.checked_sub(self.base)?).ok()
    }

    pub(super) fn get(&self, arrival: Arrival) -> Option<&Held> {
        match self.slot(arrival) {
            None => self.stragglers.get(&arrival),
            Some(slot) => self.slots.get(slot)?.as_ref(),
        }
    }

    pub(super) fn remove(&mut self, arrival: Arrival) -> Option<Held> {
        let held = match self.slot(arrival) {
            None => self.stragglers.remove(&arrival),
            Some(slot) => self.slots.get_mut(slot)?.take(),
        }?;
        self.len -= 1;
        self.tidy();
        Some(held)
    }

    fn tidy(&mut self) {
        let limit = 2 * self.len + SPARE_GAPS;
        while let Some(first) = self.slots.front() {
            if first.is_some() && self.slots.len() <= limit {
                break;
            }
            let arrival = Arrival(self.base);
            let held = self.slots.pop_front().flatten();
            self.base += 1;
            if let Some(held) = held {
                self.stragglers.insert(arrival, held);
            }
        }
    }

    pub(super) fn first(&self) -> Option<&Held> {
        self.from(Arrival::START).next().map(|(_, held)| held)
    }

    /// What is held from an arrival on, in order.
    pub(super) fn from(&self, from: Arrival) -> impl Iterator<Item = (Arrival, &Held)> {
        let skipped = self.slot(from).unwrap_or(0).min(self.slots.len());
        let arrivals = (self.base + skipped as u64..).map(Arrival);
        let slots = arrivals.zip(self.slots.range(skipped..));
        let slots = slots.filter_map(|(arrival, slot)| Some((arrival, slot.as_ref()?)));
        let stragglers = self.stragglers.range(from..);
        let stragglers = stragglers.map(|(arrival, held)| (*arrival, held));
        stragglers.chain(slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;
    use proptest::prelude::*;
    use quorate_core::{Request, RequestId, Time};

    fn held(sequence: u64) -> Held {
        Held {
            request: Request {
                id: RequestId {
                    sequence,
                    ..RequestId::default()
                },
                body: Vec::new(),
            },
            received: Time::ZERO,
            origin: Origin::Local,
        }
    }

    fn assert_is(queue: &Queue, model: &BTreeMap<Arrival, u64>, from: Arrival) {
        let found: Vec<_> = queue
            .from(from)
            .map(|(arrival, held)| (arrival, held.request.id.sequence))
            .collect();
        let expected = model.range(from..);
        let expected: Vec<_> = expected.map(|(arrival, own)| (*arrival, *own)).collect();
        assert_eq!(found, expected);
        assert_eq!(queue.len(), model.len());
        assert!(queue.slots.len() <= 2 * queue.len() + SPARE_GAPS);
    }

    #[test]
    fn long_waiting_requests_do_not_keep_the_memory_of_the_others() {
        let (mut queue, mut model) = (Queue::default(), BTreeMap::new());
        for sequence in 0..100_000 {
            let arrival = queue.push(held(sequence));
            model.insert(arrival, sequence);
            if sequence % 5000 != 0 {
                queue.remove(arrival).unwrap();
                model.remove(&arrival);
            }
        }
        assert_eq!(queue.len(), 20);
        assert!(!queue.stragglers.is_empty());
        for from in [0, 1, 4999, 5000, 5001, 98_000, 99_999, 200_000] {
            assert_is(&queue, &model, Arrival(from));
        }
        for arrival in model.keys() {
            let found = queue.get(*arrival).unwrap().request.id.sequence;
            assert_eq!(found, model[arrival]);
            assert!(queue.remove(*arrival).is_some());
            assert!(queue.remove(*arrival).is_none());
        }
        assert!(queue.is_empty() && queue.slots.is_empty() && queue.stragglers.is_empty());
    }

    proptest! {
        #[test]
        fn behaves_like_a_map(acts in prop::collection::vec((any::<u16>(), 0u16..400), 1..60)) {
            let (mut queue, mut model) = (Queue::default(), BTreeMap::new());
            for (at, count) in acts {
                for sequence in 0..u64::from(count) {
                    model.insert(queue.push(held(sequence)), sequence);
                }
                let gone: Vec<_> = model.keys().copied().skip(usize::from(at % 7)).collect();
                for arrival in gone.into_iter().take(usize::from(at) % 1000) {
                    prop_assert_eq!(queue.remove(arrival).unwrap().request.id.sequence, model[&arrival]);
                    model.remove(&arrival);
                }
                assert_is(&queue, &model, Arrival(u64::from(at) % 2000));
            }
        }
    }
}
