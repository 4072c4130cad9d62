//! Contradictions are evidence, and lies carry valid certificates.

use crate::SimulatedScheme;
use crate::adversary::Deceit;
use quorate_core::testing::{Mock, Random};
use quorate_core::{
    Body as _, ChainId, Digest, Domain, Epoch, Evidence, Height, Payload, QuorumCertificate,
    ReplicaId, Request, RequestId, RequestRef, Scheme, Signed, SignerSet, Signing, Verified, View,
};

const ME: ReplicaId = ReplicaId(3);
const WINDOW: u64 = 64;

/// Four replicas of an engine, and what the last of them remembers.
struct Bench<P: Deceit<Scheme = Mock>> {
    scheme: Mock,
    domain: Domain,
    memory: P::Memory,
    random: Random,
}

impl<P: Deceit<Scheme = Mock>> Bench<P> {
    fn new() -> Self {
        let scheme = Mock::keys(1, &[1; 4]).scheme;
        Self {
            memory: P::memory(&scheme),
            scheme,
            domain: Domain {
                engine: P::ENGINE,
                wire: P::WIRE,
                chain: ChainId(1),
                epoch: Epoch(0),
            },
            random: Random::new(5),
        }
    }

    fn sign(&self, by: u16, body: P::Body) -> Signed<P> {
        let (by, signing) = (ReplicaId(by), body.signing());
        let statement = signing.statement(&self.domain);
        let signature = self.scheme.sign(by, signing.key, statement);
        Signed {
            by,
            body,
            signature,
        }
    }

    /// The message, if all its signatures and certificates hold.
    fn check(&self, signed: Signed<P>) -> Option<Verified<P>> {
        let mut checked = Verified::check(&self.domain, &self.scheme, vec![signed]);
        checked.remove(0).ok()
    }

    fn learn(&mut self, by: u16, body: P::Body) {
        let message = self.check(self.sign(by, body));
        P::learn(
            &mut self.memory,
            &message.expect("what is learned is valid"),
        );
    }

    /// A quorum's certificate for what a body signs.
    fn certify(&self, signing: Signing) -> QuorumCertificate<Mock> {
        let statement = signing.statement(&self.domain);
        let mut signers = SignerSet::empty(4);
        let by: Vec<_> = (0..3).map(ReplicaId).collect();
        by.iter().for_each(|by| {
            signers.insert(*by);
        });
        let signatures = by
            .iter()
            .map(|by| self.scheme.sign(*by, signing.key, statement));
        let signatures: Vec<_> = signatures.collect();
        let aggregate = self.scheme.aggregate(by.into_iter().zip(&signatures));
        QuorumCertificate { signers, aggregate }
    }

    /// Contradicts a body many times: always in its slot, always otherwise, always provable.
    fn contradicts(&mut self, body: &P::Body) {
        let mut said = 0;
        for _ in 0..40 {
            let Some(other) = P::contradict(body, &self.memory, &mut self.random) else {
                continue;
            };
            said += 1;
            let evidence = Evidence {
                first: self.sign(ME.0, body.clone()),
                second: self.sign(ME.0, other),
            };
            assert_eq!(
                evidence.check(&self.domain, &self.scheme),
                Ok(ME),
                "{evidence:?}"
            );
            let valid = self.check(evidence.second.clone());
            assert!(valid.is_some(), "it is not taken: {:?}", evidence.second);
        }
        assert!(said > 0, "nothing contradicts {body:?}");
    }

    /// All lies about a body, as others check them.
    fn lies(&mut self, body: &P::Body) -> Vec<P::Body> {
        let lies = (0..80).flat_map(|_| P::lie(body, ME, &self.memory, &mut self.random));
        let lies: Vec<_> = lies.collect();
        for lie in &lies {
            let valid = self.check(self.sign(ME.0, lie.clone()));
            assert!(valid.is_some(), "a certificate in {lie:?} does not hold");
        }
        lies
    }
}

