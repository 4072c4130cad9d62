//! Random histories of a pool: it behaves as a model in a few lines does.

use super::*;
use proptest::prelude::*;

/// What a test does to the pool and to the model.
#[derive(Clone, Debug)]
enum Act {
    Admit(u64, u16),
    /// A peer's payload of these requests is proposed.
    Observe(Vec<u64>),
    /// Build on a subset of the payloads in play.
    Build(u8),
    /// Decide one of the payloads in play.
    Decide(usize),
    Forget(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1u64..40, 0u16..3).prop_map(|(sequence, by)| Act::Admit(sequence, by)),
        1 => prop::collection::vec(1u64..40, 1..4).prop_map(Act::Observe),
        3 => any::<u8>().prop_map(Act::Build),
        1 => any::<usize>().prop_map(Act::Decide),
        1 => any::<usize>().prop_map(Act::Forget),
    ]
}

/// The pool in a few lines, at any cost.
#[derive(Default)]
struct Model {
    waiting: Vec<(u64, Origin)>,
    decided: BTreeSet<u64>,
    play: Vec<Payload>,
}

impl Model {
    fn admit(&mut self, sequence: u64, origin: Origin) -> bool {
        if self.decided.contains(&sequence) {
            return false;
        }
        let held = self.waiting.iter().position(|(held, _)| *held == sequence);
        match held {
            None => self.waiting.push((sequence, origin)),
            Some(at) if origin == Origin::Local && self.waiting[at].1 != Origin::Local => {
                self.waiting.remove(at);
                self.waiting.push((sequence, origin));
            }
            Some(_) => {}
        }
        held.is_none()
    }

    fn build(&self, undecided: &[&Payload]) -> Vec<u64> {
        let in_flight: BTreeSet<u64> = undecided.iter().flat_map(|payload| ids(payload)).collect();
        self.waiting
            .iter()
            .map(|(sequence, _)| *sequence)
            .filter(|sequence| !in_flight.contains(sequence))
            .take(3)
            .collect()
    }

    fn decide(&mut self, payload: &Payload) {
        let decided = ids(payload);
        self.waiting
            .retain(|(sequence, _)| !decided.contains(sequence));
        self.decided.extend(decided);
        self.play.retain(|other| other != payload);
    }

    fn add(&mut self, payload: Payload) {
        if !payload.is_empty() && !self.play.contains(&payload) {
            self.play.push(payload);
        }
    }
}

fn run(model: &mut Model, pool: &mut Mempool, act: Act) -> Result<(), TestCaseError> {
    match act {
        Act::Admit(sequence, by) => {
            let origin = match by {
                0 => Origin::Local,
                by => Origin::Forwarded(ReplicaId(by)),
            };
            let admitted = pool.admit(T, request(sequence, 10), origin).is_ok();
            prop_assert_eq!(admitted, model.admit(sequence, origin));
        }
        Act::Observe(sequences) => {
            let payload = payload(&sequences);
            pool.observe(&payload);
            model.add(payload);
        }
        Act::Build(mask) => {
            let chosen = model.play.iter().enumerate();
            let undecided: Vec<_> = chosen
                .filter(|(index, _)| mask >> (index % 8) & 1 == 1)
                .map(|(_, payload)| payload)
                .collect();
            let expected = model.build(&undecided);
            let digests: Vec<_> = undecided.iter().map(|payload| *payload.digest()).collect();
            prop_assert_eq!(pool.has_ready(&digests), !expected.is_empty());
            let built = pool.build(&digests);
            prop_assert_eq!(ids(&built), expected);
            model.add(built);
        }
        Act::Decide(index) if !model.play.is_empty() => {
            let payload = model.play[index % model.play.len()].clone();
            pool.decided(T, &payload);
            model.decide(&payload);
        }
        Act::Forget(index) if !model.play.is_empty() => {
            let payload = model.play.remove(index % model.play.len());
            pool.forget(payload.digest());
        }
        Act::Decide(_) | Act::Forget(_) => {}
    }
    prop_assert_eq!(pool.len(), model.waiting.len());
    prop_assert_eq!(pool.pending_bytes(), model.waiting.len() * 38);
    let local = pool.local_from(Arrival::START);
    let local: Vec<_> = local.map(|waiting| waiting.request.id.sequence).collect();
    let expected = model.waiting.iter();
    let expected: Vec<_> = expected
        .filter(|(_, origin)| *origin == Origin::Local)
        .map(|(sequence, _)| *sequence)
        .collect();
    prop_assert_eq!(local, expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// No request is lost, none is built twice on one branch, and all keep their order.
    #[test]
    fn behaves_like_the_model(acts in prop::collection::vec(act(), 1..80)) {
        let (mut model, mut pool) = (Model::default(), pool());
        for act in acts {
            run(&mut model, &mut pool, act)?;
        }
        // In the end everything that waits can be built and decided.
        while !pool.is_empty() {
            let built = pool.build(&[]);
            prop_assert!(!built.is_empty());
            pool.decided(T, &built);
        }
    }
}
