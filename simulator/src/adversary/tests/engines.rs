//! Contradictions are evidence, and lies carry valid certificates.

mod hotstuff;
mod pbft;
mod tendermint;

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
