//! The bounded intake: what it lets through, what it refuses, and what that may cost.

mod bounds;
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

#[test]
fn good_messages_pass_in_turn() {
    let mut world = World::new(IntakeLimits::default());
    for (by, height, number) in [(B, 1, 1), (C, 1, 2), (D, 1, 3)] {
        let vote = world.vote(by, height, number);
        assert_eq!(world.offer(by, Vouched, vote), Offer::Queued);
    }
    assert_eq!((world.intake.queued(), world.intake.bytes()), (3, 300));
    let passed = world.check_all();
    assert_eq!(passed, [Ok((1, B)), Ok((2, C)), Ok((3, D))]);
    assert_eq!((world.intake.queued(), world.intake.bytes()), (0, 0));
    assert!(world.intake.next_batch(64).is_none());
}

#[test]
fn cheap_checks_come_first() {
    let mut world = World::new(IntakeLimits::default());
    let stranger = Some(Fault::Stranger);
    let cases = [
        (
            ReplicaId(4),
            Vouched,
            world.vote(B, 1, 1),
            dropped(DropReason::Stranger, stranger),
        ),
        (
            B,
            Vouched,
            world.vote(ReplicaId(9), 1, 1),
            dropped(DropReason::Stranger, stranger),
        ),
        (
            B,
            Relayed,
            world.vote(ReplicaId(9), 1, 1),
            dropped(DropReason::Stranger, stranger),
        ),
        (
            B,
            Vouched,
            world.vote(C, 1, 1),
            dropped(DropReason::Stranger, stranger),
        ),
        (
            B,
            Vouched,
            world.vote(B, 0, 1),
            dropped(DropReason::Stale, None),
        ),
        (
            B,
            Vouched,
            world.vote(B, 1000, 1),
            dropped(DropReason::TooFar, None),
        ),
        (
            C,
            Vouched,
            world.sign(C, Say::Propose(Height(1), Payload::empty())),
            dropped(DropReason::Refused, Some(Fault::NotLeader)),
        ),
        (
            D,
            Relayed,
            world.sign(C, Say::Propose(Height(1), Payload::empty())),
            dropped(DropReason::Refused, None),
        ),
    ];
    for (from, authorship, signed, expected) in cases {
        assert_eq!(world.offer(from, authorship, signed), expected);
    }
    assert_eq!(world.intake.queued(), 0);
    // In gossip it is no offence to pass on another's message.
    let vote = world.vote(C, 1, 1);
    assert_eq!(world.offer(B, Relayed, vote), Offer::Queued);
}

#[test]
fn copies_are_dropped_while_the_first_waits_or_is_checked() {
    let mut world = World::new(IntakeLimits::default());
    let vote = world.vote(B, 1, 1);
    assert_eq!(world.offer(B, Vouched, vote.clone()), Offer::Queued);
    let copy = dropped(DropReason::Duplicate, None);
    assert_eq!(world.offer(B, Vouched, vote.clone()), copy);
    let batch = world.intake.next_batch(64).unwrap();
    assert_eq!(world.offer(B, Vouched, vote.clone()), copy);
    assert_eq!(world.check(batch), [Ok((1, B))]);
    // Afterwards it is for the engine's triage to know.
    assert_eq!(world.offer(B, Vouched, vote), Offer::Queued);
    // And the same for later.
    let vote = world.vote(B, 3, 1);
    assert_eq!(world.offer(B, Vouched, vote.clone()), Offer::Later);
    assert_eq!(world.offer(B, Vouched, vote), copy);
}

#[test]
fn one_of_an_exclusive_slot_is_checked_at_a_time() {
    let mut world = World::new(IntakeLimits::default());
    let [first, second, third] = [1, 2, 3].map(|number| world.vote(B, 1, number));
    assert_eq!(world.offer(B, Vouched, first), Offer::Queued);
    assert_eq!(world.offer(B, Vouched, second), Offer::Queued);
    let crowded = dropped(DropReason::Crowded, Some(Fault::Flood));
    assert_eq!(world.offer(B, Vouched, third), crowded);
    let batch = world.intake.next_batch(64).unwrap();
    assert_eq!(batch.messages.len(), 1);
    assert!(world.intake.next_batch(64).is_none());
    assert_eq!(world.check(batch), [Ok((1, B))]);
    // The second contradicts the first: the engine sees both, and makes evidence of them.
    assert_eq!(world.check_all(), [Ok((2, B))]);
    // A slot that may be filled twice is not limited so.
    for number in 0..5 {
        let ping = world.sign(C, Say::Ping(Height(1), number));
        assert_eq!(world.offer(C, Vouched, ping), Offer::Queued);
    }
    assert_eq!(world.intake.next_batch(64).unwrap().messages.len(), 5);
}