fn payload(sequence: u64) -> Payload {
    let request = Request {
        id: RequestId {
            client: quorate_core::ClientId(1),
            sequence,
        },
        body: vec![7; 9],
    };
    let mut batch = Vec::new();
    RequestRef {
        id: request.id,
        body: &request.body,
    }
    .append_to(&mut batch);
    Payload::new(batch)
}

mod pbft {
    use super::*;
    use quorate_pbft::{
        Body, NewView, Pbft, PrePrepare, PreparedCertificate, SignedViewChange, ViewChange, Vote,
    };

    type P = Pbft<Mock>;

    fn vote(height: u64) -> Vote {
        Vote {
            view: View(1),
            height: Height(height),
            digest: *payload(height).digest(),
        }
    }

    fn prepared(bench: &Bench<P>, height: u64) -> PreparedCertificate<Mock> {
        let vote = vote(height);
        PreparedCertificate {
            height: vote.height,
            view: vote.view,
            digest: vote.digest,
            certificate: bench.certify(Body::<Mock>::Prepare(vote).signing()),
        }
    }

    fn view_change(bench: &Bench<P>, heights: u64) -> ViewChange<Mock> {
        ViewChange {
            view: View(2),
            stable: None,
            prepared: (1..=heights)
                .map(|height| prepared(bench, height))
                .collect(),
        }
    }

    fn new_view(bench: &mut Bench<P>) -> NewView<Mock> {
        let mut view_changes = Vec::new();
        for by in 0..4 {
            let view_change = view_change(bench, u64::from(by));
            let body = Body::ViewChange(view_change.clone());
            let signature = bench.sign(by, body.clone()).signature;
            bench.learn(by, body);
            view_changes.push(SignedViewChange {
                by: ReplicaId(by),
                view_change,
                signature,
            });
        }
        view_changes.remove(0);
        NewView {
            view: View(2),
            view_changes,
        }
    }

    #[test]
    fn contradictions_convict() {
        let mut bench = Bench::<P>::new();
        let proposal = Body::PrePrepare(PrePrepare {
            view: View(1),
            height: Height(1),
            payload: payload(1),
        });
        bench.contradicts(&proposal);
        bench.contradicts(&Body::Prepare(vote(1)));
        bench.contradicts(&Body::Commit(vote(1)));
        let view_change = view_change(&bench, 3);
        bench.contradicts(&Body::ViewChange(view_change));
        let new_view = new_view(&mut bench);
        bench.contradicts(&Body::NewView(new_view));
    }

    #[test]
    fn a_rival_is_what_was_really_proposed() {
        let mut bench = Bench::<P>::new();
        for sequence in 1..3 {
            let payload = payload(sequence);
            let (view, height) = (View(1), Height(1));
            bench.learn(
                0,
                Body::PrePrepare(PrePrepare {
                    view,
                    height,
                    payload,
                }),
            );
        }
        let other = P::contradict(&Body::Commit(vote(1)), &bench.memory, &mut bench.random);
        let other = other.expect("a rival is known");
        assert_eq!(other.signing().digest, *payload(2).digest());
    }

    #[test]
    fn view_changes_omit_and_are_well_formed() {
        let mut bench = Bench::<P>::new();
        let honest = view_change(&bench, 3);
        let lies = bench.lies(&Body::ViewChange(honest));
        assert!(!lies.is_empty());
        for lie in lies {
            let Body::ViewChange(lie) = lie else {
                panic!("another kind");
            };
            assert_eq!(lie.check(WINDOW), Ok(()));
            assert!(lie.prepared.len() < 3);
        }
    }

    #[test]
    fn prepared_certificates_are_backdated() {
        let mut bench = Bench::<P>::new();
        // In view 0 a quorum has prepared something else: prepares are heard one by one.
        let older = Vote {
            view: View::ZERO,
            ..vote(9)
        };
        let older = Vote {
            height: Height(1),
            ..older
        };
        (0..3).for_each(|by| bench.learn(by, Body::Prepare(older)));
        let honest = view_change(&bench, 1);
        let lies = bench.lies(&Body::ViewChange(honest)).into_iter();
        let backdated = |lie| matches!(lie, Body::ViewChange(it) if it.prepared.first().is_some_and(|it| it.view == View::ZERO));
        assert!(lies.into_iter().any(backdated));
    }

