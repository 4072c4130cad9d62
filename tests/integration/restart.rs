//! Replicas that stop and come back from their directories.

use crate::support::{CHAIN, Site, Snapshots, agreed, journal, submit, within};
use quorate::{ClientId, Engine, ReplicaHandle, SchemeKind, ValidatorSet};
use quorate_core::{BlockStore, Decision, Domain, Epoch, Height, Protocol};
use quorate_crypto::{Bls, Ed25519, KeyedScheme};
use quorate_storage::RedbStore;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Short, because a stopped replica's turns are waited out.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Often, so that there are some in a short test.
const CHECKPOINT_INTERVAL: u64 = 8;

/// Four replicas with directories, of which some run.
struct Durable {
    site: Site,
    root: tempfile::TempDir,
    snapshots: Snapshots,
    running: Vec<Option<ReplicaHandle>>,
    /// Requests executed so far.
    executed: usize,
    /// Requests of each replica's client so far.
    numbered: [u64; 4],
}

impl Durable {
    async fn start(engine: Engine, scheme: SchemeKind, snapshots: Snapshots) -> Self {
        let mut durable = Self {
            site: Site::with_scheme(engine, scheme),
            root: tempfile::tempdir().expect("a temporary directory"),
            snapshots,
            running: vec![None; 4],
            executed: 0,
            numbered: [0; 4],
        };
        for index in 0..4 {
            durable.launch(index).await;
        }
        durable
    }

    fn directory(&self, index: usize) -> PathBuf {
        self.root.path().join(format!("replica-{index}"))
    }

    async fn launch(&mut self, index: usize) {
        let builder = self.site.builder(index, self.snapshots).timeout(TIMEOUT);
        let builder = builder.directory(self.directory(index));
        let builder =
            builder.configure(|config| config.driver.checkpoint_interval = CHECKPOINT_INTERVAL);
        let started = within("a start", builder.start()).await.expect("it starts");
        self.running[index] = Some(started);
    }

    async fn stop(&mut self, index: usize) {
        let replica = self.running[index].take().expect("it runs");
        within("a stop", replica.stop()).await;
    }

    async fn stop_all(&mut self) {
        let stops: Vec<_> = self
            .running
            .iter_mut()
            .filter_map(Option::take)
            .map(|replica| tokio::spawn(async move { replica.stop().await }))
            .collect();
        for stop in stops {
            within("a stop", stop).await.expect("no panic");
        }
    }

    fn replica(&self, index: usize) -> &ReplicaHandle {
        self.running[index].as_ref().expect("it runs")
    }

    /// Submits at a replica: half of the requests at once, and half one after the other.
    async fn submit(&mut self, index: usize, count: usize) {
        let client = ClientId(100 + index as u128);
        let mut receipts = submit(self.replica(index), client, count / 2).await;
        for _ in count / 2..count {
            receipts.extend(submit(self.replica(index), client, 1).await);
        }
        let mut numbers: Vec<_> = receipts.iter().map(|receipt| receipt.id.sequence).collect();
        numbers.sort_unstable();
        let last = self.numbered[index];
        let expected: Vec<_> = (last + 1..=last + count as u64).collect();
        assert_eq!(numbers, expected, "the numbering goes on where it was");
        self.numbered[index] += count as u64;
        self.executed += count;
    }

    async fn agreed(&self) {
        let running: Vec<_> = self.running.iter().flatten().collect();
        agreed(&running, self.executed).await;
        for replica in running {
            assert_eq!(replica.status().failure, None);
        }
    }
}

/// Checks every stored decision as a stranger would who knows the validators and nothing else.
fn check_store<P>(directory: &Path, validators: ValidatorSet) -> u64
where
    P: Protocol,
    P::Scheme: KeyedScheme,
{
    let scheme = P::Scheme::open(Arc::new(validators)).expect("the replicas ran with them");
    let domain = Domain {
        engine: P::ENGINE,
        wire: P::WIRE,
        chain: CHAIN,
        epoch: Epoch(0),
    };
    let store = RedbStore::open(directory.join("blocks.redb")).expect("nobody uses it any more");
    let (first, last) = store.bounds().expect("it reads").expect("it has blocks");
    for height in (first.0..=last.0).map(Height) {
        let block = store
            .get(height)
            .expect("it reads")
            .expect("there are no gaps");
        let decision: Decision<P> = borsh::from_slice(&block.decision).expect("a decision");
        assert_eq!(decision.height, height);
        assert_eq!(*decision.payload.digest(), block.payload);
        decision.verify(&domain, &scheme).expect("its proof holds");
        let mut moved = decision.clone();
        moved.height = height.next();
        assert!(
            moved.verify(&domain, &scheme).is_err(),
            "any height would do"
        );
    }
    last.0 - first.0 + 1
}

