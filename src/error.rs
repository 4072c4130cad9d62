//! Why a replica cannot be started as it was asked for.

use crate::{Engine, SchemeKind};
use quorate_core::{StorageError, ValidatorSetError};
use quorate_crypto::KeyError;
use quorate_net_libp2p::NetworkError;
use quorate_replica::StartError;
use std::path::PathBuf;

/// Why a replica or a cluster does not start. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Several engines are compiled in, or none, and none was named.
    #[error(
        "choose an engine with `.engine(...)`: this build has {}",
        if Engine::compiled().is_empty() {
            "none; enable the feature `pbft`, `hotstuff` or `tendermint`".to_owned()
        } else {
            Engine::compiled().iter().map(|engine| engine.name()).collect::<Vec<_>>().join(", ")
        }
    )]
    ChooseEngine,
    /// The engine was named, but its feature is off.
    #[error("this build has no {0}; enable its feature of the crate `quorate`")]
    NotCompiled(Engine),
    /// No keys were given.
    #[error("give the replica its keys with `.keys(...)`; `ReplicaKeys::load` reads a key file")]
    NoKeys,
    /// No members were given.
    #[error("give the cluster's members with `.members(...)`")]
    NoMembers,
    /// No directory was given.
    #[error(
        "give the replica a directory with `.directory(...)`; a replica without one forgets what \
         it promised, so `.in_memory()` is for tests"
    )]
    NoDirectory,
    /// The keys belong to nobody among the members.
    #[error("the replica's identity key is not that of any member")]
    NotAMember,
    /// The address of a member cannot be used.
    #[error("member {member} has the address {address:?}, which is no `host:port`: {what}")]
    Address {
        /// Index of the member.
        member: u16,
        /// Its address.
        address: String,
        /// What is wrong with it.
        what: String,
    },
    /// The scheme needs voting keys that the members lack, or the keys are bad.
    #[error("the members' keys do not suit the scheme {scheme}: {source}")]
    Keys {
        /// The scheme.
        scheme: SchemeKind,
        /// What is wrong.
        source: KeyError,
    },
    /// The members make no validator set.
    #[error(transparent)]
    Members(#[from] ValidatorSetError),
    /// A timeout is zero.
    #[error("a timeout of zero leaves no time to agree; use at least a millisecond")]
    NoTime,
    /// The network cannot be started.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The replicas of a local cluster have not connected to each other in time.
    #[error("after {seconds} seconds replica {replica} is connected to {connected} of {others}")]
    NotConnected {
        /// How long they had.
        seconds: u64,
        /// One that lacks a connection.
        replica: u16,
        /// How many it has.
        connected: usize,
        /// How many it should have.
        others: usize,
    },
    /// The directory cannot be made.
    #[error("cannot make the directory {path}: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The log or the block store cannot be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The replica does not start from what it finds.
    #[error(transparent)]
    Start(#[from] StartError),
}
