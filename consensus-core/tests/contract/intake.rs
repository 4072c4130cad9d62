//! The bounded intake: what it lets through, what it refuses, and what that may cost.

mod bounds;
mod checks;
mod flood;
mod forgery;
mod model;

use crate::toy::{Bug, Say, Toy, Votes};
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Authorship, Batch, ChainId, Decision, Digest, Domain, DropReason, Dropped, Epoch, Fault,
    Height, Input, Intake, IntakeLimits, KeyRole, Offer, Outbox, Payload, Protocol, Quota,
    Recovered, ReplicaId, Rotation, Seq, Setup, Signed, Time, Verdict, Verified,
};
use std::sync::Arc;

use Authorship::{Relayed, Vouched};

const A: ReplicaId = ReplicaId(0);
const B: ReplicaId = ReplicaId(1);
const C: ReplicaId = ReplicaId(2);
const D: ReplicaId = ReplicaId(3);

/// An engine of replica 0 at height 1, and an intake in front of it.
struct World {
    engine: Toy,
    outbox: Outbox<Toy>,
    scheme: Mock,
    domain: Domain,
    intake: Intake<Toy>,
    tag: u64,
}

fn digest(number: u64) -> Digest {
    Digest::builder("intake test").number(number).finish()
}

fn limits(messages: usize, bytes: usize) -> IntakeLimits {
    let quota = Quota { messages, bytes };
    IntakeLimits {
        queue: quota,
        later: quota,
        batches: 2,
    }
}

impl World {
    fn new(limits: IntakeLimits) -> Self {
        let validators = mock_validators(&[1; 4]);
        let scheme = Mock::new(Arc::clone(&validators), [7; 32]);
        let setup = Setup {
            me: A,
            chain: ChainId(1),
            epoch: Epoch(1),
            leaders: Arc::new(Rotation::by_height(&validators)),
            validators,
            scheme: scheme.clone(),
            config: Bug::None,
        };
        let domain = setup.domain();
        let mut outbox = Outbox::new(Seq::NONE);
        let engine = Toy::start(setup, Recovered::default(), Time::ZERO, &mut outbox);
        Self {
            engine,
            outbox,
            scheme,
            domain,
            intake: Intake::new(limits, 4),
            tag: 0,
        }
    }

    fn sign(&self, by: ReplicaId, body: Say) -> Signed<Toy> {
        use quorate_core::Body;
        let statement = body.signing().statement(&self.domain);
        let signature = self.scheme.sign(by, KeyRole::Voting, statement);
        Signed {
            by,
            body,
            signature,
        }
    }

    fn vote(&self, by: ReplicaId, height: u64, number: u64) -> Signed<Toy> {
        self.sign(by, Say::Vote(Height(height), digest(number)))
    }

    /// A vote in the name of `by` without its signature.
    fn forge(&self, by: ReplicaId, height: u64, number: u64) -> Signed<Toy> {
        let other = ReplicaId((by.0 + 1) % 4);
        let Signed { signature, .. } = self.vote(other, height, number);
        let body = Say::Vote(Height(height), digest(number));
        Signed {
            by,
            body,
            signature,
        }
    }

    fn offer(&mut self, from: ReplicaId, authorship: Authorship, signed: Signed<Toy>) -> Offer {
        self.tag += 1;
        self.intake
            .offer(from, authorship, signed, 100, self.tag, &self.engine)
    }

    fn check(&mut self, batch: Batch<Toy>) -> Vec<Result<(u64, ReplicaId), (u64, Dropped)>> {
        let verdicts = Verified::check(&self.domain, &self.scheme, batch.messages);
        let settled = self.intake.checked(batch.id, verdicts);
        let plain = settled.into_iter().map(|it| match it.result {
            Ok(message) => Ok((it.tag, message.by())),
            Err(dropped) => Err((it.tag, dropped)),
        });
        plain.collect()
    }

    /// Checks everything that waits.
    fn check_all(&mut self) -> Vec<Result<(u64, ReplicaId), (u64, Dropped)>> {
        let mut all = Vec::new();
        while let Some(batch) = self.intake.next_batch(64) {
            all.extend(self.check(batch));
        }
        all
    }

    /// Brings the engine to a height.
    fn advance(&mut self, height: u64) {
        let decision = Decision {
            height: Height(height - 1),
            payload: Payload::empty(),
            proof: Arc::new(Votes::Nothing),
        };
        let input = Input::Installed(decision);
        self.engine.step(Time::ZERO, input, &mut self.outbox);
    }
}

fn dropped(reason: DropReason, fault: Option<Fault>) -> Offer {
    Offer::Dropped(Dropped { reason, fault })
}