/// One replica is away for a while, then all of them; nothing is lost, nothing happens twice.
async fn survives_restarts<P>(engine: Engine, scheme: SchemeKind, snapshots: Snapshots)
where
    P: Protocol,
    P::Scheme: KeyedScheme,
{
    let mut durable = Durable::start(engine, scheme, snapshots).await;
    for index in 0..4 {
        durable.submit(index, 6).await;
    }
    durable.agreed().await;

    // It catches up without anything new to decide, and goes on.
    durable.stop(2).await;
    durable.submit(0, 10).await;
    durable.submit(3, 10).await;
    durable.launch(2).await;
    durable.agreed().await;
    durable.submit(2, 6).await;
    durable.agreed().await;

    // Once more, with the replica that leads PBFT's first view, and under load.
    durable.stop(0).await;
    durable.submit(1, 10).await;
    durable.launch(0).await;
    durable.submit(2, 10).await;
    durable.agreed().await;

    for round in 0..2 {
        durable.stop_all().await;
        for index in 0..4 {
            durable.launch(index).await;
        }
        let replayed = journal(durable.replica(0)).len();
        assert!(replayed <= durable.executed, "round {round}");
        for index in 0..4 {
            durable.submit(index, 4).await;
        }
        durable.agreed().await;
    }
    durable.stop_all().await;
    for index in 0..4 {
        let directory = durable.directory(index);
        let checked = check_store::<P>(&directory, durable.site.validators());
        assert!(checked > 0, "replica {index}");
    }
}

/// For one engine: without snapshots and with them, on either scheme.
macro_rules! survives_restarts {
    ($name:ident, $feature:literal, $engine:expr, $protocol:ident) => {
        #[cfg(feature = $feature)]
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let (ed25519, bls) = (SchemeKind::Ed25519, SchemeKind::Bls);
            survives_restarts::<$protocol<Ed25519>>($engine, ed25519, Snapshots::Offered).await;
            survives_restarts::<$protocol<Bls>>($engine, bls, Snapshots::Missing).await;
        }
    };
}

#[cfg(feature = "hotstuff")]
use quorate_hotstuff::{HotStuff, ThreeChain, TwoChain};
#[cfg(feature = "pbft")]
use quorate_pbft::Pbft;
#[cfg(feature = "tendermint")]
use quorate_tendermint::Tendermint;

#[cfg(feature = "hotstuff")]
type HotStuffTwoChain<S> = HotStuff<S, TwoChain>;
#[cfg(feature = "hotstuff")]
type HotStuffThreeChain<S> = HotStuff<S, ThreeChain>;

survives_restarts!(pbft_survives_restarts, "pbft", Engine::Pbft, Pbft);
survives_restarts!(
    hotstuff_two_chain_survives_restarts,
    "hotstuff",
    Engine::HotStuffTwoChain,
    HotStuffTwoChain
);
survives_restarts!(
    hotstuff_three_chain_survives_restarts,
    "hotstuff",
    Engine::HotStuffThreeChain,
    HotStuffThreeChain
);
survives_restarts!(
    tendermint_survives_restarts,
    "tendermint",
    Engine::Tendermint,
    Tendermint
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_of_another_engine_is_refused() {
    let [first, .., second] = Engine::compiled() else {
        return;
    };
    let mut durable = Durable::start(*first, SchemeKind::Ed25519, Snapshots::Missing).await;
    durable.submit(0, 4).await;
    durable.agreed().await;
    durable.stop_all().await;
    durable.site.engine = *second;
    let builder = durable
        .site
        .builder(0, Snapshots::Missing)
        .directory(durable.directory(0));
    let error = within("a refusal", builder.start())
        .await
        .expect_err("it must not start");
    let text = error.to_string();
    assert!(text.contains("another engine"), "{text}");
}
