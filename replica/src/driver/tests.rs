//! What peers can make a driver do.

use super::checks::CHECKS_MAX;
use super::*;
use crate::Service;
use quorate_core::testing::{Mock, MockSignature, mock_validators};
use quorate_core::{
    ChainId, CheckpointClaim, Destination, Domain, Epoch, Fault, KeyRole, QuorumCertificate,
    ReplicaId, Rotation, Scheme, SignerSet, Statement, Verdict, View,
};
use quorate_pbft::{CommitCertificate, Pbft};
use std::sync::Arc;

type Engine = Pbft<Mock>;

const PEER: ReplicaId = ReplicaId(3);
const HONEST: ReplicaId = ReplicaId(1);

/// Replica 0 of four.
struct Fixture {
    scheme: Mock,
    domain: Domain,
    driver: Driver<Engine>,
}

impl Fixture {
    fn new() -> Self {
        let validators = mock_validators(&[1; 4]);
        let scheme = Mock::new(Arc::clone(&validators), [7; 32]);
        let setup = Setup::<Engine> {
            me: ReplicaId(0),
            chain: ChainId(1),
            epoch: Epoch(0),
            leaders: Arc::new(Rotation::by_view(&validators)),
            validators,
            scheme: scheme.clone(),
            config: Default::default(),
        };
        let domain = setup.domain();
        let (config, survived) = (DriverConfig::default(), Survived::default());
        let driver = Driver::start(setup, config, survived, Time::ZERO);
        Self {
            scheme,
            domain,
            driver,
        }
    }

    fn at(&mut self, millis: u64, event: Event<Engine>) -> Vec<Action<Engine>> {
        self.driver.handle(Time::from_millis(millis), event);
        self.driver.take_actions().collect()
    }

    fn claim(&self, height: u64) -> CheckpointClaim {
        CheckpointClaim {
            height: Height(height),
            payload: Digest([1; 32]),
            state: Digest([2; 32]),
        }
    }

    fn sign(&self, by: ReplicaId, claim: CheckpointClaim) -> MockSignature {
        let statement = claim.statement(&self.domain);
        self.scheme.sign(by, KeyRole::Voting, statement)
    }

    /// A vote that does not hold; each number gives another.
    fn forged(&self, by: ReplicaId, number: u8) -> MockSignature {
        let statement = Statement(Digest([number; 32]));
        self.scheme.sign(by, KeyRole::Voting, statement)
    }

    fn vote(
        &mut self,
        (from, direct): (ReplicaId, bool),
        vote: (ReplicaId, CheckpointClaim, MockSignature),
    ) -> Vec<Action<Engine>> {
        let received = ReceivedCheckpoint {
            from,
            direct,
            vote,
            ticket: (!direct).then_some(77),
        };
        self.at(0, Event::Checkpoint(received))
    }
}

fn checks(actions: &[Action<Engine>]) -> usize {
    let check = |action: &&Action<Engine>| matches!(action, Action::VerifyCheckpoint(..));
    actions.iter().filter(check).count()
}

fn faults(actions: &[Action<Engine>]) -> Vec<(ReplicaId, Fault)> {
    let fault = |action: &Action<Engine>| match action {
        Action::Penalize(peer, fault) => Some((*peer, *fault)),
        _ => None,
    };
    actions.iter().filter_map(fault).collect()
}

fn verdicts(actions: &[Action<Engine>]) -> Vec<Verdict> {
    let verdict = |action: &Action<Engine>| match action {
        Action::Judge(77, verdict) => Some(*verdict),
        _ => None,
    };
    actions.iter().filter_map(verdict).collect()
}

fn decision(height: u64) -> Decision<Engine> {
    let certificate = QuorumCertificate {
        signers: SignerSet::empty(4),
        aggregate: Mock::new(mock_validators(&[1; 4]), [7; 32]).aggregate(std::iter::empty()),
    };
    Decision {
        height: Height(height),
        payload: Payload::new(height.to_le_bytes()),
        proof: Arc::new(CommitCertificate {
            view: View(0),
            certificate,
        }),
    }
}

