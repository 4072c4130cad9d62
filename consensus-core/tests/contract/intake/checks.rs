//! Which messages are let through to be checked, and in what order.

use super::*;

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
