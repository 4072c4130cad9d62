//! Requests that wait to be ordered.

mod admission;
mod arrival;
mod observed;
mod queue;
#[cfg(test)]
mod tests;

pub use admission::{AdmissionError, MempoolLimits, Origin};
pub use arrival::{Arrival, LocalProgress, Standing, Waiting};
use observed::ObservedPayloads;
use queue::Queue;
use quorate_core::{Digest, Payload, ReplicaId, Request, RequestId, RequestRef, Requests, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;

struct Held {
    request: Request,
    received: Time,
    origin: Origin,
}

/// What is known about a request by its name.
#[derive(Default)]
struct Known {
    /// Where it is held, if it is.
    held: Option<Arrival>,
    /// How many active payloads contain it.
    in_flight: u32,
    /// Whether it is among the recently decided.
    decided: bool,
}

impl Known {
    const fn is_nothing(&self) -> bool {
        self.held.is_none() && self.in_flight == 0 && !self.decided
    }
}

/// The requests that a replica has admitted and that are not decided, in order of arrival.
///
/// A request stays until it is decided. A batch repeats no request that is in a payload of the
/// chain it builds on: the caller names those payloads at each build, and the pool knows their
/// requests because every payload was shown to it before ([`Self::observe`]). A payload that a
/// build does not name is decided, whose requests are gone, or abandoned or on another branch: its requests are eligible again, in
/// their old order. So no call can be forgotten that would lose a request.
///
/// Each admission, build and decision costs a constant number of map operations for each request
/// that it is about, amortised: nothing ever scans what waits. Hash maps are only looked up, never
/// iterated, so nothing depends on their order.
///
/// Admission needs two more answers that the pool cannot give: whether the application accepts the
/// request, and whether the reply table has it as executed. The pool itself remembers the last
/// [`Self::REMEMBERED`] decided requests, so that the table may be asked on another thread, a
/// little earlier, and may be a few blocks behind the decisions: without that, a request decided
/// in between would wait here until it had been decided a second time.
pub struct Mempool {
    limits: MempoolLimits,
    held: Queue,
    known: HashMap<RequestId, Known>,
    last_received: Time,
    /// Arrivals from here on have not been looked at by a build.
    cursor: Arrival,
    /// Arrivals below the cursor that are eligible again.
    returned: BTreeSet<Arrival>,
    observed: ObservedPayloads,
    /// Recently decided, oldest first.
    remembered: VecDeque<RequestId>,
    encoded: usize,
    charged: usize,
    charged_forwarded: usize,
    charged_by: BTreeMap<ReplicaId, usize>,
    progress: LocalProgress,
}

impl fmt::Debug for Mempool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "mempool of {} requests, {} bytes",
            self.held.len(),
            self.encoded
        )
    }
}

impl Mempool {
    /// How many decided requests are remembered.
    pub const REMEMBERED: usize = 1 << 15;

    /// An empty pool.
    ///
    /// # Panics
    ///
    /// If a request may be longer than a batch: it could never be proposed. Or if a batch holds no
    /// request.
    #[must_use]
    pub fn new(limits: MempoolLimits) -> Self {
        assert!(
            limits.request_bytes <= limits.batch_bytes,
            "a request of {} bytes fits no batch of {}",
            limits.request_bytes,
            limits.batch_bytes
        );
        assert!(limits.batch_requests > 0, "a batch must hold a request");
        Self {
            limits,
            held: Queue::default(),
            known: HashMap::new(),
            last_received: Time::ZERO,
            cursor: Arrival::START,
            returned: BTreeSet::new(),
            observed: ObservedPayloads::default(),
            remembered: VecDeque::new(),
            encoded: 0,
            charged: 0,
            charged_forwarded: 0,
            charged_by: BTreeMap::new(),
            progress: LocalProgress::default(),
        }
    }

