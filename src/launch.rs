//! From choices made at run time to types: the only place that names engines and schemes together.

use crate::builder::Options;
use crate::{ConfigError, Engine, SchemeKind};
use quorate_core::{
    Application, BlockStore, Epoch, LeaderSchedule, Protocol, ReplicaId, Rotation, SafetyLog,
    Scheme, Seq, Setup, Signer, Transport, ValidatorSet,
};
use quorate_crypto::{Bls, Ed25519, LocalSigner, ReplicaKeys};
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
        let (log, entries) = SegmentLog::open(&path.join("safety-log"), LogOptions::default())?;
        let store = RedbStore::open(&path.join("blocks.redb"))?;
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
pub(crate) struct Launch<A> {
    pub(crate) application: A,
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

impl<A: Application> Launch<A> {
    /// Starts it.
    pub(crate) async fn run(self) -> Result<ReplicaHandle, ConfigError> {
        let (engine, scheme) = self.options.choice()?;
        let bad_keys = |source| ConfigError::Keys { scheme, source };
        match scheme {
            SchemeKind::Ed25519 => {
                let keys = Ed25519::new(Arc::clone(&self.validators)).map_err(bad_keys)?;
                self.with_scheme(engine, keys).await
            }
            SchemeKind::Bls => {
                let keys = Bls::new(Arc::clone(&self.validators)).map_err(bad_keys)?;
                self.with_scheme(engine, keys).await
            }
        }
    }

    #[allow(unused_variables, reason = "each engine is behind a feature")]
    async fn with_scheme<S>(self, engine: Engine, scheme: S) -> Result<ReplicaHandle, ConfigError>
    where
        S: Scheme,
        LocalSigner: Signer<S>,
    {
        let timeout = self.options.timeout;
        match engine {
            #[cfg(feature = "pbft")]
            Engine::Pbft => {
                let config = quorate_pbft::Config::with_timeout(timeout);
                let leaders = Rotation::by_view(&self.validators);
                self.start::<quorate_pbft::Pbft<S>>(scheme, config, leaders)
                    .await
            }
            #[cfg(feature = "hotstuff")]
            Engine::HotStuffTwoChain => {
                use quorate_hotstuff::{Config, HotStuff, TwoChain};
                let leaders = Rotation::by_view(&self.validators);
                let config = Config::with_timeout(timeout);
                self.start::<HotStuff<S, TwoChain>>(scheme, config, leaders)
                    .await
            }
            #[cfg(feature = "hotstuff")]
            Engine::HotStuffThreeChain => {
                use quorate_hotstuff::{Config, HotStuff, ThreeChain};
                let leaders = Rotation::by_view(&self.validators);
                let config = Config::with_timeout(timeout);
                self.start::<HotStuff<S, ThreeChain>>(scheme, config, leaders)
                    .await
            }
            #[cfg(feature = "tendermint")]
            Engine::Tendermint => {
                let config = quorate_tendermint::Config::with_timeout(timeout);
                let leaders = Rotation::by_height(&self.validators);
                self.start::<quorate_tendermint::Tendermint<S>>(scheme, config, leaders)
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
        LocalSigner: Signer<P::Scheme>,
    {
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
            signer: Arc::new(LocalSigner::new(self.me, &self.keys)),
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
