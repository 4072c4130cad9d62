use super::*;
use quorate_core::{Height, ReplicaId, View};

const REPLICAS: usize = 4;

fn full() -> Payload {
    Payload::new(vec![1])
}

struct Chain {
    quiet: Quiet,
    view: u64,
}

impl Chain {
    fn new() -> Self {
        Self {
            quiet: Quiet::new(REPLICAS),
            view: 0,
        }
    }

    fn advance(&mut self, views: u64) {
        for _ in 0..views {
            self.view += 1;
            let status = Status {
                place: Place::new(Height(1), View(self.view)),
                leader: ReplicaId(0),
                decided: Height(0),
                waiting_for: "",
            };
            // More calls in one place change nothing.
            self.quiet.moved(&status);
            self.quiet.moved(&status);
        }
    }

    fn decide(&mut self, payloads: impl IntoIterator<Item = Payload>) {
        for payload in payloads {
            self.advance(1);
            self.quiet.decided(&payload);
        }
    }

    fn turn(&self, undecided: &[Payload]) -> EmptyTurn {
        let digests: Vec<_> = undecided.iter().map(|payload| *payload.digest()).collect();
        self.quiet.empty_turn(&digests)
    }

    fn quieten(&mut self) {
        self.decide(std::iter::repeat_n(Payload::empty(), REPLICAS + 1));
    }
}

#[test]
fn a_leader_holds_back_after_a_full_rotation_of_empty_blocks() {
    let mut chain = Chain::new();
    chain.decide(std::iter::repeat_n(Payload::empty(), REPLICAS));
    assert_eq!(chain.turn(&[]), EmptyTurn::Propose);
    chain.decide([Payload::empty()]);
    assert_eq!(chain.turn(&[]), EmptyTurn::Hold);
    chain.decide([full()]);
    assert_eq!(chain.turn(&[]), EmptyTurn::Propose);
    chain.quieten();
    assert_eq!(chain.turn(&[]), EmptyTurn::Hold);
}

#[test]
fn an_undecided_payload_is_never_left_waiting() {
    let mut chain = Chain::new();
    chain.quieten();
    assert_eq!(
        chain.turn(&[Payload::empty(), Payload::empty()]),
        EmptyTurn::Hold
    );
    assert_eq!(chain.turn(&[full(), Payload::empty()]), EmptyTurn::Propose);
}

#[test]
fn a_hint_brings_a_full_rotation() {
    let mut chain = Chain::new();
    chain.quieten();
    chain.quiet.woken();
    for _ in 0..=REPLICAS {
        assert_eq!(chain.turn(&[]), EmptyTurn::Propose);
        chain.advance(1);
    }
    assert_eq!(chain.turn(&[]), EmptyTurn::Hold);
}

#[test]
fn a_replica_with_requests_asks_once_in_a_rotation_and_only_when_it_is_quiet() {
    let mut chain = Chain::new();
    assert!(!chain.quiet.must_wake(), "the chain is busy");
    chain.quieten();
    assert!(chain.quiet.must_wake());
    for _ in 0..=REPLICAS {
        assert!(!chain.quiet.must_wake());
        chain.advance(1);
    }
    assert!(chain.quiet.must_wake());
    chain.advance(REPLICAS as u64 + 1);
    chain.quiet.woken();
    assert!(!chain.quiet.must_wake(), "another has asked");
}
