//! Every engine, with every scheme, over both ways of broadcasting.

use crate::support::{Journal, REFUSED, Snapshots, TIMEOUT, agreed, submit, within};
use quorate::{
    AdmissionError, Certificate, ClientId, Engine, LocalCluster, LocalClusterBuilder, NetworkMode,
    Receipt, Request, RequestId, SchemeKind, SubmitError, ValidatorSet,
};
use quorate_core::{ChainId, Claims, Digest, Domain, Epoch, Height, Proof, Protocol, Scheme};
use quorate_crypto::KeyedScheme;
use std::sync::Arc;
use std::time::Duration;

/// What local clusters call their chain.
const CHAIN: ChainId = ChainId(1);

/// Whether a certificate proves that this payload was decided at this height.
fn proves<P>(
    certificate: &Certificate,
    validators: &Arc<ValidatorSet>,
    chain: ChainId,
    height: Height,
    payload: &Digest,
) -> bool
where
    P: Protocol,
    P::Scheme: KeyedScheme,
{
    let scheme = P::Scheme::open(Arc::clone(validators)).expect("the cluster runs with them");
    let domain = Domain {
        engine: P::ENGINE,
        wire: P::WIRE,
        chain,
        epoch: Epoch(0),
    };
    let proof: P::Proof =
        borsh::from_slice(&certificate.proof.encode()).expect("it is of the engine's type");
    let mut claims = Claims::default();
    proof.claims(&domain, height, payload, &mut claims).is_ok()
        && !claims.is_empty()
        && scheme.verify(&[claims]) == [true]
}

/// Checks a receipt as a client would that knows the validators and nothing else.
pub(crate) fn check_receipt<P>(receipt: &Receipt, validators: &Arc<ValidatorSet>)
where
    P: Protocol,
    P::Scheme: KeyedScheme,
{
    let certificate = &receipt.certificate;
    let (height, payload) = (certificate.height, &certificate.payload);
    let proves =
        |chain, height, payload| proves::<P>(certificate, validators, chain, height, payload);
    assert!(proves(CHAIN, height, payload), "{receipt:?}");
    assert!(
        !proves(CHAIN, height, &Digest::ZERO),
        "any payload would do"
    );
    assert!(
        !proves(CHAIN, height.next(), payload),
        "any height would do"
    );
    assert!(!proves(ChainId(2), height, payload), "any chain would do");
}

fn builder(engine: Engine, replicas: usize) -> LocalClusterBuilder {
    LocalCluster::builder(replicas)
        .engine(engine)
        .timeout(TIMEOUT)
}

async fn start(builder: LocalClusterBuilder) -> LocalCluster {
    let started = builder.start(|_| Journal::new(Snapshots::Missing));
    within("the start", started).await.expect("it starts")
}

/// Fifty requests from clients at all replicas, with every receipt checked.
async fn orders_requests<P>(engine: Engine, scheme: SchemeKind, network: NetworkMode)
where
    P: Protocol,
    P::Scheme: KeyedScheme,
{
    let cluster = start(builder(engine, 4).scheme(scheme).network(network)).await;
    let submitted = cluster.replicas().iter().zip([13, 13, 12, 12]).enumerate();
    let submitted = submitted.map(|(index, (replica, count))| {
        let replica = replica.clone();
        tokio::spawn(async move { submit(&replica, ClientId(index as u128), count).await })
    });
    let mut receipts = Vec::new();
    for submitted in submitted.collect::<Vec<_>>() {
        receipts.extend(submitted.await.expect("no panic"));
    }
    let replicas: Vec<_> = cluster.replicas().iter().collect();
    let entries = agreed(&replicas, 50).await;
    for receipt in &receipts {
        let reply = receipt.reply.as_ref().expect("a fresh reply is kept");
        let place: usize = std::str::from_utf8(reply).unwrap().parse().unwrap();
        let RequestId { client, sequence } = receipt.id;
        let prefix = format!("{}/{sequence}: ", client.0);
        let entry = &entries[place - 1];
        assert!(entry.starts_with(&prefix), "{entry} is not {prefix}");
        check_receipt::<P>(receipt, cluster.validators());
    }
    cluster.stop().await;
}

