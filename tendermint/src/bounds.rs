//! What peers can make a replica keep.

use crate::rules::PAST_ROUNDS;
use crate::waiting::ROUNDS_PER_SENDER;
use crate::{Body, Certificate, Config, Phase, Proposal, Tendermint, Value, Vote};
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Epoch, Height, Input, KeyRole, Outbox, Payload, Protocol,
    QuorumCertificate, Recovered, ReplicaId, Rotation, Scheme, Seq, Setup, Signed, SignerSet, Time,
    Verified, View,
};
use std::sync::Arc;

const VALIDATORS: usize = 4;

struct Flooded {
    engine: Tendermint<Mock>,
    out: Outbox<Tendermint<Mock>>,
    setup: Setup<Tendermint<Mock>>,
}

impl Flooded {
    fn new() -> Self {
        let validators = mock_validators(&[1; VALIDATORS]);
        let setup = Setup {
            me: ReplicaId(0),
            chain: ChainId(1),
            epoch: Epoch(0),
            leaders: Arc::new(Rotation::by_height(&validators)),
            scheme: Mock::new(Arc::clone(&validators), [1; 32]),
            validators,
            config: Config::default(),
        };
        let mut out = Outbox::new(Seq::NONE);
        let engine = Tendermint::start(setup.clone(), Recovered::default(), Time::ZERO, &mut out);
        Self { engine, out, setup }
    }

    /// Steps with a message whatever triage says of it.
    fn hear(&mut self, by: u16, body: Body<Mock>) {
        let (by, signing) = (ReplicaId(by), body.signing());
        let domain = self.setup.domain();
        let statement = signing.statement(&domain);
        let signature = self.setup.scheme.sign(by, signing.key, statement);
        let signed = Signed {
            by,
            body,
            signature,
        };
        let mut checked = Verified::check(&domain, &self.setup.scheme, vec![signed]);
        let message = checked.remove(0).expect("the test signs what holds");
        self.engine
            .step(Time::ZERO, Input::Message(message), &mut self.out);
        drop(self.out.drain());
    }

    /// A certificate that three replicas have said this.
    fn certificate(&self, body: &Body<Mock>) -> QuorumCertificate<Mock> {
        let statement = body.signing().statement(&self.setup.domain());
        let scheme = &self.setup.scheme;
        let sign = |id: u16| {
            let id = ReplicaId(id);
            (id, scheme.sign(id, KeyRole::Voting, statement))
        };
        let parts: Vec<_> = (1..4).map(sign).collect();
        let mut signers = SignerSet::empty(VALIDATORS);
        for (id, _) in &parts {
            signers.insert(*id);
        }
        let parts = parts.iter().map(|(id, signature)| (*id, signature));
        let aggregate = scheme.aggregate(parts);
        QuorumCertificate { signers, aggregate }
    }

    fn held(&self, what: &str) -> usize {
        let holdings = self.engine.holdings();
        let found = holdings.iter().find(|it| it.what == what);
        found.expect("it is one of the holdings").amount
    }

    fn assert_bounded(&self) {
        let rounds = PAST_ROUNDS as usize + 2;
        let kept_early = ROUNDS_PER_SENDER * 3;
        for (what, most) in [
            ("rounds", rounds),
            ("votes", 2 * VALIDATORS * rounds),
            ("early messages of one sender", kept_early),
            ("messages of one sender for the next height", kept_early),
            ("payloads", 10),
            ("replicas ahead or accused", 2 * VALIDATORS),
        ] {
            let held = self.held(what);
            assert!(held <= most, "{held} {what}, and not {most}");
        }
    }
}

fn vote(height: u64, round: u64) -> Vote {
    Vote {
        height: Height(height),
        round: View(round),
        value: Value::of(*Payload::new(round.to_le_bytes()).digest()),
    }
}

#[test]
fn a_flood_of_one_replica_is_not_kept() {
    let mut flooded = Flooded::new();
    for round in 0..2_000 {
        for height in [1, 2, 3, 1000 + round] {
            flooded.hear(3, Body::Prevote(vote(height, round)));
            flooded.hear(3, Body::Precommit(vote(height, round)));
            let leader = (height + round) % VALIDATORS as u64;
            if leader == 3 {
                let payload = Payload::new((height * round).to_le_bytes());
                for payload in [payload, Payload::empty(), Payload::new([9; 9])] {
                    flooded.hear(
                        3,
                        Body::Proposal(Proposal {
                            height: Height(height),
                            round: View(round),
                            payload,
                            polka: None,
                        }),
                    );
                }
            }
        }
        flooded.assert_bounded();
    }
    assert_eq!(flooded.engine.round, View::ZERO);
    assert_eq!(flooded.held("early messages of one sender"), 2 * 2);
    assert_eq!(
        flooded.held("messages of one sender for the next height"),
        2 * 2 + 1
    );
    assert_eq!(flooded.held("replicas ahead or accused"), 2);
}

#[test]
fn polkas_of_round_after_round_leave_one_payload() {
    let mut flooded = Flooded::new();
    let last = 100;
    for by in 1..4 {
        flooded.hear(
            by,
            Body::Precommit(Vote {
                value: Value::NIL,
                ..vote(1, last)
            }),
        );
    }
    assert_eq!(flooded.engine.round, View(last));
    for round in 1..last {
        let shown = vote(1, round);
        let certificate = flooded.certificate(&Body::Prevote(shown));
        let phase = Phase::Prevote;
        flooded.hear(
            1,
            Body::Certificate(Certificate {
                phase,
                vote: shown,
                certificate,
            }),
        );
        flooded.assert_bounded();
        let payload = Payload::new(round.to_le_bytes());
        flooded
            .engine
            .step(Time::ZERO, Input::Payload(payload), &mut flooded.out);
    }
    assert_eq!(flooded.held("payloads"), 1);
    assert_eq!(flooded.engine.promises.valid_round(), Some(View(last - 1)));
}

#[test]
fn rounds_that_fail_one_after_the_other_are_forgotten() {
    let mut flooded = Flooded::new();
    for round in 0..300 {
        let leader = ((1 + round) % VALIDATORS as u64) as u16;
        for payload in [Payload::new(round.to_le_bytes()), Payload::new([7; 7])] {
            let body = Body::Proposal(Proposal {
                height: Height(1),
                round: View(round),
                payload,
                polka: None,
            });
            flooded.hear(leader, body);
        }
        for by in 1..4 {
            // Three different values: no quorum for any.
            let split = Vote {
                round: View(round),
                ..vote(1, u64::from(by))
            };
            flooded.hear(by, Body::Prevote(split));
            flooded.hear(by, Body::Precommit(split));
        }
        flooded.assert_bounded();
    }
    assert!(flooded.engine.round > View(290));
}
