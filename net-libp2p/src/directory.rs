//! Who is who: validators and their libp2p names.

use crate::NetworkError;
use libp2p::PeerId;
use libp2p::identity::{Keypair, PublicKey, ed25519};
use quorate_core::{ReplicaId, ValidatorSet};
use std::collections::BTreeMap;

/// The validators' peer ids, which are made of their identity keys.
pub(crate) struct Directory {
    me: ReplicaId,
    peers: Vec<PeerId>,
    replicas: BTreeMap<PeerId, ReplicaId>,
}

impl Directory {
    pub(crate) fn new(me: ReplicaId, validators: &ValidatorSet) -> Result<Self, NetworkError> {
        if !validators.contains(me) {
            return Err(NetworkError::NotValidator(me));
        }
        let peer = |(id, validator): (ReplicaId, &quorate_core::Validator)| {
            ed25519::PublicKey::try_from_bytes(&validator.identity)
                .map(|key| PublicKey::from(key).to_peer_id())
                .map_err(|_| NetworkError::BadIdentity(id))
        };
        let peers = validators.iter().map(peer).collect::<Result<Vec<_>, _>>()?;
        let replicas = peers.iter().copied().zip(validators.ids()).collect();
        Ok(Self {
            me,
            peers,
            replicas,
        })
    }

    /// This replica's libp2p key, if it is the one that the validator set names.
    pub(crate) fn keypair(&self, mut secret: [u8; 32]) -> Result<Keypair, NetworkError> {
        // The call erases the bytes.
        Keypair::ed25519_from_bytes(&mut secret)
            .ok()
            .filter(|key| key.public().to_peer_id() == self.peer(self.me))
            .ok_or(NetworkError::WrongIdentity(self.me))
    }

    pub(crate) fn me(&self) -> ReplicaId {
        self.me
    }

    /// How many validators there are, this replica included.
    pub(crate) fn len(&self) -> usize {
        self.peers.len()
    }

    pub(crate) fn peer(&self, replica: ReplicaId) -> PeerId {
        self.peers[replica.index()]
    }

    /// The validator with this name, if it is one and not this replica.
    pub(crate) fn replica(&self, peer: &PeerId) -> Option<ReplicaId> {
        let replica = self.replicas.get(peer).copied();
        replica.filter(|replica| *replica != self.me)
    }

    /// Whether this is a validator, and not this replica.
    pub(crate) fn is_other(&self, replica: ReplicaId) -> bool {
        replica != self.me && replica.index() < self.peers.len()
    }

    /// Every validator but this replica.
    pub(crate) fn others(&self) -> impl Iterator<Item = ReplicaId> + use<> {
        let me = self.me;
        let ids = (0..self.peers.len() as u16).map(ReplicaId);
        ids.filter(move |id| *id != me)
    }
}