#[test]
fn a_forgery_that_comes_first_does_not_displace_the_real_one() {
    let mut world = World::new(IntakeLimits::default());
    // D forges B's vote, the same one and another one, before C passes on the real one.
    let forged = world.forge(B, 1, 1);
    let other = world.forge(B, 1, 2);
    let real = world.vote(B, 1, 1);
    assert_eq!(world.offer(D, Relayed, forged), Offer::Queued);
    assert_eq!(world.offer(D, Relayed, other), Offer::Queued);
    assert_eq!(world.offer(C, Relayed, real.clone()), Offer::Queued);
    let bad = Dropped {
        reason: DropReason::BadSignature,
        fault: Some(Fault::BadSignature),
    };
    assert_eq!(bad.verdict(), Verdict::Reject);
    let barred = Dropped {
        reason: DropReason::Barred,
        fault: None,
    };
    assert_eq!(barred.verdict(), Verdict::Ignore);
    // The relay is blamed; its second forgery costs no check.
    let settled = world.check_all();
    assert_eq!(settled, [Err((1, bad)), Err((2, barred)), Ok((3, B))]);
    // The named author is served as before, the relay's own words too, its relaying not.
    let own = world.vote(D, 1, 1);
    assert_eq!(world.offer(B, Vouched, real.clone()), Offer::Queued);
    assert_eq!(world.offer(D, Vouched, own), Offer::Queued);
    assert_eq!(
        world.offer(D, Relayed, real.clone()),
        Offer::Dropped(barred)
    );
    world.advance(2);
    let next = world.vote(B, 2, 1);
    assert_eq!(world.offer(D, Relayed, next), Offer::Queued);
}

#[test]
fn the_same_from_another_relay_is_not_checked_again() {
    let mut world = World::new(IntakeLimits::default());
    let vote = world.vote(B, 1, 1);
    assert_eq!(world.offer(C, Relayed, vote.clone()), Offer::Queued);
    assert_eq!(world.offer(D, Relayed, vote), Offer::Queued);
    let copy = Dropped {
        reason: DropReason::Duplicate,
        fault: None,
    };
    let batch = world.intake.next_batch(64).unwrap();
    assert_eq!(batch.messages.len(), 1);
    assert_eq!(world.check(batch), [Ok((1, B)), Err((2, copy))]);
    assert_eq!(world.intake.queued(), 0);
}

#[test]
fn a_forger_costs_one_check_a_height() {
    let mut world = World::new(limits(50, 1 << 20));
    let mut checks = 0;
    for height in 1..=5 {
        for number in 0..200 {
            let body = Say::Ping(Height(height), number);
            let mut ping = world.sign(B, body);
            ping.signature = world.vote(B, 9, 9).signature;
            world.offer(B, Vouched, ping);
            if let Some(batch) = world.intake.next_batch(1) {
                checks += batch.messages.len();
                world.check(batch);
            }
        }
        assert_eq!(checks, height as usize);
        assert_eq!(world.intake.queued(), 0);
        world.advance(height + 1);
    }
}

#[test]
fn a_flood_is_bounded_blamed_and_delays_nobody() {
    let mut world = World::new(limits(10, 100_000));
    let flood = dropped(DropReason::Quota, Some(Fault::Flood));
    for number in 0..1000 {
        let ping = world.sign(B, Say::Ping(Height(1), number));
        let expected = if number < 10 { Offer::Queued } else { flood };
        assert_eq!(world.offer(B, Vouched, ping), expected);
        let later = world.sign(B, Say::Ping(Height(3), number));
        let expected = if number < 10 { Offer::Later } else { flood };
        assert_eq!(world.offer(B, Vouched, later), expected);
    }
    assert_eq!((world.intake.queued(), world.intake.kept()), (10, 10));
    let vote = world.vote(C, 1, 1);
    assert_eq!(world.offer(C, Vouched, vote), Offer::Queued);
    let batch = world.intake.next_batch(2).unwrap();
    assert!(batch.messages.iter().any(|message| message.by == C));
    // What is being checked counts; what is settled does not.
    let ping = world.sign(B, Say::Ping(Height(1), 2000));
    assert_eq!(world.offer(B, Vouched, ping.clone()), flood);
    world.check(batch);
    assert_eq!(world.offer(B, Vouched, ping), Offer::Queued);
}