/// Both schemes and both ways of broadcasting, for an engine.
macro_rules! orders_requests {
    ($name:ident, $feature:literal, $engine:expr, $protocol:ident) => {
        #[cfg(feature = $feature)]
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            use quorate_crypto::{Bls, Ed25519};
            for network in [NetworkMode::Direct, NetworkMode::Gossip] {
                orders_requests::<$protocol<Ed25519>>($engine, SchemeKind::Ed25519, network).await;
                orders_requests::<$protocol<Bls>>($engine, SchemeKind::Bls, network).await;
            }
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

orders_requests!(pbft_orders_requests, "pbft", Engine::Pbft, Pbft);
orders_requests!(
    hotstuff_two_chain_orders_requests,
    "hotstuff",
    Engine::HotStuffTwoChain,
    HotStuffTwoChain
);
orders_requests!(
    hotstuff_three_chain_orders_requests,
    "hotstuff",
    Engine::HotStuffThreeChain,
    HotStuffThreeChain
);
orders_requests!(
    tendermint_orders_requests,
    "tendermint",
    Engine::Tendermint,
    Tendermint
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_replica_orders_by_itself() {
    for engine in Engine::compiled() {
        let cluster = start(builder(*engine, 1)).await;
        submit(cluster.replica(0), ClientId(1), 20).await;
        agreed(&[cluster.replica(0)], 20).await;
        cluster.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_replica_stops_no_engine() {
    for engine in Engine::compiled() {
        let cluster = start(
            builder(*engine, 4)
                .silent(0..1)
                .timeout(Duration::from_millis(500)),
        );
        let cluster = cluster.await;
        for replica in &cluster.replicas()[1..] {
            submit(replica, ClientId(replica.status().me.0.into()), 5).await;
        }
        let replicas: Vec<_> = cluster.replicas()[1..].iter().collect();
        agreed(&replicas, 15).await;
        cluster.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_ordered_is_refused_and_leaves_no_gap() {
    for engine in Engine::compiled() {
        let cluster = start(builder(*engine, 4)).await;
        let client = cluster.replica(1).client(ClientId(5));
        let refused = client
            .submit(REFUSED)
            .await
            .expect_err("the application refuses it");
        assert!(matches!(refused, SubmitError::Refused(_)));
        assert!(
            refused.to_string().contains("it asks to be refused"),
            "{refused}"
        );

        let limit = 256 << 10;
        let long = client
            .submit(vec![b'x'; limit])
            .await
            .expect_err("it is too long");
        let expected = AdmissionError::TooLong {
            len: limit + 28,
            limit,
        };
        assert_eq!(long, SubmitError::NotAdmitted(expected));
        let longest = within("the longest", client.submit(vec![b'x'; limit - 28])).await;
        let longest = longest.expect("the longest request that is admitted");
        assert_eq!(longest.id.sequence, 1, "refused requests use no number");

        let again = Request {
            id: longest.id,
            body: b"another body under the same name".to_vec(),
        };
        let again = within("an answer", cluster.replica(1).submit(again)).await;
        let decided = SubmitError::NotAdmitted(AdmissionError::Decided);
        assert_eq!(again.expect_err("its name is used up"), decided);
        let replicas: Vec<_> = cluster.replicas().iter().collect();
        agreed(&replicas, 1).await;
        cluster.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn little_room_slows_clients_down_and_stops_nobody() {
    for engine in Engine::compiled() {
        // As little as there may be: a few dozen KiB. The requests take turns, and the largest
        // would not fit if it did not count as less.
        let small = |config: &mut quorate::ReplicaConfig| config.submitted_bytes = 1;
        let cluster = start(builder(*engine, 4).configure(small)).await;
        let replica = cluster.replica(3);
        let mut submitted = Vec::new();
        for (client, bytes) in [(1, 20_000), (2, 10_000), (3, 100_000)] {
            let client = replica.client(ClientId(client));
            for _ in 0..7 {
                let client = client.clone();
                let submit = async move { client.submit(vec![b'y'; bytes]).await };
                submitted.push(tokio::spawn(submit));
            }
        }
        for receipt in submitted {
            let receipt = within("a receipt", receipt).await.expect("no panic");
            receipt.expect("every request has its turn");
        }
        agreed(&[replica], 21).await;
        cluster.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_stopping_replica_are_told() {
    for engine in Engine::compiled() {
        let cluster = start(builder(*engine, 4)).await;
        // Without a quorum nothing is decided, so the clients wait.
        for replica in &cluster.replicas()[1..] {
            replica.stop().await;
        }
        let replica = cluster.replica(0);
        let client = replica.client(ClientId(1));
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.submit("never ordered").await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        within("the stop", replica.stop()).await;
        for waiting in waiting {
            let answer = within("an answer", waiting).await.expect("no panic");
            assert_eq!(
                answer.expect_err("nothing is decided"),
                SubmitError::Stopped
            );
        }
        let late = within("an answer", client.submit("too late")).await;
        assert_eq!(late.expect_err("the replica is gone"), SubmitError::Stopped);
        within("a second stop", replica.stop()).await;
    }
}
