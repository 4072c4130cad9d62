//! Tests of the adversaries: what minds do to speeches, and what they say about each engine.

mod engines;

use super::{Behaviour, Mind, Scene, Speech, mind};
use crate::{Engine, SimulatedScheme};
use quorate_core::testing::{Mock, Random};
use quorate_core::{
    Body as _, CheckpointClaim, Destination, Digest, Height, ReplicaId, Time, View,
};
use quorate_pbft::{Body, Pbft, Vote};
use quorate_replica::Service;
use std::collections::BTreeSet;
use std::time::Duration;

type P = Pbft<Mock>;

const TIMEOUT: Duration = Duration::from_secs(1);
const ME: ReplicaId = ReplicaId(2);

/// An adversary and what it decides with.
struct Stage {
    mind: Box<dyn Mind<P>>,
    random: Random,
    now: Time,
    acts: u64,
}

impl Stage {
    fn new(behaviours: &[Behaviour]) -> Self {
        let keys = Mock::keys(1, &[1; 4]);
        Self {
            mind: mind(behaviours, &keys.scheme),
            random: Random::new(1),
            now: Time::ZERO,
            acts: 0,
        }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut dyn Mind<P>, &mut Scene<'_>) -> T) -> T {
        let replicas: Vec<_> = (0..4).map(ReplicaId).collect();
        let mut scene = Scene {
            me: ME,
            now: self.now,
            replicas: &replicas,
            timeout: TIMEOUT,
            random: &mut self.random,
            acts: &mut self.acts,
        };
        act(&mut *self.mind, &mut scene)
    }

    /// What is said in place of a commit at a height, to whom and what.
    fn speak(&mut self, height: u64) -> Vec<Speech<P>> {
        let speech = Speech {
            to: Destination::Others,
            body: commit(height),
            after: Duration::ZERO,
        };
        self.with(|mind, scene| mind.speak(scene, speech))
    }

    /// Who hears something in place of a commit at a height.
    fn hearers(&mut self, height: u64) -> BTreeSet<ReplicaId> {
        let said = self.speak(height);
        self.with(|_, scene| said.iter().flat_map(|it| scene.hearers(it.to)).collect())
    }
}

fn commit(height: u64) -> Body<Mock> {
    Body::Commit(Vote {
        view: View(3),
        height: Height(height),
        digest: Digest([9; 32]),
    })
}

fn digests(said: &[Speech<P>]) -> BTreeSet<Digest> {
    said.iter().map(|it| it.body.signing().digest).collect()
}

#[test]
fn silent_says_nothing_and_counts_it() {
    let mut stage = Stage::new(&[Behaviour::Silent]);
    assert!(stage.speak(1).is_empty());
    let served = stage.with(|mind, scene| mind.serve(scene, Destination::Others, Service::Wake));
    assert!(served.is_none());
    assert_eq!(stage.acts, 2);
}

#[test]
fn a_crash_loop_says_what_the_protocol_says() {
    let mut stage = Stage::new(&[Behaviour::CrashLoop]);
    let said = stage.speak(1);
    assert_eq!((said.len(), stage.acts), (1, 0));
    assert_eq!(said[0].to, Destination::Others);
    assert!(super::is_restless(&[Behaviour::Lie, Behaviour::CrashLoop]));
    assert!(!super::is_restless(&[Behaviour::Lie]));
}

#[test]
fn an_equivocator_tells_everyone_something_and_repeats_itself() {
    let mut stage = Stage::new(&[Behaviour::Equivocate]);
    let mut contradicted = 0;
    for height in 1..50 {
        assert_eq!(stage.hearers(height).len(), 3);
        let said = stage.speak(height);
        let again = stage.speak(height);
        assert_eq!(said.len(), again.len());
        for (first, second) in said.iter().zip(&again) {
            assert_eq!(first.to, second.to);
            assert_eq!(first.body.signing(), second.body.signing());
        }
        let slots = said.iter().map(|it| it.body.signing().slot);
        assert!(
            slots
                .into_iter()
                .all(|slot| slot == commit(height).signing().slot)
        );
        contradicted += usize::from(digests(&said).len() == 2);
    }
    assert!(contradicted > 20, "{contradicted} of 49");
}

#[test]
fn a_selective_replica_has_friends_for_a_while() {
    let mut stage = Stage::new(&[Behaviour::Select]);
    let mut circles = BTreeSet::new();
    for season in 0..20 {
        stage.now = Time::ZERO.after(TIMEOUT * 5 * season);
        let friends = stage.hearers(1);
        assert_eq!(friends, stage.hearers(2), "not within one season");
        assert!((1..3).contains(&friends.len()));
        circles.insert(friends);
    }
    assert!(circles.len() > 3);
}