#[test]
fn bytes_count_as_messages_do() {
    let mut world = World::new(limits(1000, 1000));
    for number in 0..20 {
        let ping = world.sign(B, Say::Ping(Height(1), number));
        let offer = world.offer(B, Vouched, ping);
        assert_eq!(offer == Offer::Queued, number < 10);
    }
    assert_eq!(world.intake.bytes(), 1000);
    let huge = world.sign(C, Say::Ping(Height(1), 0));
    let offer = world
        .intake
        .offer(C, Vouched, huge, usize::MAX, 0, &world.engine);
    assert_eq!(offer, dropped(DropReason::Quota, Some(Fault::Flood)));
}

#[test]
fn who_floods_through_a_relay_leaves_room() {
    let mut world = World::new(limits(16, 1 << 20));
    let mut queued = 0;
    for number in 0..100 {
        let ping = world.sign(B, Say::Ping(Height(1), number));
        match world.offer(D, Relayed, ping) {
            Offer::Queued => queued += 1,
            other => assert_eq!(other, dropped(DropReason::Quota, None)),
        }
    }
    assert_eq!(queued, 8);
    let vote = world.vote(C, 1, 1);
    assert_eq!(world.offer(D, Relayed, vote), Offer::Queued);
}

#[test]
fn batches_in_flight_are_bounded() {
    let mut world = World::new(limits(10, 10_000));
    for number in 0..5 {
        let ping = world.sign(B, Say::Ping(Height(1), number));
        world.offer(B, Vouched, ping);
    }
    let first = world.intake.next_batch(1).unwrap();
    let second = world.intake.next_batch(1).unwrap();
    assert!(world.intake.next_batch(1).is_none());
    // They may end in any order.
    assert_eq!(world.check(second), [Ok((2, B))]);
    let third = world.intake.next_batch(64).unwrap();
    assert_eq!(third.messages.len(), 3);
    assert_eq!(world.check(first), [Ok((1, B))]);
    assert_eq!(world.check(third).len(), 3);
}

#[test]
fn what_was_kept_is_wanted_when_the_engine_is_there() {
    let mut world = World::new(limits(2, 10_000));
    for height in [2, 3, 5] {
        let vote = world.vote(B, height, 1);
        let offer = world.offer(B, Vouched, vote);
        let expected = if height < 5 {
            Offer::Later
        } else {
            dropped(DropReason::Quota, Some(Fault::Flood))
        };
        assert_eq!(offer, expected);
    }
    let now = world.vote(C, 1, 1);
    world.offer(C, Vouched, now);
    world.advance(3);
    let settled = world.intake.advanced(&world.engine);
    let stale = |tag| {
        settled.iter().any(|it| {
            let reason = it.result.as_ref().map(|_| ()).map_err(|it| it.reason);
            it.tag == tag && reason == Err(DropReason::Stale)
        })
    };
    assert!(stale(1), "height 2 is passed");
    assert!(stale(4), "what waited to be checked is passed too");
    assert_eq!(settled.len(), 2);
    assert_eq!((world.intake.kept(), world.intake.queued()), (0, 1));
    assert_eq!(world.check_all(), [Ok((2, B))]);
    // The share for later is free again.
    let vote = world.vote(B, 5, 1);
    assert_eq!(world.offer(B, Vouched, vote), Offer::Later);
    assert!(world.intake.advanced(&world.engine).is_empty());
    assert_eq!(world.intake.kept(), 1);
}

#[test]
fn who_is_barred_loses_what_waits() {
    let mut world = World::new(limits(10, 10_000));
    let forged = world.forge(B, 1, 1);
    world.offer(B, Vouched, forged);
    for number in 0..3 {
        let ping = world.sign(B, Say::Ping(Height(1), number));
        world.offer(B, Vouched, ping);
    }
    let batch = world.intake.next_batch(1).unwrap();
    let settled = world.check(batch);
    let reasons: Vec<_> = settled.iter().map(|it| it.unwrap_err().1.reason).collect();
    assert_eq!(reasons[0], DropReason::BadSignature);
    assert_eq!(reasons[1..], [DropReason::Barred; 3]);
    assert_eq!(world.intake.bytes(), 0);
}

#[test]
#[should_panic(expected = "a batch is checked once")]
fn a_batch_is_checked_once() {
    let mut world = World::new(limits(10, 10_000));
    let vote = world.vote(B, 1, 1);
    world.offer(B, Vouched, vote);
    let batch = world.intake.next_batch(1).unwrap();
    let (id, message) = (batch.id, batch.messages[0].clone());
    world.intake.checked(id, vec![Err(message.clone())]);
    world.intake.checked(id, vec![Err(message)]);
}
