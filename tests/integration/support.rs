//! What the tests share: an application that remembers everything, clusters, and patience.

use quorate::{
    Application, ChainId, ClientId, Digest, Engine, Height, Member, NetworkMode, Receipt, Refusal,
    Replica, ReplicaBuilder, ReplicaHandle, ReplicaKeys, RequestRef, SchemeKind, ValidatorSet,
};
use std::collections::BTreeSet;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// How long anything may take. Only a hang comes near it, on however busy a machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// An engine's timeout that a busy machine does not mistake for a faulty leader.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);

/// What the application refuses.
pub(crate) const REFUSED: &[u8] = b"refuse me";

/// What the application accepts, after checking it for [`SLOWLY`].
pub(crate) const SLOW: &[u8] = b"slow to check";
const SLOWLY: Duration = Duration::from_millis(20);

/// Waits for something that must happen.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    within(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Whether a [`Journal`] can be copied from a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Snapshots {
    Offered,
    Missing,
}

/// Appends each request to a journal, and replies with its place there. The answer to any query
/// is the whole journal.
pub(crate) struct Journal {
    entries: Vec<u8>,
    count: u64,
    snapshots: Snapshots,
}

impl Journal {
    pub(crate) fn new(snapshots: Snapshots) -> Self {
        Self {
            entries: Vec::new(),
            count: 0,
            snapshots,
        }
    }
}

impl Application for Journal {
    fn execute(&mut self, _: Height, request: RequestRef<'_>) -> Vec<u8> {
        let (client, sequence) = (request.id.client.0, request.id.sequence);
        let body = String::from_utf8_lossy(request.body);
        let entry = format!("{client}/{sequence}: {body}\n");
        self.entries.extend_from_slice(entry.as_bytes());
        self.count += 1;
        self.count.to_string().into_bytes()
    }

    fn check(&self, request: RequestRef<'_>) -> Result<(), Refusal> {
        if request.body == REFUSED {
            return Err(Refusal("it asks to be refused".into()));
        }
        if request.body == SLOW {
            std::thread::sleep(SLOWLY);
        }
        Ok(())
    }

    fn query(&self, _: &[u8]) -> Vec<u8> {
        self.entries.clone()
    }

    fn digest(&self) -> Option<Digest> {
        let builder = Digest::builder("quorate test journal").bytes(&self.entries);
        Some(builder.finish())
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        (self.snapshots == Snapshots::Offered).then(|| self.entries.clone())
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), Refusal> {
        self.entries = snapshot.to_vec();
        self.count = snapshot.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(())
    }
}

/// The journal of a replica.
pub(crate) fn journal(replica: &ReplicaHandle) -> Vec<String> {
    let text = String::from_utf8(replica.query(b"")).expect("entries are text");
    text.lines().map(str::to_owned).collect()
}

/// Waits until every replica has `count` entries; they must be the same, and each only once.
pub(crate) async fn agreed(replicas: &[&ReplicaHandle], count: usize) -> Vec<String> {
    for replica in replicas {
        let enough = async {
            while journal(replica).len() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, enough).await.is_err() {
            let (found, status) = (journal(replica).len(), replica.status());
            let traffic = replica.traffic();
            panic!("{found} of {count} entries after {PATIENCE:?}: {status:?}, {traffic:?}");
        }
    }
    let first = journal(replicas[0]);
    assert_eq!(first.len(), count, "{first:#?}");
    let distinct: BTreeSet<_> = first.iter().collect();
    assert_eq!(
        distinct.len(),
        count,
        "a request was executed twice: {first:#?}"
    );
    for replica in replicas {
        assert_eq!(journal(replica), first);
    }
    first
}

/// Submits `count` requests at a replica, all at once, and waits for their receipts.
pub(crate) async fn submit(
    replica: &ReplicaHandle,
    client: ClientId,
    count: usize,
) -> Vec<Receipt> {
    let client = replica.client(client);
    let submit = |index| {
        let client = client.clone();
        tokio::spawn(async move { client.submit(format!("request {index}")).await })
    };
    let submitted: Vec<_> = (0..count).map(submit).collect();
    let mut receipts = Vec::new();
    for receipt in submitted {
        let receipt = within("a receipt", receipt).await;
        receipts.push(receipt.expect("no panic").expect("the request is executed"));
    }
    receipts
}

/// A cluster whose replicas are started one by one.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) scheme: SchemeKind,
    pub(crate) network: NetworkMode,
    pub(crate) members: Vec<Member>,
}

pub(crate) const CHAIN: ChainId = ChainId(7);

impl Site {
    pub(crate) fn new(engine: Engine) -> Self {
        Self::with_scheme(engine, engine.usual_scheme())
    }

    pub(crate) fn with_scheme(engine: Engine, scheme: SchemeKind) -> Self {
        let addresses = free_addresses(4);
        let member = |(index, address): (usize, &SocketAddr)| Member {
            validator: scheme.validator(&keys(index), 1),
            address: address.to_string(),
        };
        Self {
            engine,
            scheme,
            network: NetworkMode::Auto,
            members: addresses.iter().enumerate().map(member).collect(),
        }
    }

    pub(crate) fn address(&self, index: usize) -> SocketAddr {
        self.members[index].address.parse().expect("written above")
    }

    pub(crate) fn validators(&self) -> ValidatorSet {
        let members = self.members.iter();
        let validators = members.map(|member| member.validator.clone()).collect();
        ValidatorSet::new(validators).expect("four members with different keys")
    }

    /// What the replicas call their network when they greet each other.
    pub(crate) fn network_name(&self, chain: ChainId) -> String {
        format!("{chain}/{}/{}/1", self.engine, self.scheme)
    }

    pub(crate) fn builder(&self, index: usize, snapshots: Snapshots) -> ReplicaBuilder<Journal> {
        Replica::builder(Journal::new(snapshots))
            .engine(self.engine)
            .scheme(self.scheme)
            .network(self.network)
            .chain(CHAIN)
            .timeout(TIMEOUT)
            .keys(keys(index))
            .members(self.members.clone())
    }
}

/// The keys of a member.
pub(crate) fn keys(index: usize) -> ReplicaKeys {
    let mut seed = *b"keys of an integration test    .";
    seed[31] = index as u8;
    ReplicaKeys::from_seed(&seed)
}

/// Addresses on loopback that nobody else uses.
///
/// Their ports are below those that the system gives to outgoing connections: a replica that
/// stops and comes back finds its own still free.
pub(crate) fn free_addresses(count: usize) -> Vec<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = || {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed) % 200;
        let base = 12_000 + 200 * (std::process::id() % 90) as u16;
        SocketAddr::from((Ipv4Addr::LOCALHOST, base + offset))
    };
    let free = |address: &SocketAddr| TcpListener::bind(address).is_ok();
    std::iter::repeat_with(own)
        .filter(free)
        .take(count)
        .collect()
}