/// Whom a driver has asked for decisions, and from where on.
fn asked(actions: &[Action<Engine>]) -> Vec<(ReplicaId, Height)> {
    let question = |action: &Action<Engine>| match action {
        Action::SendService(Destination::One(peer), Service::FetchDecisions(height)) => {
            Some((*peer, *height))
        }
        _ => None,
    };
    actions.iter().filter_map(question).collect()
}

#[test]
fn forged_checkpoint_votes_cost_a_peer_its_share_and_nobody_elses() {
    let mut fixture = Fixture::new();
    let (claim, mut under_check) = (fixture.claim(64), Vec::new());
    for number in 0..200 {
        let signature = fixture.forged(PEER, number);
        let actions = fixture.vote((PEER, true), (PEER, claim, signature.clone()));
        if checks(&actions) > 0 {
            under_check.push(signature);
        }
    }
    assert_eq!(under_check.len(), CHECKS_MAX);
    assert_eq!(fixture.driver.checkpoint_checks(), CHECKS_MAX);

    let good = fixture.sign(HONEST, claim);
    let actions = fixture.vote((HONEST, true), (HONEST, claim, good));
    assert_eq!(checks(&actions), 1, "the others are served");

    let mut blamed = Vec::new();
    for signature in under_check {
        blamed.extend(faults(
            &fixture.at(0, Event::CheckpointRefused(PEER, claim, signature)),
        ));
    }
    assert_eq!(blamed, [(PEER, Fault::BadSignature)], "one fault");
    let good = fixture.sign(PEER, claim);
    let actions = fixture.vote((PEER, true), (PEER, claim, good));
    assert_eq!(checks(&actions), 0, "not before something is decided");

    // It goes on and on: more than any correct replica.
    let mut blamed = 0;
    for number in 0..2000u64 {
        let signature = fixture.forged(PEER, (number % 251) as u8);
        let actions = fixture.vote((PEER, true), (PEER, claim, signature));
        assert_eq!(checks(&actions), 0);
        let found = faults(&actions);
        assert!(found.iter().all(|found| *found == (PEER, Fault::Flood)));
        blamed += found.len();
    }
    assert!((900..1200).contains(&blamed), "{blamed} faults");
}

#[test]
fn votes_of_heights_far_ahead_are_looked_at_now_and_then() {
    let mut fixture = Fixture::new();
    let mut looked_at = 0;
    for number in 0..1000 {
        let claim = fixture.claim(64 * (100 + number));
        let signature = fixture.sign(PEER, claim);
        let actions = fixture.vote((PEER, true), (PEER, claim, signature.clone()));
        assert_eq!(faults(&actions), [], "it may really be so far ahead");
        if checks(&actions) > 0 {
            looked_at += 1;
            fixture.at(0, Event::CheckpointVerified(PEER, claim, signature));
        }
    }
    assert_eq!(looked_at, 32);
}

#[test]
fn a_checkpoint_vote_names_its_author_and_gossip_gets_a_verdict() {
    let mut fixture = Fixture::new();
    let claim = fixture.claim(64);
    let good = fixture.sign(HONEST, claim);
    let vote = || (HONEST, claim, good.clone());
    let actions = fixture.vote((PEER, true), vote());
    assert_eq!(faults(&actions), [(PEER, Fault::Stranger)]);
    assert_eq!(checks(&actions), 0);

    let actions = fixture.vote((PEER, false), vote());
    assert_eq!(checks(&actions), 1);
    assert_eq!(verdicts(&actions), [], "not before it is checked");
    let actions = fixture.at(0, Event::CheckpointVerified(HONEST, claim, good.clone()));
    assert_eq!(verdicts(&actions), [Verdict::Accept]);
    assert_eq!(
        verdicts(&fixture.vote((PEER, false), vote())),
        [Verdict::Ignore]
    );

    let forged = fixture.forged(ReplicaId(2), 9);
    let actions = fixture.vote((PEER, false), (ReplicaId(2), claim, forged.clone()));
    assert_eq!(checks(&actions), 1);
    let actions = fixture.at(0, Event::CheckpointRefused(ReplicaId(2), claim, forged));
    assert_eq!(verdicts(&actions), [Verdict::Reject]);
    assert_eq!(
        faults(&actions),
        [(PEER, Fault::BadSignature)],
        "who passed it on"
    );

    let stranger = (ReplicaId(9), claim, good.clone());
    let actions = fixture.vote((HONEST, false), stranger);
    assert_eq!(verdicts(&actions), [Verdict::Reject]);
    assert_eq!(faults(&actions), [(HONEST, Fault::Stranger)]);
}