    #[test]
    fn new_views_choose_what_proposes_least() {
        let mut bench = Bench::<P>::new();
        let honest = new_view(&mut bench);
        let validators = bench.scheme.validators().clone();
        let height = |it: &NewView<Mock>| {
            let plan = quorate_pbft::compute(it.view_changes.iter().map(|it| &it.view_change));
            plan.max_s
        };
        assert_eq!(height(&honest), Height(3));
        let lies = bench.lies(&Body::NewView(honest)).into_iter();
        let (mut valid, mut invalid) = (0, 0);
        for lie in lies {
            let Body::NewView(lie) = lie else {
                panic!("another kind");
            };
            match lie.check(&validators, WINDOW) {
                Ok(()) => {
                    valid += 1;
                    assert!(height(&lie) <= Height(3));
                }
                Err(_) => invalid += 1,
            }
            if height(&lie) == Height(2) {
                valid += 100;
            }
        }
        assert!(valid > 100 && invalid > 0);
    }

    #[test]
    fn commits_come_with_the_prepare() {
        let mut bench = Bench::<P>::new();
        let lies = bench.lies(&Body::Prepare(vote(1)));
        assert!(matches!(lies[..2], [Body::Prepare(_), Body::Commit(_)]));
    }
}

mod hotstuff {
    use super::*;
    use quorate_hotstuff::{
        Advance, Block, Body, Certificate, FullBlock, HotStuff, Proposal, Timeout, TwoChain, Vote,
    };

    type P = HotStuff<Mock, TwoChain>;

    const GENESIS: Digest = Digest([4; 32]);

    /// The certificate of a block in this view, at the height of the same number.
    fn certificate(bench: &Bench<P>, view: u64) -> Certificate<Mock> {
        let block = Digest::builder("block").number(view).finish();
        let vote = Vote {
            view: View(view),
            height: Height(view),
            block,
            commits: None,
        };
        Certificate {
            vote,
            proof: Some(bench.certify(vote.signing())),
        }
    }

    fn proposal(justify: Certificate<Mock>, view: u64) -> Proposal<Mock> {
        let payload = payload(view);
        Proposal {
            full: FullBlock {
                block: Block::extending(justify, View(view), *payload.digest()),
                payload,
            },
            timeout: None,
        }
    }

    fn timeout(bench: &Bench<P>, high_qc: u64) -> Body<Mock> {
        Body::Timeout(Timeout {
            view: View(6),
            high_qc: certificate(bench, high_qc),
            vote: None,
        })
    }

    #[test]
    fn contradictions_convict() {
        let mut bench = Bench::<P>::new();
        let proposal = proposal(certificate(&bench, 5), 6);
        bench.contradicts(&Body::Proposal(proposal));
        let vote = certificate(&bench, 5).vote;
        bench.contradicts(&Body::Vote(vote));
    }

    #[test]
    fn stale_proposals_have_timeouts_that_justify_them() {
        let mut bench = Bench::<P>::new();
        // Only one has the certificate of view 5, and is left out.
        for (by, high_qc) in [(0, 5), (1, 4), (2, 4), (3, 3)] {
            let timeout = timeout(&bench, high_qc);
            bench.learn(by, timeout);
        }
        let validators = bench.scheme.validators().clone();
        let honest = proposal(certificate(&bench, 5), 7);
        let lies = bench.lies(&Body::Proposal(honest));
        assert!(!lies.is_empty());
        for lie in lies {
            let Body::Proposal(lie) = lie else {
                panic!("another kind");
            };
            assert_eq!(lie.full.check(&GENESIS), Ok(()));
            let given_up = lie.timeout.expect("it shows how the view began");
            assert_eq!(given_up.check(&validators), Ok(()));
            assert_eq!((given_up.view, given_up.highest()), (View(6), View(4)));
            assert_eq!(lie.full.block.header.parent_view, View(4));
        }
    }

