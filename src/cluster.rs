//! A whole cluster in one process, on loopback.

use crate::builder::{Options, common_options};
use crate::launch::{Launch, Storage};
use crate::{ConfigError, Engine, NetworkMode, SchemeKind};
use quorate_core::{Application, ReplicaId, Transport, ValidatorSet};
use quorate_crypto::ReplicaKeys;
use quorate_net_libp2p::Libp2pTransport;
use quorate_replica::{ReplicaConfig, ReplicaHandle};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// All replicas of a cluster in this process: real sockets, signatures and, if a directory is
/// given, safety logs. For trying out, for tests, and for comparisons.
#[derive(Debug)]
pub struct LocalCluster {
    replicas: Vec<ReplicaHandle>,
    validators: Arc<ValidatorSet>,
}

impl LocalCluster {
    /// Begins to configure a cluster of this many replicas, of equal power.
    #[must_use]
    pub fn builder(replicas: usize) -> LocalClusterBuilder {
        LocalClusterBuilder {
            replicas,
            options: Options::default(),
            directory: None,
            silent: 0..0,
            patience: Duration::from_secs(30),
        }
    }

    /// The replicas.
    #[must_use]
    pub fn replicas(&self) -> &[ReplicaHandle] {
        &self.replicas
    }

    /// One of the replicas.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    #[must_use]
    pub fn replica(&self, index: usize) -> &ReplicaHandle {
        &self.replicas[index]
    }

    /// The validators, which is what checking a certificate needs.
    #[must_use]
    pub const fn validators(&self) -> &Arc<ValidatorSet> {
        &self.validators
    }

    /// Stops all replicas, and waits until they have stopped.
    pub async fn stop(&self) {
        // One after the other would leave the last ones waiting for the first.
        let stops: Vec<_> = self
            .replicas
            .iter()
            .map(|replica| {
                let replica = replica.clone();
                tokio::spawn(async move { replica.stop().await })
            })
            .collect();
        for stop in stops {
            // Only a panic in a replica's task can fail it, and that has been reported.
            let _ = stop.await;
        }
    }
}

/// Configures and starts a [`LocalCluster`].
#[derive(Clone, Debug)]
pub struct LocalClusterBuilder {
    replicas: usize,
    options: Options,
    directory: Option<PathBuf>,
    silent: Range<usize>,
    patience: Duration,
}

impl LocalClusterBuilder {
    common_options!();

    /// Where the replicas keep their logs and blocks, each in a folder of its own. Without it
    /// they keep nothing.
    #[must_use]
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Replicas that connect, and never say anything.
    #[must_use]
    pub fn silent(mut self, replicas: Range<usize>) -> Self {
        self.silent = replicas;
        self
    }

    /// How long the replicas may take to find each other. Default: 30 seconds.
    #[must_use]
    pub fn connect_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts the cluster: one application for each replica, by its index.
    ///
    /// # Errors
    ///
    /// If a replica cannot be started, or they do not find each other in time.
    pub async fn start<A: Application>(
        self,
        mut application: impl FnMut(usize) -> A,
    ) -> Result<LocalCluster, ConfigError> {
        let keys: Vec<_> = (0..self.replicas).map(local_keys).collect();
        let (_, scheme) = self.options.choice()?;
        let validators = keys.iter().map(|keys| scheme.validator(keys, 1)).collect();
        let validators = Arc::new(ValidatorSet::new(validators)?);
        let transports = self.connect(&keys, &validators).await?;
        let pool = quorate_replica::thread_pool().map_err(quorate_replica::StartError::from)?;
        let mut replicas = Vec::new();
        for (index, (keys, transport)) in keys.into_iter().zip(transports).enumerate() {
            let directory = self.directory.as_ref();
            let own = directory.map(|path| path.join(format!("replica-{index}")));
            let launch = Launch {
                application: Box::new(application(index)),
                options: self.options.clone(),
                keys,
                me: ReplicaId(index as u16),
                validators: Arc::clone(&validators),
                transport,
                storage: own.map_or(Storage::Memory, Storage::Directory),
                pool: Some(Arc::clone(&pool)),
                silent: self.silent.contains(&index),
            };
            replicas.push(launch.run().await?);
        }
        Ok(LocalCluster {
            replicas,
            validators,
        })
    }

    /// Binds all transports, tells them of each other, and waits until they are connected.
    async fn connect(
        &self,
        keys: &[ReplicaKeys],
        validators: &ValidatorSet,
    ) -> Result<Vec<Arc<dyn Transport>>, ConfigError> {
        self.options.config.check_frame_bytes(validators.len())?;
        let mut bound = Vec::new();
        let mut addresses = Vec::new();
        for (id, keys) in validators.ids().zip(keys) {
            let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let network = self.options.network(anywhere)?;
            let secret = *keys.identity_secret();
            let transport = Libp2pTransport::bind(network, secret, id, validators).await?;
            addresses.push((id, transport.local_address()));
            bound.push(transport);
        }
        for transport in &bound {
            transport.connect(addresses.iter().copied())?;
        }
        let transports: Vec<Arc<dyn Transport>> = bound
            .into_iter()
            .map(|transport| Arc::new(transport) as _)
            .collect();
        self.wait_connected(&transports).await?;
        Ok(transports)
    }

    async fn wait_connected(&self, transports: &[Arc<dyn Transport>]) -> Result<(), ConfigError> {
        let others = transports.len() - 1;
        let deadline = Instant::now() + self.patience;
        for (index, transport) in transports.iter().enumerate() {
            loop {
                let connected = transport.counters().connected;
                if connected >= others {
                    break;
                }
                if Instant::now() >= deadline {
                    let (replica, seconds) = (index as u16, self.patience.as_secs());
                    return Err(ConfigError::NotConnected {
                        seconds,
                        replica,
                        connected,
                        others,
                    });
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(())
    }
}

/// Keys of a replica of a local cluster: known to everyone, so worth nothing elsewhere.
fn local_keys(index: usize) -> ReplicaKeys {
    let mut seed = *b"quorate local cluster replica 00";
    seed[24..].copy_from_slice(&(index as u64).to_le_bytes());
    ReplicaKeys::from_seed(&seed)
}
