//! What forgeries cost, and who is blamed for them.

use super::*;

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