    /// Remembers which requests a proposed payload contains, so that builds on top of it repeat
    /// none of them. The same payload may be shown again.
    ///
    /// At most 1,024 payloads with 524,288 requests together are remembered, the newest; the
    /// requests of older ones might be proposed twice (and are executed once).
    pub fn observe(&mut self, payload: &Payload) {
        for forgotten in self.observed.insert(payload) {
            self.deactivate(&forgotten);
        }
    }

    /// Payloads of which it remembers the requests: 1,024 at most.
    #[must_use]
    pub fn observed(&self) -> usize {
        self.observed.len()
    }

    /// Forgets a payload that will not be decided: its requests are eligible again.
    ///
    /// Never needed for correctness, because a build names what it stands on.
    pub fn forget(&mut self, payload: &Digest) {
        if let Some(ids) = self.observed.remove(payload) {
            self.deactivate(&ids);
        }
    }

    /// Removes the requests of a decided payload: they no longer wait to be ordered, and will be
    /// executed.
    pub fn decided(&mut self, now: Time, payload: &Payload) {
        // What was in flight in this payload is released on the way.
        if let Some(ids) = self.observed.remove(payload.digest()) {
            for id in ids.iter() {
                self.remember(now, *id, 1);
            }
        } else {
            let requests = Requests::new(payload.bytes()).map_while(Result::ok);
            self.executed(now, requests.map(|request| request.id));
        }
    }

    /// Removes requests of which the caller knows that they have been executed, or will be: after
    /// a state transfer.
    pub fn executed(&mut self, now: Time, requests: impl IntoIterator<Item = RequestId>) {
        for id in requests {
            self.remember(now, id, 0);
        }
    }

    /// Notes a decided request, which was in flight `released` times in the decided payload.
    fn remember(&mut self, now: Time, id: RequestId, released: u32) {
        let known = self.known.entry(id).or_default();
        known.in_flight -= released;
        let new = !std::mem::replace(&mut known.decided, true);
        if let Some(arrival) = known.held.take() {
            let held = self.take(arrival);
            if held.origin == Origin::Local {
                self.progress.arrival = self.progress.arrival.max(arrival);
                self.progress.at = self.progress.at.max(now);
            }
        }
        if new {
            self.remembered.push_back(id);
        }
        if self.remembered.len() > Self::REMEMBERED {
            let oldest = self.remembered.pop_front().expect("it is not empty");
            self.update(oldest, |known| known.decided = false);
        }
    }

    /// Changes what is known about a request, and forgets it if that is nothing.
    fn update(&mut self, id: RequestId, change: impl FnOnce(&mut Known)) {
        let std::collections::hash_map::Entry::Occupied(mut entry) = self.known.entry(id) else {
            return;
        };
        change(entry.get_mut());
        if entry.get().is_nothing() {
            entry.remove();
        }
    }

    fn activate(&mut self, ids: &[RequestId]) {
        for id in ids {
            let known = self.known.entry(*id).or_default();
            known.in_flight += 1;
            if let Some(arrival) = known.held {
                self.returned.remove(&arrival);
            }
        }
    }

    /// `ids` is empty for a payload that was not active.
    fn deactivate(&mut self, ids: &[RequestId]) {
        for id in ids {
            let mut eligible = None;
            self.update(*id, |known| {
                known.in_flight -= 1;
                eligible = known.held.filter(|_| known.in_flight == 0);
            });
            if let Some(arrival) = eligible.filter(|arrival| *arrival < self.cursor) {
                self.returned.insert(arrival);
            }
        }
    }

    /// Makes exactly these payloads the active ones. Costs what has changed.
    fn follow(&mut self, undecided: &[Digest]) {
        // New ones first, so that a request in both an old and a new payload is not moved about.
        for ids in self.observed.activate(undecided) {
            self.activate(&ids);
        }
        for ids in self.observed.deactivate_others(undecided) {
            self.deactivate(&ids);
        }
    }