    #[test]
    fn timeouts_and_advances_name_old_certificates() {
        let mut bench = Bench::<P>::new();
        for view in 1..6 {
            let high_qc = certificate(&bench, view);
            let timeout = None;
            bench.learn(0, Body::Advance(Advance { high_qc, timeout }));
        }
        let honest = timeout(&bench, 5);
        for lie in bench.lies(&honest) {
            let Body::Timeout(lie) = lie else {
                panic!("another kind");
            };
            assert_eq!(lie.check(ME, &GENESIS), Ok(()));
            assert!(lie.high_qc.view() < View(5));
        }
        let high_qc = certificate(&bench, 5);
        let timeout = None;
        let lies = bench.lies(&Body::Advance(Advance { high_qc, timeout }));
        let old =
            |lie: &Body<Mock>| matches!(lie, Body::Advance(it) if it.high_qc.view() < View(5));
        assert!(!lies.is_empty() && lies.iter().all(old));
    }
}

mod tendermint {
    use super::*;
    use quorate_tendermint::{Body, Proposal, Tendermint, Value, Vote};

    type P = Tendermint<Mock>;

    fn vote(round: u64, sequence: u64) -> Vote {
        Vote {
            height: Height(4),
            round: View(round),
            value: Value::of(*payload(sequence).digest()),
        }
    }

    fn proposal(round: u64, sequence: u64) -> Proposal<Mock> {
        Proposal {
            height: Height(4),
            round: View(round),
            payload: payload(sequence),
            polka: None,
        }
    }

    #[test]
    fn contradictions_convict() {
        let mut bench = Bench::<P>::new();
        bench.contradicts(&Body::Proposal(proposal(0, 1)));
        bench.contradicts(&Body::Prevote(vote(0, 1)));
        bench.contradicts(&Body::Precommit(vote(0, 1)));
        let nil = Vote {
            value: Value::NIL,
            ..vote(0, 1)
        };
        bench.contradicts(&Body::Precommit(nil));
    }

    #[test]
    fn old_values_are_proposed_with_their_old_polkas() {
        let mut bench = Bench::<P>::new();
        for (round, sequence) in [(0, 1), (2, 2)] {
            bench.learn(0, Body::Proposal(proposal(round, sequence)));
            (0..3).for_each(|by| bench.learn(by, Body::Prevote(vote(round, sequence))));
        }
        let lies = bench.lies(&Body::Proposal(proposal(3, 9)));
        let rounds = lies.iter().map(|lie| match lie {
            Body::Proposal(lie) => {
                let sequence = lie
                    .valid_round()
                    .map(|round| if round == View(0) { 1 } else { 2 });
                sequence.inspect(|it| assert_eq!(lie.payload, payload(*it)));
                lie.valid_round()
            }
            other => panic!("another kind: {other:?}"),
        });
        let rounds: std::collections::BTreeSet<_> = rounds.collect();
        assert!(rounds.contains(&Some(View(0))) && rounds.contains(&Some(View(2))));
    }

    #[test]
    fn the_valid_value_gives_way_to_a_new_one() {
        let mut bench = Bench::<P>::new();
        bench.learn(0, Body::Proposal(proposal(0, 1)));
        (0..3).for_each(|by| bench.learn(by, Body::Prevote(vote(0, 1))));
        let lies = bench.lies(&Body::Proposal(proposal(1, 8)));
        let Some(Body::Proposal(honest)) = lies.into_iter().next() else {
            panic!("the polka of round 0 is known");
        };
        assert_eq!(honest.valid_round(), Some(View(0)));
        let lies = bench.lies(&Body::Proposal(honest));
        let new = |lie: &Body<Mock>| matches!(lie, Body::Proposal(it) if it.polka.is_none() && it.payload != payload(1));
        assert!(!lies.is_empty() && lies.iter().all(new));
    }

    #[test]
    fn precommits_hide_the_polka() {
        let mut bench = Bench::<P>::new();
        let lies = bench.lies(&Body::Precommit(vote(0, 1)));
        let nil = |lie: &Body<Mock>| matches!(lie, Body::Precommit(it) if it.value == Value::NIL);
        assert!(lies.iter().any(nil));
    }
}
