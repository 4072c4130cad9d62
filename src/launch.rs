//! From choices made at run time to types: the only place that names engines and schemes together.

use crate::builder::Options;
use crate::{ConfigError, Engine, SchemeKind};
use quorate_core::{
    Application, BlockStore, Epoch, LeaderSchedule, Protocol, ReplicaId, Rotation, SafetyLog, Seq,
    Setup, Transport, ValidatorSet,
};
use quorate_crypto::{Bls, Ed25519, KeyedScheme, ReplicaKeys};
use quorate_replica::{Parts, ReplicaHandle};
use quorate_storage::{LogOptions, MemoryLog, MemoryStore, RedbStore, SegmentLog};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where a replica keeps what it must not forget.
#[derive(Clone, Debug)]
pub(crate) enum Storage {
    Directory(PathBuf),
    Memory,
}

/// An open log with what survived in it, and the block store.
struct Opened {
    log: Box<dyn SafetyLog>,
    entries: Vec<(Seq, Vec<u8>)>,
    store: Arc<dyn BlockStore>,
}

impl Storage {
    fn open(&self) -> Result<Opened, ConfigError> {
        let Self::Directory(path) = self else {
            let (log, store) = (
                Box::new(MemoryLog::default()),
                Arc::new(MemoryStore::default()),
            );
            return Ok(Opened {
                log,
                entries: Vec::new(),
                store,
            });
        };
        make(path)?;
        let (log, entries) = SegmentLog::open(path.join("safety-log"), LogOptions::default())?;
        let store = RedbStore::open(path.join("blocks.redb"))?;
        Ok(Opened {
            log: Box::new(log),
            entries,
            store: Arc::new(store),
        })
    }
}

fn make(path: &Path) -> Result<(), ConfigError> {
    std::fs::create_dir_all(path).map_err(|source| ConfigError::Directory {
        path: path.to_owned(),
        source,
    })
}

/// Everything that a replica is started with.
///
/// The application is behind a pointer, so that engines are compiled once, in this crate, and not
/// again in every program.
pub(crate) struct Launch {
    pub(crate) application: Box<dyn Application>,
    pub(crate) options: Options,
    pub(crate) keys: ReplicaKeys,
    pub(crate) me: ReplicaId,
    pub(crate) validators: Arc<ValidatorSet>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) storage: Storage,
    /// Threads for signature checks, shared where several replicas are in one process.
    pub(crate) pool: Option<Arc<quorate_replica::ThreadPool>>,
    pub(crate) silent: bool,
}

impl Launch {
    /// Starts it.
    pub(crate) async fn run(self) -> Result<ReplicaHandle, ConfigError> {
        let (engine, scheme) = self.options.choice()?;
        match scheme {
            SchemeKind::Ed25519 => self.with_scheme::<Ed25519>(engine, scheme).await,
            SchemeKind::Bls => self.with_scheme::<Bls>(engine, scheme).await,
        }
    }

    #[allow(unused_variables, reason = "each engine is behind a feature")]
    async fn with_scheme<S: KeyedScheme>(
        self,
        engine: Engine,
        kind: SchemeKind,
    ) -> Result<ReplicaHandle, ConfigError> {
        let scheme = S::open(Arc::clone(&self.validators)).map_err(|source| ConfigError::Keys {
            scheme: kind,
            source,
        })?;
        let timeout = self.options.timeout;
        let by_view = || Rotation::by_view(&self.validators);
        match engine {
            #[cfg(feature = "pbft")]
            Engine::Pbft => {
                let leaders = by_view();
                self.start::<quorate_pbft::Pbft<S>>(scheme, pbft(timeout), leaders)
                    .await
            }
            #[cfg(feature = "hotstuff")]
            Engine::HotStuffTwoChain => {
                use quorate_hotstuff::{HotStuff, TwoChain};
                let leaders = by_view();
                self.start::<HotStuff<S, TwoChain>>(scheme, hotstuff(timeout), leaders)
                    .await
            }
            #[cfg(feature = "hotstuff")]
            Engine::HotStuffThreeChain => {
                use quorate_hotstuff::{HotStuff, ThreeChain};
                let leaders = by_view();
                self.start::<HotStuff<S, ThreeChain>>(scheme, hotstuff(timeout), leaders)
                    .await
            }
            #[cfg(feature = "tendermint")]
            Engine::Tendermint => {
                use quorate_tendermint::Tendermint;
                let leaders = Rotation::by_height(&self.validators);
                self.start::<Tendermint<S>>(scheme, tendermint(timeout), leaders)
                    .await
            }
            #[allow(unreachable_patterns, reason = "reachable when a feature is off")]
            other => Err(ConfigError::NotCompiled(other)),
        }
    }

    #[allow(dead_code, reason = "unused when no engine is compiled in")]
    async fn start<P>(
        self,
        scheme: P::Scheme,
        engine_config: P::Config,
        leaders: impl LeaderSchedule + 'static,
    ) -> Result<ReplicaHandle, ConfigError>
    where
        P: Protocol,
        P::Scheme: KeyedScheme,
    {
        let signer = scheme
            .signer(Arc::new(self.keys))
            .map_err(|_| ConfigError::NotAMember)?;
        let mut config = self.options.config.clone();
        derive_timeouts(&mut config, self.options.timeout);
        let setup: Setup<P> = Setup {
            me: self.me,
            chain: self.options.chain,
            epoch: Epoch(0),
            validators: self.validators,
            scheme,
            leaders: Arc::new(leaders),
            config: engine_config,
        };
        let storage = self.storage;
        // Opening reads the whole log, and making its first segment writes it.
        let opened = tokio::task::spawn_blocking(move || storage.open())
            .await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        let parts = Parts {
            setup,
            config,
            application: self.application,
            transport: self.transport,
            signer: Arc::new(signer),
            log: opened.log,
            entries: opened.entries,
            store: opened.store,
            pool: self.pool,
            silent: self.silent,
        };
        Ok(quorate_replica::start(parts).await?)
    }
}

/// What follows from the engine's timeout: idle leaders speak well before they look faulty.
fn derive_timeouts(config: &mut quorate_replica::ReplicaConfig, timeout: Duration) {
    config.driver.forward_timeout = timeout;
    config.driver.idle_interval = config.driver.idle_interval.min(timeout / 4);
}

/// What timeouts grow to, at least: a cluster that was cut apart for long is back soon after.
#[cfg(any(feature = "pbft", feature = "hotstuff", feature = "tendermint"))]
const TIMEOUT_MAX: Duration = Duration::from_secs(10);

#[cfg(feature = "pbft")]
fn pbft(timeout: Duration) -> quorate_pbft::Config {
    quorate_pbft::Config {
        request_timeout: timeout,
        timeout_max: TIMEOUT_MAX.max(timeout),
        ..quorate_pbft::Config::default()
    }
}

#[cfg(feature = "hotstuff")]
fn hotstuff(timeout: Duration) -> quorate_hotstuff::Config {
    let mut config = quorate_hotstuff::Config::default();
    config.view_timeout = timeout;
    config.timeout_max = TIMEOUT_MAX.max(timeout);
    config
}

#[cfg(feature = "tendermint")]
fn tendermint(timeout: Duration) -> quorate_tendermint::Config {
    quorate_tendermint::Config::scaled(timeout, TIMEOUT_MAX.max(timeout))
}