#[test]
fn what_is_withheld_changes() {
    let mut stage = Stage::new(&[Behaviour::Withhold]);
    let said = (0..40u32).map(|season| {
        stage.now = Time::ZERO.after(TIMEOUT * 4 * season);
        stage.speak(1).len()
    });
    let said: Vec<_> = said.collect();
    assert!(said.contains(&0) && said.contains(&1), "{said:?}");
    assert!(stage.acts > 0);
}

#[test]
fn a_slow_replica_is_not_given_up() {
    let mut stage = Stage::new(&[Behaviour::SlowDrip]);
    for height in 1..20 {
        let said = stage.speak(height);
        assert!(said[0].after >= TIMEOUT / 4 && said[0].after < TIMEOUT);
    }
}

#[test]
fn an_outdated_replica_says_only_what_it_has_said() {
    let mut stage = Stage::new(&[Behaviour::Outdated]);
    let mut old = 0;
    for height in 1..300 {
        for said in stage.speak(height) {
            let place = said.body.place();
            assert!(place.height <= Height(height));
            old += u64::from(place.height < Height(height));
        }
    }
    assert_eq!(old, stage.acts);
    assert!(old > 100);
}

#[test]
fn garbage_comes_beside_what_is_right() {
    let mut stage = Stage::new(&[Behaviour::Garbage]);
    let mut highest = Height::GENESIS;
    for height in 1..200 {
        let said = stage.speak(height);
        let right = commit(height).signing();
        assert_eq!(said.last().map(|it| it.body.signing()), Some(right));
        let heights = said.iter().map(|it| it.body.place().height);
        highest = heights.fold(highest, Height::max);
    }
    assert_eq!(highest, Height(u64::MAX));
    assert!(stage.acts > 50);
}

#[test]
fn false_checkpoints_differ() {
    let mut stage = Stage::new(&[Behaviour::FalseCheckpoint]);
    let scheme = Mock::keys(1, &[1; 4]).scheme;
    let claim = CheckpointClaim {
        height: Height(8),
        payload: Digest([1; 32]),
        state: Digest([2; 32]),
    };
    let statement = quorate_core::Statement(Digest::ZERO);
    let signature = scheme.sign(ME, quorate_core::KeyRole::Voting, statement);
    let mut differ = 0;
    for _ in 0..50 {
        let vote = Service::Checkpoint(claim, signature.clone());
        let served = stage.with(|mind, scene| mind.serve(scene, Destination::Others, vote));
        let Some(Service::Checkpoint(served, _)) = served else {
            panic!("it is a checkpoint still");
        };
        differ += usize::from(served != claim);
    }
    assert!(differ > 25, "{differ} of 50");
    assert_eq!(stage.speak(1).len(), 1);
}

#[test]
fn what_one_lets_through_the_next_gets() {
    let mut stage = Stage::new(&[Behaviour::Equivocate, Behaviour::Silent]);
    assert!((1..20).all(|height| stage.speak(height).is_empty()));
    let mut stage = Stage::new(&[
        Behaviour::SlowDrip,
        Behaviour::Equivocate,
        Behaviour::Select,
    ]);
    let mut contradicted = 0;
    for height in 1..40 {
        let said = stage.speak(height);
        assert!(said.iter().all(|it| it.after > Duration::ZERO));
        assert!(stage.hearers(height).len() < 3);
        contradicted += usize::from(digests(&said).len() == 2);
    }
    assert!(contradicted > 0);
}

#[test]
fn nobody_speaks_to_itself() {
    for behaviour in Behaviour::ALL {
        let mut stage = Stage::new(&[behaviour]);
        for height in 1..100 {
            assert!(!stage.hearers(height).contains(&ME), "{behaviour:?}");
        }
    }
}

/// Every engine has minds of every kind.
fn minds_of<P: Engine<Scheme = Mock>>() {
    let keys = Mock::keys(1, &[1; 4]);
    for behaviour in Behaviour::ALL {
        let mind = mind::<P>(&[behaviour, Behaviour::Lie], &keys.scheme);
        assert!(format!("{mind:?}").contains("Lie"));
    }
}

#[test]
fn minds_are_made_for_every_engine() {
    minds_of::<Pbft<Mock>>();
    minds_of::<quorate_hotstuff::HotStuff<Mock, quorate_hotstuff::TwoChain>>();
    minds_of::<quorate_hotstuff::HotStuff<Mock, quorate_hotstuff::ThreeChain>>();
    minds_of::<quorate_tendermint::Tendermint<Mock>>();
}
