//! What signatures and certificates cost.
//!
//! `cargo bench -p quorate-crypto -- --warm-up-time 0.5 --measurement-time 1`

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use ed25519_dalek::{Signer as _, SigningKey};
use quorate_core::{
    Claim, Claims, Digest, KeyRole, QuorumCertificate, ReplicaId, Scheme, SignerSet, Statement,
    ValidatorSet,
};
use quorate_crypto::{Bls, Ed25519, KeyedScheme, LocalSigner, ReplicaKeys};
use std::hint::black_box;
use std::sync::Arc;

const STATEMENT: Statement = Statement(Digest([7; 32]));

struct Cluster<S: KeyedScheme> {
    validators: Arc<ValidatorSet>,
    scheme: S,
    signers: Vec<LocalSigner<S>>,
}

impl<S: KeyedScheme> Cluster<S> {
    fn new(replicas: u8) -> Self {
        let keys: Vec<_> = (0..replicas)
            .map(|seed| Arc::new(ReplicaKeys::from_seed(&[seed; 32])))
            .collect();
        let validators = keys.iter().map(|keys| S::validator(keys, 1)).collect();
        let validators = Arc::new(ValidatorSet::new(validators).expect("distinct keys"));
        let scheme = S::open(Arc::clone(&validators)).expect("good keys");
        let signer = |keys| scheme.signer(keys).expect("its keys");
        let signers = keys.into_iter().map(signer).collect();
        Self {
            validators,
            scheme,
            signers,
        }
    }

    /// The votes of the first replicas that are a quorum.
    fn votes(&self) -> Vec<S::Signature> {
        let quorum = self.validators.quorum().quorum() as usize;
        self.signers[..quorum]
            .iter()
            .map(|signer| signer.sign_now(KeyRole::Voting, STATEMENT))
            .collect()
    }

    fn certificate(&self) -> QuorumCertificate<S> {
        let votes = self.votes();
        let mut signers = SignerSet::empty(self.validators.len());
        (0..votes.len() as u16).for_each(|id| {
            signers.insert(ReplicaId(id));
        });
        let aggregate = self.scheme.aggregate((0..).map(ReplicaId).zip(&votes));
        QuorumCertificate { signers, aggregate }
    }
}

/// Copies as they come from the network: nothing about them has been worked out yet.
fn fresh<S: Scheme>(votes: &[S::Signature]) -> Vec<S::Signature> {
    let copy = |vote| borsh::from_slice(&borsh::to_vec(vote).expect("encodes")).expect("decodes");
    votes.iter().map(copy).collect()
}

fn claimed<S: Scheme>(votes: &[S::Signature]) -> Vec<Claims<'_, S>> {
    let claim = |(by, signature)| {
        let mut claims = Claims::default();
        claims.push(Claim::Signed {
            by: ReplicaId(by),
            key: KeyRole::Voting,
            statement: STATEMENT,
            signature,
        });
        claims
    };
    (0..).zip(votes).map(claim).collect()
}

fn scheme<S: KeyedScheme>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(S::NAME);
    group.sample_size(20);
    let four = Cluster::<S>::new(4);
    group.bench_function("sign", |bencher| {
        bencher.iter(|| four.signers[0].sign_now(KeyRole::Voting, black_box(STATEMENT)));
    });
    for replicas in [4, 16, 100] {
        let cluster = Cluster::<S>::new(replicas);
        let votes = cluster.votes();
        // One vote, a few, and all that make a quorum; the sizes that repeat are left out.
        let sizes = match replicas {
            4 => vec![1, 3],
            16 => vec![votes.len()],
            _ => vec![16, votes.len()],
        };
        for size in sizes {
            group.bench_function(BenchmarkId::new("verify votes", size), |bencher| {
                bencher.iter_batched(
                    || fresh::<S>(&votes[..size]),
                    |votes| assert!(cluster.scheme.verify(&claimed(&votes)).iter().all(|ok| *ok)),
                    BatchSize::SmallInput,
                );
            });
        }
        let quorum = votes.len();
        let certificate = cluster.certificate();
        group.bench_function(BenchmarkId::new("aggregate", quorum), |bencher| {
            let parts = || (0..).map(ReplicaId).zip(&votes);
            bencher.iter(|| cluster.scheme.aggregate(parts()));
        });
        let check = |scheme: &S| {
            let mut claims = Claims::default();
            claims.push(certificate.claim(STATEMENT));
            assert_eq!(scheme.verify(&[claims]), [true]);
        };
        // Known signers, as in a running cluster, but a certificate never seen: another statement
        // each time would need new signatures, so the scheme is made anew. For BLS that leaves the
        // sum of keys in the figure.
        let id = BenchmarkId::new("certificate cold", quorum);
        group.bench_function(id, |bencher| {
            bencher.iter_batched(
                || S::open(Arc::clone(&cluster.validators)).expect("good keys"),
                |scheme| check(&scheme),
                BatchSize::SmallInput,
            );
        });
        let id = BenchmarkId::new("certificate cached", quorum);
        group.bench_function(id, |bencher| bencher.iter(|| check(&cluster.scheme)));
    }
    group.finish();
}

/// What the decision of `docs/adr/0002-ed25519-verdicts.md` compares with.
fn strict(criterion: &mut Criterion) {
    let secret = SigningKey::from_bytes(&[7; 32]);
    let public = secret.verifying_key();
    let signature = secret.sign(&STATEMENT.0.0);
    criterion.bench_function("dalek verify_strict", |bencher| {
        bencher.iter(|| public.verify_strict(black_box(&STATEMENT.0.0), &signature));
    });
}

criterion_group!(benches, scheme::<Ed25519>, scheme::<Bls>, strict);
criterion_main!(benches);
