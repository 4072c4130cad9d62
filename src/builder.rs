//! Starting one replica.

use crate::launch::{Launch, Storage};
use crate::{ConfigError, Engine, SchemeKind};
use quorate_core::{Application, ChainId, ReplicaId, Validator, ValidatorSet};
use quorate_crypto::ReplicaKeys;
use quorate_net_libp2p::{Libp2pTransport, Mode, NetworkConfig};
use quorate_replica::{ReplicaConfig, ReplicaHandle};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How broadcasts travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkMode {
    /// Direct streams where the validators are fully connected, gossip otherwise.
    #[default]
    Auto,
    /// Direct streams to every validator.
    Direct,
    /// Gossip: needs no full mesh.
    Gossip,
}

impl NetworkMode {
    /// Name in configuration, logs and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Direct => "direct",
            Self::Gossip => "gossip",
        }
    }

    pub(crate) const fn mode(self) -> Mode {
        match self {
            Self::Auto => Mode::Auto,
            Self::Direct => Mode::Direct,
            Self::Gossip => Mode::Gossip,
        }
    }
}

/// A member of a cluster: a validator, and where it listens.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its keys and power.
    pub validator: Validator,
    /// `host:port`.
    pub address: String,
}

/// Starts replicas; see [`Replica::builder`].
#[derive(Clone, Copy, Debug)]
pub struct Replica;

impl Replica {
    /// Begins to configure a replica of an application.
    #[must_use]
    pub fn builder<A: Application>(application: A) -> ReplicaBuilder<A> {
        ReplicaBuilder {
            application,
            options: Options::default(),
            keys: None,
            members: Vec::new(),
            listen: None,
            storage: None,
        }
    }
}

/// What is common to all replicas of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) engine: Option<Engine>,
    pub(crate) scheme: Option<SchemeKind>,
    pub(crate) network: NetworkMode,
    pub(crate) chain: ChainId,
    pub(crate) timeout: Duration,
    pub(crate) config: ReplicaConfig,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            engine: None,
            scheme: None,
            network: NetworkMode::Auto,
            chain: ChainId(1),
            timeout: Duration::from_secs(1),
            config: ReplicaConfig::default(),
        }
    }
}

impl Options {
    /// The engine and scheme that were named, or are implied.
    pub(crate) fn choice(&self) -> Result<(Engine, SchemeKind), ConfigError> {
        if self.timeout.is_zero() {
            return Err(ConfigError::NoTime);
        }
        let engine = self
            .engine
            .or_else(Engine::only)
            .ok_or(ConfigError::ChooseEngine)?;
        if !Engine::compiled().contains(&engine) {
            return Err(ConfigError::NotCompiled(engine));
        }
        Ok((engine, self.scheme.unwrap_or_else(|| engine.usual_scheme())))
    }

    /// The transport's configuration.
    pub(crate) fn network(&self, listen: SocketAddr) -> Result<NetworkConfig, ConfigError> {
        let (engine, scheme) = self.choice()?;
        let name = format!("{}/{engine}/{scheme}/1", self.chain);
        let mut network = NetworkConfig::new(name, listen);
        network.mode = self.network.mode();
        network.max_frame = self.config.frame_bytes;
        Ok(network)
    }
}

/// What a single replica's builder and a cluster's have in common, over a field `options`.
macro_rules! common_options {
    () => {
        /// The engine. Needed unless exactly one is compiled in; all replicas must name the same.
        #[must_use]
        pub fn engine(mut self, engine: Engine) -> Self {
            self.options.engine = Some(engine);
            self
        }

        /// How votes are signed. Default: what suits the engine ([`Engine::usual_scheme`]).
        #[must_use]
        pub fn scheme(mut self, scheme: SchemeKind) -> Self {
            self.options.scheme = Some(scheme);
            self
        }

        /// How broadcasts travel. Default: [`NetworkMode::Auto`].
        #[must_use]
        pub fn network(mut self, network: NetworkMode) -> Self {
            self.options.network = network;
            self
        }

        /// The engine's request, view or propose timeout. Default: a second.
        #[must_use]
        pub fn timeout(mut self, timeout: Duration) -> Self {
            self.options.timeout = timeout;
            self
        }

        /// Changes the other options, which are the same for all replicas of a cluster.
        #[must_use]
        pub fn configure(mut self, change: impl FnOnce(&mut ReplicaConfig)) -> Self {
            change(&mut self.options.config);
            self
        }
    };
}
pub(crate) use common_options;

/// Configures and starts one replica.
#[derive(Debug)]
pub struct ReplicaBuilder<A> {
    application: A,
    options: Options,
    keys: Option<ReplicaKeys>,
    members: Vec<Member>,
    listen: Option<SocketAddr>,
    storage: Option<Storage>,
}

impl<A: Application> ReplicaBuilder<A> {
    common_options!();

    /// The chain's number. Nothing signed for one chain is valid on another. Default: 1.
    #[must_use]
    pub fn chain(mut self, chain: ChainId) -> Self {
        self.options.chain = chain;
        self
    }

    /// This replica's private keys.
    #[must_use]
    pub fn keys(mut self, keys: ReplicaKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// All members of the cluster, this one included, in the order that all replicas use.
    #[must_use]
    pub fn members(mut self, members: Vec<Member>) -> Self {
        self.members = members;
        self
    }

    /// Where to listen, if it is not this member's address: behind a translated address, say.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// Where the safety log and the blocks are kept. Made if it does not exist.
    #[must_use]
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.storage = Some(Storage::Directory(path.into()));
        self
    }

    /// Keeps nothing. A replica that restarts like this has forgotten its promises, and counts as
    /// faulty: for tests.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.storage = Some(Storage::Memory);
        self
    }

    /// Starts the replica. It connects to the others, and goes on trying, in the background.
    ///
    /// # Errors
    ///
    /// If something is missing or wrong; the error says what.
    pub async fn start(self) -> Result<ReplicaHandle, ConfigError> {
        let keys = self.keys.ok_or(ConfigError::NoKeys)?;
        if self.members.is_empty() {
            return Err(ConfigError::NoMembers);
        }
        let storage = self.storage.ok_or(ConfigError::NoDirectory)?;
        let validators = self
            .members
            .iter()
            .map(|member| member.validator.clone())
            .collect();
        let validators = Arc::new(ValidatorSet::new(validators)?);
        let me = validators
            .find(&keys.identity_public())
            .ok_or(ConfigError::NotAMember)?;
        self.options.config.check_frame_bytes(validators.len())?;
        let addresses = addresses(&self.members)?;
        let listen = self.listen.unwrap_or(addresses[me.index()].1);
        let mut network = self.options.network(listen)?;
        network.peers = addresses;
        let transport =
            Libp2pTransport::start(network, *keys.identity_secret(), me, &validators).await?;
        let launch = Launch {
            application: Box::new(self.application),
            options: self.options,
            keys,
            me,
            validators,
            transport: Arc::new(transport),
            storage,
            pool: None,
            silent: false,
        };
        launch.run().await
    }
}

fn addresses(members: &[Member]) -> Result<Vec<(ReplicaId, SocketAddr)>, ConfigError> {
    let resolve = |(index, member): (usize, &Member)| {
        let bad = |what: String| ConfigError::Address {
            member: index as u16,
            address: member.address.clone(),
            what,
        };
        let mut found = member
            .address
            .to_socket_addrs()
            .map_err(|error| bad(error.to_string()))?;
        let first = found
            .next()
            .ok_or_else(|| bad("the name has no address".into()))?;
        Ok((ReplicaId(index as u16), first))
    };
    members.iter().enumerate().map(resolve).collect()
}
