//! Random histories of an intake: its accounts add up.

use super::{World, limits};
use crate::toy::Say;
use proptest::prelude::*;
use quorate_core::Authorship::{Relayed, Vouched};
use quorate_core::{Height, Offer, ReplicaId};
use std::collections::BTreeSet;

/// What may happen to an intake.
#[derive(Clone, Copy, Debug)]
enum Event {
    Offer {
        from: u16,
        by: u16,
        relayed: bool,
        height: u64,
        number: u64,
        kind: u8,
    },
    Check(usize),
    Advance,
}

fn event() -> impl Strategy<Value = Event> {
    let offer = (0..4u16, 0..4u16, any::<bool>(), 1..6u64, 0..3u64, 0..3u8);
    let offer = offer.prop_map(|(from, by, relayed, height, number, kind)| Event::Offer {
        from,
        by: if relayed { by } else { from },
        relayed,
        height,
        number,
        kind,
    });
    prop_oneof![
        8 => offer,
        2 => (1..5usize).prop_map(Event::Check),
        1 => Just(Event::Advance),
    ]
}

proptest! {
    #[test]
    fn every_message_taken_in_is_settled_once(events in prop::collection::vec(event(), 0..200)) {
        let limits = limits(5, 350);
        let mut world = World::new(limits);
        let (mut held, mut height) = (BTreeSet::new(), 1);
        let settle = |held: &mut BTreeSet<u64>, tag| assert!(held.remove(&tag), "{tag}");
        let mut flying = Vec::new();
        // In the end everything is checked, and then the engine is beyond everything.
        let end = [Event::Check(0), Event::Advance].repeat(12);
        for event in events.into_iter().chain(end) {
            match event {
                Event::Offer { from, by, relayed, height, number, kind } => {
                    let authorship = if relayed { Relayed } else { Vouched };
                    let by = ReplicaId(by);
                    let signed = match kind {
                        0 => world.vote(by, height, number),
                        1 => world.forge(by, height, number),
                        _ => world.sign(by, Say::Ping(Height(height), number)),
                    };
                    let offer = world.offer(ReplicaId(from), authorship, signed);
                    if !matches!(offer, Offer::Dropped(_)) {
                        held.insert(world.tag);
                    }
                }
                Event::Check(most) => {
                    if most > 0 {
                        flying.extend(world.intake.next_batch(most));
                    }
                    // The older batch of two is settled last.
                    let keep = usize::from(most > 0 && flying.len() == 1);
                    while flying.len() > keep {
                        let batch = flying.pop().unwrap();
                        for settled in world.check(batch) {
                            settle(&mut held, settled.map_or_else(|it| it.0, |it| it.0));
                        }
                    }
                    if most == 0 {
                        for settled in world.check_all() {
                            settle(&mut held, settled.map_or_else(|it| it.0, |it| it.0));
                        }
                    }
                }
                Event::Advance => {
                    height += 1;
                    world.advance(height);
                    for settled in world.intake.advanced(&world.engine) {
                        assert!(settled.result.is_err());
                        settle(&mut held, settled.tag);
                    }
                }
            }
            prop_assert_eq!(world.intake.bytes(), 100 * held.len());
            prop_assert_eq!(world.intake.queued() + world.intake.kept(), held.len());
            // Three for each peer, role and store fit the bytes.
            prop_assert!(held.len() <= 4 * 2 * 2 * 3);
        }
        prop_assert!(held.is_empty(), "{held:?} never came back");
        prop_assert!(world.intake.next_batch(1).is_none());
    }
}