#[test]
fn questions_are_answered_within_a_peers_share() {
    let mut fixture = Fixture::new();
    let question = |from| Event::Service(from, Service::FetchDecisions(Height(1)));
    let answers = |actions: &[Action<Engine>], peer| {
        let answer = |action: &&Action<Engine>| match action {
            Action::SendService(Destination::One(to), Service::Decisions(..)) => *to == peer,
            _ => false,
        };
        actions.iter().filter(answer).count()
    };
    let (mut answered, mut blamed) = (0, Vec::new());
    for _ in 0..3000 {
        let actions = fixture.at(0, question(PEER));
        answered += answers(&actions, PEER);
        blamed.extend(faults(&actions));
    }
    assert_eq!(answered, 256);
    assert_eq!(blamed.len(), 3000 - 256 - 1024);
    assert!(blamed.iter().all(|found| *found == (PEER, Fault::Flood)));
    assert_eq!(answers(&fixture.at(0, question(HONEST)), HONEST), 1);
    assert_eq!(answers(&fixture.at(100, question(PEER)), PEER), 1);

    // What was read for it counts as well.
    fixture.at(100, Event::Served(HONEST, 64 << 20));
    assert_eq!(answers(&fixture.at(100, question(HONEST)), HONEST), 0);
    assert_eq!(answers(&fixture.at(2000, question(HONEST)), HONEST), 1);
}

#[test]
fn only_decisions_that_a_peer_was_asked_for_are_checked() {
    let mut fixture = Fixture::new();
    let answer = |from| {
        let decisions = vec![decision(1), decision(2)];
        Event::Service(from, Service::Decisions(Height(1), decisions))
    };
    let verify = |actions: &[Action<Engine>]| {
        let verify = |action: &Action<Engine>| matches!(action, Action::VerifyDecisions(..));
        actions.iter().any(verify)
    };
    assert!(!verify(&fixture.at(0, answer(PEER))), "nobody was asked");
    fixture.driver.fetcher.want_decisions(Height(1));
    let questions = asked(&fixture.at(0, Event::Tick));
    let [(first, Height(1))] = questions[..] else {
        panic!("{questions:?}");
    };
    let others = (1..4).map(ReplicaId).filter(|id| *id != first);
    for other in others {
        assert!(
            !verify(&fixture.at(0, answer(other))),
            "{other} was not asked"
        );
    }
    let actions = fixture.at(0, answer(first));
    assert!(verify(&actions));
    assert!(!verify(&fixture.at(0, answer(first))), "once");

    // The second is bad: somebody else is asked for it.
    let bad = Event::DecisionsVerified(first, vec![decision(1)], Some(Fault::BadCertificate));
    let actions = fixture.at(0, bad);
    assert_eq!(faults(&actions), [(first, Fault::BadCertificate)]);
    let questions = asked(&actions);
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0].1, Height(2));
    assert_ne!(questions[0].0, first);
}

fn held(fixture: &Fixture, what: &str) -> usize {
    let found = fixture.driver.holdings().find(|it| it.what == what);
    found.expect("it is one of the holdings").amount
}

