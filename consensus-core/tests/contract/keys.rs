//! Keys for tests that have no cluster.

use crate::toy::{Say, Toy};
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{Body, ChainId, Domain, Epoch, Protocol, ReplicaId, Signed, Verified};

/// The keys of some validators, in one domain.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) scheme: Mock,
    pub(crate) domain: Domain,
}

impl Keys {
    pub(crate) fn new(powers: &[u64]) -> Self {
        Self {
            scheme: Mock::new(mock_validators(powers), [7; 32]),
            domain: Domain {
                engine: Toy::ENGINE,
                wire: Toy::WIRE,
                chain: ChainId(0x0102_0304_0506_0708),
                epoch: Epoch(3),
            },
        }
    }

    pub(crate) fn sign(&self, by: ReplicaId, body: Say) -> Signed<Toy> {
        let signing = body.signing();
        let statement = signing.statement(&self.domain);
        let signature = self.scheme.sign(by, signing.key, statement);
        Signed {
            by,
            body,
            signature,
        }
    }

    pub(crate) fn verified(&self, by: ReplicaId, body: Say) -> Verified<Toy> {
        let signed = vec![self.sign(by, body)];
        let mut checked = Verified::check(&self.domain, &self.scheme, signed);
        checked.remove(0).expect("it is signed")
    }
}
