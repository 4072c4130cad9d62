//! Quotas: a flood is bounded, and delays nobody else.

use super::*;

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
