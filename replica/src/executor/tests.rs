use super::*;
use quorate_core::{ClientId, Refusal, Request};

/// Remembers everything it executes, and refuses requests that begin with a zero.
#[derive(Default)]
struct Journal {
    executed: Vec<(Height, RequestId)>,
    digest: Option<Digest>,
}

impl Application for Journal {
    fn execute(&mut self, height: Height, request: RequestRef<'_>) -> Vec<u8> {
        self.executed.push((height, request.id));
        let before = self.executed.len() as u64;
        before.to_le_bytes().to_vec()
    }

    fn check(&self, request: RequestRef<'_>) -> Result<(), Refusal> {
        match request.body.first() {
            Some(0) => Err(Refusal("it begins with a zero".into())),
            _ => Ok(()),
        }
    }

    fn digest(&self) -> Option<Digest> {
        self.digest.map(|_| {
            Digest::builder("test journal")
                .bytes(&self.snapshot().unwrap())
                .finish()
        })
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        let ids = self.executed.iter();
        Some(
            ids.flat_map(|(height, id)| borsh::to_vec(&(height, id)).unwrap())
                .collect(),
        )
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Refusal> {
        self.executed.clear();
        let mut rest = snapshot;
        while !rest.is_empty() {
            let entry =
                BorshDeserialize::deserialize(&mut rest).map_err(|_| Refusal("no".into()))?;
            self.executed.push(entry);
        }
        Ok(())
    }
}

fn with_digest() -> Journal {
    Journal {
        digest: Some(Digest::ZERO),
        ..Journal::default()
    }
}

fn id(client: u128, sequence: u64) -> RequestId {
    RequestId {
        client: ClientId(client),
        sequence,
    }
}

fn batch(ids: &[(u128, u64)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (client, sequence) in ids {
        let id = id(*client, *sequence);
        RequestRef { id, body: b"body" }.append_to(&mut bytes);
    }
    bytes
}

fn payload(ids: &[(u128, u64)]) -> Payload {
    Payload::new(batch(ids))
}

fn executor(application: Journal) -> Executor<Journal> {
    Executor::new(application, ReplyLimits::default(), 4)
}

fn executed(executor: &Executor<Journal>) -> Vec<RequestId> {
    let application = executor.application();
    let journal = application.read().unwrap();
    journal.executed.iter().map(|(_, id)| *id).collect()
}

#[test]
fn a_request_is_executed_once_and_answered_every_time() {
    let mut executor = executor(Journal::default());
    let first = executor.execute(Height(1), &payload(&[(1, 1), (1, 2), (1, 1)]));
    let reply = |n: u64| Bytes::from(n.to_le_bytes().to_vec());
    assert_eq!(
        first.replies,
        [
            (id(1, 1), Outcome::Executed(reply(1))),
            (id(1, 2), Outcome::Executed(reply(2))),
            (id(1, 1), Outcome::Repeated(Some(reply(1)))),
        ]
    );
    let second = executor.execute(Height(2), &payload(&[(1, 2), (2, 1)]));
    assert_eq!(second.replies[0].1.clone().reply(), Some(reply(2)));
    assert_eq!(second.replies[1].1, Outcome::Executed(reply(3)));
    assert_eq!(executed(&executor), [id(1, 1), id(1, 2), id(2, 1)]);
    assert_eq!(
        executor.replies().status(id(2, 1)),
        RequestStatus::Executed(Some(reply(3)))
    );
}

#[test]
fn a_request_beyond_the_window_is_answered_and_not_executed() {
    let mut executor = executor(Journal::default());
    let result = executor.execute(Height(1), &payload(&[(1, 1025), (1, 1024)]));
    assert_eq!(result.replies[0].1, Outcome::BeyondWindow { end: 1024 });
    assert!(matches!(result.replies[1].1, Outcome::Executed(_)));
    assert_eq!(executed(&executor), [id(1, 1024)]);
}

#[test]
fn a_malformed_rest_is_ignored_by_everyone_alike() {
    let mut bytes = batch(&[(1, 1), (1, 2)]);
    bytes.extend_from_slice(b"not a request");
    let cut = Payload::new(bytes);
    let (mut one, mut two) = (executor(Journal::default()), executor(Journal::default()));
    assert_eq!(one.execute(Height(1), &cut).replies.len(), 2);
    two.execute(Height(1), &cut);
    assert_eq!(one.state_digest(), two.state_digest());
}

#[test]
fn states_are_digested_at_checkpoints_only() {
    let mut executor = executor(Journal::default());
    for height in 1..=9 {
        let result = executor.execute(Height(height), &payload(&[(1, height)]));
        assert_eq!(result.state.is_some(), height % 4 == 0);
        if let Some(state) = result.state {
            assert_eq!(state, executor.state_digest());
        }
    }
}

#[test]
#[should_panic(expected = "decisions come in order")]
fn a_gap_between_decisions_is_a_bug() {
    executor(Journal::default()).execute(Height(2), &Payload::empty());
}

#[test]
fn the_state_digest_tells_replies_histories_and_heights_apart() {
    /// Replies with what it was made with.
    struct Fixed(&'static [u8]);
    impl Application for Fixed {
        fn execute(&mut self, _: Height, _: RequestRef<'_>) -> Vec<u8> {
            self.0.to_vec()
        }
    }
    let run = |reply, blocks: &[&[(u128, u64)]]| {
        let limits = ReplyLimits {
            replies: 0,
            ..ReplyLimits::default()
        };
        let mut executor = Executor::new(Fixed(reply), limits, 1);
        for (height, block) in (1..).zip(blocks) {
            executor.execute(Height(height), &payload(block));
        }
        executor.state_digest()
    };
    let base = run(b"a", &[&[(1, 1), (2, 1)]]);
    assert_eq!(base, run(b"a", &[&[(1, 1), (2, 1)]]));
    assert_ne!(
        base,
        run(b"b", &[&[(1, 1), (2, 1)]]),
        "another reply, not even kept"
    );
    assert_ne!(base, run(b"a", &[&[(2, 1), (1, 1)]]), "another order");
    assert_ne!(base, run(b"a", &[&[(1, 1)], &[(2, 1)]]), "other blocks");
    assert_ne!(base, run(b"a", &[&[(1, 1), (2, 1)], &[]]), "another height");
}

#[test]
fn a_snapshot_that_the_quorum_signed_is_restored() {
    let mut one = executor(with_digest());
    for height in 1..=3 {
        one.execute(Height(height), &payload(&[(1, height), (2, height)]));
    }
    let state = one.execute(Height(4), &payload(&[(3, 7)])).state.unwrap();
    let signed = CheckpointClaim {
        height: Height(4),
        payload: Digest::ZERO,
        state,
    };
    let bytes = one.snapshot().unwrap();
    let mut two = executor(with_digest());
    two.restore(&bytes, &signed).unwrap();
    assert_eq!(two.height(), Height(4));
    // From there on both go the same way, duplicates included.
    for (height, block) in [(5, [(1, 1), (3, 8)]), (6, [(3, 7), (2, 4)])] {
        let block = payload(&block);
        assert_eq!(
            two.execute(Height(height), &block),
            one.execute(Height(height), &block)
        );
    }
    assert_eq!(executed(&one), executed(&two));
}

#[test]
fn a_snapshot_that_nobody_signed_is_refused() {
    let mut one = executor(with_digest());
    for height in 1..=4 {
        one.execute(Height(height), &payload(&[(1, height)]));
    }
    let bytes = one.snapshot().unwrap();
    let signed = |height, state| CheckpointClaim {
        height,
        payload: Digest::ZERO,
        state,
    };
    let right = signed(Height(4), one.state_digest());
    let mut two = executor(with_digest());
    let wrong = signed(Height(4), Digest::ZERO);
    assert!(matches!(
        two.restore(&bytes, &wrong),
        Err(RestoreError::WrongState { .. })
    ));
    assert_eq!(two.height(), Height::GENESIS);
    assert_eq!(two.replies().status(id(1, 1)), RequestStatus::Fresh);
    let higher = signed(Height(8), right.state);
    assert!(matches!(
        two.restore(&bytes, &higher),
        Err(RestoreError::Height { .. })
    ));
    assert_eq!(
        two.restore(&bytes[1..], &right),
        Err(RestoreError::Malformed)
    );
    two.restore(&bytes, &right).unwrap();
    assert!(matches!(
        two.restore(&bytes, &right),
        Err(RestoreError::Height { .. })
    ));
    let mut unproved = executor(Journal::default());
    assert_eq!(
        unproved.restore(&bytes, &right),
        Err(RestoreError::Unproved)
    );
}

#[test]
fn payloads_are_checked_by_form_and_by_the_application() {
    let limits = crate::MempoolLimits {
        request_bytes: 64,
        batch_bytes: 128,
        batch_requests: 3,
        ..crate::MempoolLimits::default()
    };
    let check = executor(Journal::default()).payload_check(limits);
    assert_eq!(check.check(&Payload::empty()), Ok(()));
    assert_eq!(check.check(&payload(&[(1, 1), (1, 2), (2, 1)])), Ok(()));
    let many = check.check(&payload(&[(1, 1), (1, 2), (2, 1), (2, 2)]));
    assert_eq!(many, Err(PayloadRefusal::TooMany(3)));
    let twice = check.check(&payload(&[(1, 1), (1, 1)]));
    assert_eq!(twice, Err(PayloadRefusal::Repeated));
    let mut cut = batch(&[(1, 1)]);
    cut.push(0);
    let cut = check.check(&Payload::new(cut));
    assert!(matches!(cut, Err(PayloadRefusal::Malformed(_))));
    let one = |len: usize, first: u8| {
        let mut bytes = Vec::new();
        let body = &vec![first; len];
        RequestRef { id: id(1, 1), body }.append_to(&mut bytes);
        check.check(&Payload::new(bytes))
    };
    assert_eq!(one(36, 1), Ok(()));
    assert_eq!(one(37, 1), Err(PayloadRefusal::RequestTooLong(65)));
    assert_eq!(one(128, 1), Err(PayloadRefusal::TooLong(156)));
    assert!(matches!(one(36, 0), Err(PayloadRefusal::Application(_))));
    let request = Request {
        id: id(1, 1),
        body: vec![0],
    };
    let asked = RequestRef {
        id: request.id,
        body: &request.body,
    };
    assert!(check.check_request(asked).is_err());
}

mod properties {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Whatever is decided, however often: each request once, in the order of its first
        /// decision within the window; and two replicas agree on everything.
        #[test]
        fn exactly_once_and_deterministic(
            blocks in prop::collection::vec(
                prop::collection::vec((0u128..4, 1u64..12), 0..8),
                1..20,
            )
        ) {
            let (mut one, mut two) = (executor(Journal::default()), executor(Journal::default()));
            let mut seen = BTreeSet::new();
            let mut expected = Vec::new();
            for (height, block) in (1..).zip(&blocks) {
                let block_payload = payload(block);
                let result = one.execute(Height(height), &block_payload);
                prop_assert_eq!(&result, &two.execute(Height(height), &block_payload));
                for ((client, sequence), (named, outcome)) in block.iter().zip(&result.replies) {
                    let id = id(*client, *sequence);
                    prop_assert_eq!(*named, id);
                    let new = seen.insert(id);
                    prop_assert_eq!(matches!(outcome, Outcome::Executed(_)), new);
                    expected.extend(new.then_some(id));
                }
            }
            prop_assert_eq!(executed(&one), expected);
            prop_assert_eq!(one.state_digest(), two.state_digest());
        }
    }
}
