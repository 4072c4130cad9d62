//! What the world around an engine supplies: requests, payloads, decisions and checkpoints.

use super::{Cluster, Event, Load, What};
use crate::testing::Mock;
use crate::{
    Checkpoint, CheckpointClaim, Digest, Height, Input, KeyRole, Payload, Protocol,
    QuorumCertificate, ReplicaId, Scheme, SignerSet, Ticket, Time,
};
use std::sync::Arc;

/// Counts the clients' requests.
pub(super) type RequestNumber = u64;

/// Most decisions served for one question.
const SERVED: usize = 16;

impl<P: Protocol<Scheme = Mock>> Cluster<P> {
    /// Clients send `count` new requests to every replica. Each takes one payload.
    pub fn submit(&mut self, count: usize) {
        self.requests.extend(std::iter::repeat_n(self.now, count));
        let ids: Vec<_> = self.validators.ids().collect();
        for id in ids {
            self.tell_waiting(id);
            let node = &mut self.nodes[id.index()];
            if let Some(building) = node.building.as_mut().filter(|it| it.starved) {
                building.starved = false;
                let ticket = building.ticket;
                self.after(self.options.build, id, What::Build(ticket));
            }
        }
    }

    /// Sees to it that a request waits at `id` if load is steady.
    pub(super) fn keep_loaded(&mut self, id: ReplicaId) {
        if self.options.load == Load::Steady && self.oldest_request(id).is_none() {
            self.submit(1);
        }
    }

    /// When the oldest request that waits at `id` was received, on its own clock.
    fn oldest_request(&self, id: ReplicaId) -> Option<Time> {
        let node = &self.nodes[id.index()];
        let received = *self.requests.get(node.frontier as usize)?;
        Some(node.local(received.max(node.started)))
    }

    /// Tells an engine of its oldest waiting request, if that has changed.
    pub(super) fn tell_waiting(&mut self, id: ReplicaId) {
        let waiting = self.oldest_request(id);
        let node = &mut self.nodes[id.index()];
        if node.engine.is_some() && node.waiting != waiting {
            node.waiting = waiting;
            self.input(id, Input::Waiting(waiting));
        }
    }

    pub(super) fn start_build(&mut self, id: ReplicaId, ticket: Ticket, undecided: Vec<Digest>) {
        let node = &mut self.nodes[id.index()];
        let building = super::node::Building {
            ticket,
            undecided,
            starved: false,
        };
        if let Some(old) = node.building.replace(building) {
            // A newer ticket cancels older ones, but the answer may have been on its way.
            if !old.starved && self.random.chance(250) {
                self.input(id, Input::Built(old.ticket, Payload::empty()));
            }
        }
        self.after(self.options.build, id, What::Build(ticket));
    }

    pub(super) fn finish_build(&mut self, id: ReplicaId, ticket: Ticket) {
        let node = &mut self.nodes[id.index()];
        let Some(building) = node.building.take_if(|it| it.ticket == ticket) else {
            return;
        };
        let undecided: Vec<_> = building
            .undecided
            .iter()
            .filter_map(|digest| self.built.get(digest).copied())
            .collect();
        let node = &self.nodes[id.index()];
        let free = |number: &u64| !node.executed.contains(number) && !undecided.contains(number);
        let known = node.frontier..self.requests.len() as u64;
        let Some(number) = known.into_iter().find(free) else {
            self.nodes[id.index()].building = Some(super::node::Building {
                starved: true,
                ..building
            });
            if self.options.load == Load::Steady {
                self.submit(1);
            }
            return;
        };
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.extend_from_slice(&id.0.to_le_bytes());
        bytes.extend_from_slice(&(self.built.len() as u64).to_le_bytes());
        let payload = Payload::new(bytes);
        self.built.insert(*payload.digest(), number);
        self.input(id, Input::Built(ticket, payload));
    }

    /// Whether `from` could answer a question of `to` now.
    fn serves(&self, from: ReplicaId, to: ReplicaId) -> bool {
        let blocked = |a, b| self.cuts.contains(&(a, b));
        from != to
            && self.nodes[from.index()].engine.is_some()
            && !self.silent.contains(&from)
            && !blocked(from, to)
            && !blocked(to, from)
    }

    /// A question and its answer cross the network.
    fn round_trip(&mut self) -> std::time::Duration {
        let range = self.options.delay.clone();
        self.random.duration(&range) + self.random.duration(&range)
    }

    pub(super) fn ask_payload(&mut self, id: ReplicaId, digest: Digest, from: SignerSet) {
        let node = &mut self.nodes[id.index()];
        if let Some(payload) = node.payload(&digest) {
            self.after(self.options.check, id, What::Input(Input::Payload(payload)));
        } else if node.missing.insert(digest) {
            let delay = self.round_trip();
            self.after(delay, id, What::FetchPayload(digest, from));
        }
    }

    pub(super) fn fetch_payload(&mut self, id: ReplicaId, digest: Digest, from: SignerSet) {
        let mut peers = from.iter().filter(|peer| self.serves(*peer, id));
        let found = peers.find_map(|peer| self.nodes[peer.index()].payload(&digest));
        if let Some(payload) = found {
            self.nodes[id.index()].missing.remove(&digest);
            self.input(id, Input::Payload(payload));
        } else {
            let delay = self.round_trip();
            self.after(delay, id, What::FetchPayload(digest, from));
        }
    }

    pub(super) fn ask_decisions(&mut self, id: ReplicaId, height: Height) {
        let node = &mut self.nodes[id.index()];
        let asked = node.fetching.replace(height);
        if asked.is_none() {
            let delay = self.round_trip();
            self.after(delay, id, What::Fetch);
        }
    }