#[test]
fn checkpoint_votes_of_all_heights_fill_the_range_and_no_more() {
    let mut fixture = Fixture::new();
    for number in 1..100 {
        for by in (0..4).map(ReplicaId) {
            // Each has a state of its own, so that nothing becomes stable.
            let mut claim = fixture.claim(64 * number);
            claim.state = Digest([by.0 as u8; 32]);
            let signature = fixture.sign(by, claim);
            fixture.vote((by, true), (by, claim, signature.clone()));
            assert!(held(&fixture, "checkpoint votes under check") <= 4);
            fixture.at(0, Event::CheckpointVerified(by, claim, signature));
        }
    }
    assert_eq!(held(&fixture, "checkpoint votes"), 16 * 4);
}

#[test]
fn polls_stop_while_their_answers_are_checked() {
    let mut fixture = Fixture::new();
    let mut most = 0;
    for second in 1..100 {
        let actions = fixture.at(1_000 * second, Event::Tick);
        for (peer, from) in asked(&actions) {
            let answer = Service::Decisions(from, vec![decision(from.0)]);
            fixture.at(1_000 * second, Event::Service(peer, answer));
            most = most.max(held(&fixture, "answers under check"));
        }
    }
    assert_eq!(most, 3);
}

#[test]
fn no_more_is_asked_for_while_two_answers_are_checked() {
    let mut fixture = Fixture::new();
    fixture.driver.fetcher.want_decisions(Height(1));
    let mut actions = fixture.at(0, Event::Tick);
    for height in 1..=2 {
        let questions = asked(&actions);
        let [(peer, from)] = questions[..] else {
            panic!("{questions:?} at {height}");
        };
        assert_eq!(from, Height(height));
        let answer = Service::Decisions(from, vec![decision(height)]);
        actions = fixture.at(0, Event::Service(peer, answer));
    }
    assert_eq!(asked(&actions), []);
    assert_eq!(asked(&fixture.at(900, Event::Tick)), []);
    let actions = fixture.at(900, Event::DecisionsVerified(HONEST, vec![], None));
    assert_eq!(asked(&actions).len(), 1);
}

/// Payloads that peers are asked for.
fn payloads_asked(actions: &[Action<Engine>]) -> Vec<Digest> {
    let question = |action: &Action<Engine>| match action {
        Action::SendService(_, Service::FetchPayload(digest)) => Some(*digest),
        _ => None,
    };
    actions.iter().filter_map(question).collect()
}

#[test]
fn a_payload_is_wanted_until_it_is_here_or_of_no_use() {
    let mut fixture = Fixture::new();
    let (never, decided) = (Digest([9; 32]), *decision(1).payload.digest());
    for digest in [never, decided] {
        let mut everyone = SignerSet::empty(4);
        for id in (0..4).map(ReplicaId) {
            everyone.insert(id);
        }
        fixture.driver.want_payload(digest, everyone);
        fixture.driver.ask_for_payload(digest);
    }
    let mut now = 0;
    let mut asked = |fixture: &mut Fixture| {
        now += 1_000;
        let mut asked = payloads_asked(&fixture.at(now, Event::Tick));
        asked.sort();
        asked
    };
    let mut both = [never, decided];
    both.sort();
    assert_eq!(asked(&mut fixture), both);
    assert_eq!(asked(&mut fixture), both, "again, until it comes");

    // One comes with its decision, not as an answer.
    fixture.driver.commit(Time::ZERO, decision(1));
    assert_eq!(asked(&mut fixture), [never]);
    assert_eq!(held(&fixture, "payloads wanted"), 1);

    // The other lost, and nobody has it.
    for height in 2..=2_048 {
        fixture.driver.commit(Time::ZERO, decision(height));
    }
    assert_eq!(asked(&mut fixture), [never]);
    fixture.driver.commit(Time::ZERO, decision(2_049));
    assert_eq!(asked(&mut fixture), []);
    assert_eq!(held(&fixture, "payloads wanted"), 0);
    assert_eq!(held(&fixture, "payloads asked for"), 0);
}
