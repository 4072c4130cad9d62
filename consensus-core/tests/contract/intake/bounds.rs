//! What the intake says that it holds, and that it is bounded.

use super::{A, B, C, Relayed, Say, Vouched, World, limits};
use quorate_core::{Height, Holding};

/// How much of something there is.
fn held(world: &World, what: &str) -> usize {
    let found: Vec<Holding> = world.intake.holdings().to_vec();
    let found = found.into_iter().find(|it| it.what == what);
    found.expect("it is one of the holdings").amount
}

#[test]
fn what_it_holds_is_what_it_was_given() {
    let mut world = World::new(limits(10, 10_000));
    for number in 0..3 {
        for (height, from) in [(1, B), (2, B), (1, C)] {
            let ping = world.sign(from, Say::Ping(Height(height), number));
            world.offer(from, Vouched, ping);
        }
    }
    // The same slot from its author and from a relay that says something else of it.
    for (from, authorship, number) in [(B, Vouched, 1), (C, Relayed, 2)] {
        let vote = world.vote(B, 1, number);
        world.offer(from, authorship, vote);
    }
    let batch = world.intake.next_batch(2).unwrap();
    assert_eq!(
        world.intake.holdings(),
        [
            Holding::of("messages of one peer to check", 4),
            Holding::of("bytes of one peer to check", 400),
            Holding::of("messages of one peer for later", 3),
            Holding::of("bytes of one peer for later", 300),
            Holding::of("messages active or aside", 8),
            Holding::of("batches being checked", 1),
        ]
    );
    world.check(batch);
    world.check_all();
    world.advance(2);
    world.intake.advanced(&world.engine);
    world.check_all();
    let nothing = world.intake.holdings();
    assert!(nothing.iter().all(|it| it.amount == 0), "{nothing:?}");
}

#[test]
fn an_engine_that_outruns_the_checks_makes_nobodys_share_grow() {
    // Nothing that is being checked comes back, while height after height is decided; and each
    // time, what was kept for later is wanted.
    let mut world = World::new(limits(10, 10_000));
    let mut most = 0;
    for height in 1..100 {
        world.advance(height);
        world.intake.advanced(&world.engine);
        for number in 0..20 {
            for at in [height, height + 1] {
                let ping = world.sign(B, Say::Ping(Height(at), number));
                world.offer(B, Vouched, ping);
            }
        }
        let _ = world.intake.next_batch(64);
        most = most.max(held(&world, "messages of one peer to check"));
        assert!(held(&world, "messages of one peer for later") <= 10);
        assert!(held(&world, "bytes of one peer to check") <= 20_000);
        assert!(held(&world, "messages active or aside") <= 20);
    }
    assert_eq!(most, 20, "both quotas together, and no more");
    let vote = world.vote(A, 99, 1);
    assert_eq!(
        world.offer(A, Vouched, vote),
        quorate_core::Offer::Queued,
        "others have their own"
    );
}