    /// The first eligible request: what was returned came before all that has not been looked at.
    fn first_ready(&mut self) -> Option<Arrival> {
        if let Some(arrival) = self.returned.first() {
            return Some(*arrival);
        }
        let known = &self.known;
        let is_ready = |held: &Held| {
            known
                .get(&held.request.id)
                .is_none_or(|known| known.in_flight == 0)
        };
        let first = self
            .held
            .from(self.cursor)
            .find(|(_, held)| is_ready(held))
            .map(|(arrival, _)| arrival);
        // Those passed over are in flight, and come back through `returned`.
        self.cursor = first.unwrap_or(self.held.next());
        first
    }

    /// Whether a build on these undecided payloads would contain a request.
    pub fn has_ready(&mut self, undecided: &[Digest]) -> bool {
        self.follow(undecided);
        self.first_ready().is_some()
    }

    /// Whether one of these payloads is known to contain a request.
    #[must_use]
    pub fn any_requests_in(&self, payloads: &[Digest]) -> bool {
        payloads.iter().any(|digest| self.observed.contains(digest))
    }

    /// Builds the next batch, above payloads that are not decided.
    ///
    /// Takes the eligible requests in order of arrival, up to the limits, and stops at the first
    /// that does not fit. The payload counts as observed. If it is not proposed after all, nothing
    /// needs to be said: the next build does not name it.
    pub fn build(&mut self, undecided: &[Digest]) -> Payload {
        self.follow(undecided);
        let limit = self.limits.batch_bytes;
        let mut batch = Vec::with_capacity(limit.min(self.encoded));
        let mut ids = Vec::new();
        while ids.len() < self.limits.batch_requests {
            let Some(arrival) = self.first_ready() else {
                break;
            };
            let request = &self.held.get(arrival).expect("it is ready").request;
            if batch.len() + request.encoded_len() > limit {
                break;
            }
            let (id, body) = (request.id, &request.body[..]);
            RequestRef { id, body }.append_to(&mut batch);
            ids.push(id);
            if !self.returned.remove(&arrival) {
                self.cursor = arrival.next();
            }
            let known = self.known.get_mut(&id).expect("held requests are known");
            known.in_flight += 1;
        }
        let payload = Payload::new(batch);
        for forgotten in self.observed.insert_active(&payload, ids) {
            self.deactivate(&forgotten);
        }
        payload
    }

    /// When the oldest request was received that has not been decided.
    #[must_use]
    pub fn oldest_waiting(&self) -> Option<Time> {
        self.held.first().map(|oldest| oldest.received)
    }

    /// Bytes that the waiting requests take in batches.
    #[must_use]
    pub const fn pending_bytes(&self) -> usize {
        self.encoded
    }

    /// How many requests wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether no request waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether this request waits here.
    #[must_use]
    pub fn contains(&self, id: RequestId) -> bool {
        self.known
            .get(&id)
            .is_some_and(|known| known.held.is_some())
    }

    /// The arrival that the next request will have.
    #[must_use]
    pub fn next_arrival(&self) -> Arrival {
        self.held.next()
    }

    /// What of this replica's own clients was decided last.
    #[must_use]
    pub const fn local_progress(&self) -> LocalProgress {
        self.progress
    }

    /// The waiting requests of local clients, from an arrival on, in order.
    pub fn local_from(&self, from: Arrival) -> impl Iterator<Item = Waiting<'_>> {
        let local = self
            .held
            .from(from)
            .filter(|(_, held)| held.origin == Origin::Local);
        local.map(|(arrival, held)| {
            let in_flight = self
                .known
                .get(&held.request.id)
                .is_some_and(|known| known.in_flight > 0);
            Waiting {
                arrival,
                received: held.received,
                standing: if in_flight {
                    Standing::InFlight
                } else {
                    Standing::Ready
                },
                request: &held.request,
            }
        })
    }
}
