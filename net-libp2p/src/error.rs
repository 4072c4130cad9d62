//! What can go wrong when a transport is started.

use quorate_core::ReplicaId;
use std::io;
use std::net::SocketAddr;

/// Why a transport cannot start, or cannot do what it was asked.
///
/// What goes wrong later, with a peer, is no error: it is retried, counted and logged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A field of the configuration makes no sense.
    #[error("network configuration: {field} {problem}")]
    Config {
        /// Which field.
        field: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// This replica is no validator.
    #[error("replica {0} is not in the validator set, so nobody would talk to it")]
    NotValidator(ReplicaId),
    /// The identity key belongs to somebody else.
    #[error(
        "the identity key is not that of validator {0}: use the key file of this replica, or \
         correct its index"
    )]
    WrongIdentity(ReplicaId),
    /// A validator's identity is no ed25519 public key.
    #[error("the identity of validator {0} is no ed25519 public key: correct the validator set")]
    BadIdentity(ReplicaId),
    /// An address was given for a replica that is no validator.
    #[error("{address} is given for replica {replica}, which is not in the validator set")]
    UnknownPeer {
        /// Which replica.
        replica: ReplicaId,
        /// Its supposed address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; is another process using the port?")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// libp2p refuses its configuration: a bug of this crate.
    #[error("libp2p refuses its configuration: {0}")]
    Setup(String),
    /// The transport has been shut down.
    #[error("the transport has been shut down")]
    Closed,
}
