//! What comes in: messages, ticks, and the step that they cause.

use super::{Cluster, Event, What};
use crate::testing::Mock;
use crate::{Body, Fault, Input, Protocol, ReplicaId, Signed, Triage, Verified};

/// Most messages of one author kept for later at one replica.
const LATER: usize = 4096;

/// Most ticks in a row at one time and replica.
const IDLE_TICKS: u32 = 1000;

impl<P: Protocol<Scheme = Mock>> Cluster<P> {
    /// Puts a message on its way, if nothing is in its way.
    pub(super) fn travel(&mut self, from: ReplicaId, to: ReplicaId, signed: Signed<P>) {
        if self.silent.contains(&from) {
            return;
        }
        *self.sent.entry(signed.body.kind()).or_default() += 1;
        let filtered = self
            .filter
            .as_mut()
            .is_some_and(|blocks| blocks(from, to, &signed.body));
        if filtered || self.cuts.contains(&(from, to)) || self.random.chance(self.options.loss) {
            return;
        }
        let copies = 1 + u32::from(self.random.chance(self.options.duplication));
        for _ in 0..copies {
            let delay = self.random.duration(&self.options.delay);
            let what = What::Arrive(Some(from), signed.clone());
            self.queue_at(
                self.now.after(delay),
                Event {
                    to,
                    run: None,
                    what,
                },
            );
        }
    }

    /// Notes a peer's fault. Honest replicas find none with honest ones.
    pub(super) fn blame(&mut self, reporter: ReplicaId, peer: ReplicaId, fault: Fault) {
        assert!(
            self.faulty.contains(&reporter) || self.faulty.contains(&peer),
            "{reporter:?} blames the honest {peer:?} for {fault:?}\n{}",
            self.report()
        );
        self.blames.push((reporter, peer, fault));
    }

    pub(super) fn arrive(&mut self, to: ReplicaId, link: Option<ReplicaId>, signed: Signed<P>) {
        if let Some(input) = self.receive(to, link, signed) {
            self.step(to, input);
        }
    }

    /// Asks the engine about a message, and checks its signatures if it wants it.
    fn receive(
        &mut self,
        to: ReplicaId,
        link: Option<ReplicaId>,
        signed: Signed<P>,
    ) -> Option<Input<P>> {
        let by = signed.by;
        if !self.validators.contains(by) || link.is_some_and(|link| link != by) {
            if let Some(link) = link {
                self.blame(to, link, Fault::Stranger);
            }
            return None;
        }
        let node = &mut self.nodes[to.index()];
        let engine = node.engine.as_ref().expect("only running replicas receive");
        match engine.triage(by, &signed.body) {
            Triage::Stale | Triage::TooFar => None,
            Triage::Later => {
                let kept = node.later.iter().filter(|(_, other)| other.by == by);
                if kept.count() < LATER {
                    node.later.push((link, signed));
                }
                None
            }
            Triage::Fault(fault) => {
                if let Some(link) = link {
                    self.blame(to, link, fault);
                }
                None
            }
            Triage::Check => {
                let checked = Verified::check(&self.domain, &self.scheme, vec![signed]);
                let verdict = checked
                    .into_iter()
                    .next()
                    .expect("one message, one verdict");
                match (verdict, link) {
                    (Ok(message), _) => return Some(Input::Message(message)),
                    (Err(_), Some(link)) => self.blame(to, link, Fault::BadSignature),
                    (Err(_), None) => {}
                }
                None
            }
        }
    }

    pub(super) fn tick(&mut self, to: ReplicaId) {
        let node = &mut self.nodes[to.index()];
        if node.tick != Some(self.now) {
            return; // The deadline has moved since.
        }
        node.tick = None;
        node.idle_ticks += 1;
        assert!(
            node.idle_ticks < IDLE_TICKS,
            "{to:?} never moves its deadline\n{}",
            self.report()
        );
        self.step(to, Input::Tick);
    }

    /// Gives an engine an input, then what it kept for later, then does what it wants done.
    pub(super) fn step(&mut self, to: ReplicaId, input: Input<P>) {
        self.witness(to, &input);
        self.step_once(to, input);
        // A tick that comes early does nothing.
        if self.random.chance(30) {
            self.step_once(to, Input::Tick);
        }
        let mut moved = true;
        while moved {
            moved = false;
            let later = std::mem::take(&mut self.nodes[to.index()].later);
            for (link, signed) in later {
                if let Some(input) = self.receive(to, link, signed) {
                    self.step_once(to, input);
                    moved = true;
                }
            }
        }
        self.settle(to);
    }

    fn step_once(&mut self, to: ReplicaId, input: Input<P>) {
        let node = &mut self.nodes[to.index()];
        let now = node.local(self.now);
        let engine = node.engine.as_mut().expect("only running replicas step");
        engine.step(now, input, &mut node.outbox);
    }

    /// Adds what happens to the fingerprint of the run.
    fn witness(&mut self, to: ReplicaId, input: &Input<P>) {
        let hasher = &mut self.fingerprint;
        hasher.update(&self.now.0.to_le_bytes());
        hasher.update(&to.0.to_le_bytes());
        if let Input::Message(message) = input {
            let statement = message.signed().signing().statement(&self.domain);
            hasher.update(&message.by().0.to_le_bytes());
            hasher.update(&statement.0.0);
        }
    }

    /// Schedules the tick that an engine wants.
    pub(super) fn schedule_tick(&mut self, id: ReplicaId) {
        let node = &mut self.nodes[id.index()];
        let deadline = node.engine.as_ref().and_then(P::deadline);
        let at = deadline.map(|deadline| node.global(deadline).max(self.now));
        if at != Some(self.now) {
            node.idle_ticks = 0;
        }
        if node.tick != at {
            node.tick = at;
            let Some(at) = at else { return };
            let run = Some(node.run);
            let what = What::Tick;
            self.queue_at(at, Event { to: id, run, what });
        }
    }
}