    pub(super) fn fetch(&mut self, id: ReplicaId) {
        let node = &self.nodes[id.index()];
        let Some(height) = node.fetching else {
            return;
        };
        let height = height.max(node.committed.next());
        let peers: Vec<_> = self
            .validators
            .ids()
            .filter(|p| self.serves(*p, id))
            .collect();
        let ahead: Vec<_> = peers
            .into_iter()
            .filter(|peer| self.nodes[peer.index()].ledger.contains_key(&height))
            .collect();
        let delay = self.round_trip();
        if ahead.is_empty() {
            self.after(delay, id, What::Fetch);
            return;
        }
        let peer = ahead[self.random.below(ahead.len() as u64) as usize];
        if self.transfer(id, peer, height) {
            return;
        }
        let served: Vec<_> = self.nodes[peer.index()]
            .ledger
            .range(height..)
            .take(SERVED)
            .map(|(_, decision)| decision.clone())
            .collect();
        let more = served.len() == SERVED;
        let next = Height(height.0 + served.len() as u64);
        for decision in served {
            let verified = decision.verify(&self.domain, &self.scheme);
            assert_eq!(
                verified,
                Ok(()),
                "{peer:?} serves {decision:?} without proof"
            );
            self.input(id, Input::Learned(decision));
        }
        self.nodes[id.index()].fetching = more.then_some(next);
        if more {
            self.after(delay, id, What::Fetch);
        }
    }

    /// Brings `id` up to a peer's stable checkpoint, if it is far enough behind.
    fn transfer(&mut self, id: ReplicaId, peer: ReplicaId, height: Height) -> bool {
        let Some(stable) = self.nodes[peer.index()].stable.clone() else {
            return false;
        };
        let (beyond, target) = (self.options.transfer_beyond, stable.claim.height);
        if beyond.is_none_or(|gap| target.0 < height.0.saturating_add(gap)) {
            return false;
        }
        let Some(decision) = self.nodes[peer.index()].ledger.get(&target).cloned() else {
            return false;
        };
        let executed = self.executed_up_to(target);
        let node = &mut self.nodes[id.index()];
        node.execute(executed);
        node.ledger.insert(target, decision.clone());
        (node.committed, node.stored) = (target, target);
        node.stable = Some(Arc::clone(&stable));
        node.fetching = None;
        self.step(id, Input::Installed(decision));
        self.step(id, Input::Stable(stable));
        self.tell_waiting(id);
        true
    }

    /// The requests in the decisions up to a height.
    pub(super) fn executed_up_to(&self, height: Height) -> Vec<RequestNumber> {
        let decided = self.decided.range(..=height);
        decided
            .filter_map(|(_, payload)| self.built.get(payload).copied())
            .collect()
    }

    /// Decisions up to `height` are stored, and their payloads executed.
    pub(super) fn stored(&mut self, id: ReplicaId, height: Height) {
        while self.nodes[id.index()].stored < height {
            let next = self.nodes[id.index()].stored.next();
            self.nodes[id.index()].stored = next;
            let every = self.options.checkpoint_every;
            if every.is_some_and(|every| next.0.is_multiple_of(every)) {
                self.checkpoint(id, next);
            }
            self.step(id, Input::Executed(next));
        }
    }

    /// Makes the checkpoint at `height` stable once a quorum has executed it, and tells those.
    fn checkpoint(&mut self, id: ReplicaId, height: Height) {
        let told = if let Some(stable) = self.checkpoints.get(&height) {
            vec![(id, Arc::clone(stable))]
        } else {
            let there = |id: &ReplicaId| {
                self.nodes[id.index()].stored >= height && !self.silent.contains(id)
            };
            let signers: Vec<_> = self.validators.ids().filter(there).collect();
            let power: u64 = signers.iter().map(|id| self.validators.power(*id)).sum();
            if power < self.validators.quorum().quorum() {
                return;
            }
            let stable = Arc::new(self.certify(height, &signers));
            self.checkpoints.insert(height, Arc::clone(&stable));
            let up = self.validators.ids();
            let up = up.filter(|id| self.nodes[id.index()].stored >= height);
            up.map(|id| (id, Arc::clone(&stable))).collect()
        };
        for (id, stable) in told {
            let delay = self.round_trip();
            self.after(delay, id, What::Stable(stable));
        }
    }

    fn certify(&self, height: Height, signers: &[ReplicaId]) -> Checkpoint<Mock> {
        let payload = self.decided[&height];
        let claim = CheckpointClaim {
            height,
            payload,
            state: Digest::builder("quorate 2026 test state v1")
                .number(height.0)
                .digest(&payload)
                .finish(),
        };
        let statement = claim.statement(&self.domain);
        let mut set = SignerSet::empty(self.validators.len());
        for id in signers {
            set.insert(*id);
        }
        let sign = |id: &ReplicaId| (*id, self.scheme.sign(*id, KeyRole::Voting, statement));
        let parts: Vec<_> = signers.iter().map(sign).collect();
        let aggregate = self
            .scheme
            .aggregate(parts.iter().map(|(id, signature)| (*id, signature)));
        Checkpoint {
            claim,
            certificate: QuorumCertificate {
                signers: set,
                aggregate,
            },
        }
    }

    /// Schedules something for the replica's present run.
    pub(super) fn after(&mut self, delay: std::time::Duration, to: ReplicaId, what: What<P>) {
        let run = Some(self.nodes[to.index()].run);
        self.queue_at(self.now.after(delay), Event { to, run, what });
    }
}
