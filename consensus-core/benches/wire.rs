//! What it costs to encode and to decode, to hash and to name: the parts of a message's way that
//! are neither network nor signatures.

#![allow(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use quorate_core::wire::Envelope;
use quorate_core::{
    ChainId, ClientId, Digest, Domain, Epoch, Height, Payload, Place, ReplicaId, RequestId,
    RequestRef, Requests, SignerSet, Slot, View,
};
use std::hint::black_box;

const DOMAIN: Domain = Domain {
    engine: 1,
    wire: 1,
    chain: ChainId(7),
    epoch: Epoch(0),
};

/// A batch of 512-byte requests of about this many bytes.
fn batch(bytes: usize) -> Vec<u8> {
    let body = [7u8; 512];
    let mut batch = Vec::new();
    for sequence in 1.. {
        if batch.len() + body.len() + RequestRef::OVERHEAD > bytes {
            break;
        }
        let id = RequestId {
            client: ClientId(1),
            sequence,
        };
        RequestRef { id, body: &body }.append_to(&mut batch);
    }
    batch
}

fn payloads(criterion: &mut Criterion) {
    for bytes in [16 << 10, 256 << 10] {
        let batch = batch(bytes);
        let mut group = criterion.benchmark_group("payload");
        group.throughput(Throughput::Bytes(batch.len() as u64));
        group.bench_with_input(BenchmarkId::new("hash", bytes), &batch, |bencher, batch| {
            bencher.iter_batched(
                || batch.clone(),
                |batch| Payload::new(black_box(batch)),
                BatchSize::LargeInput,
            );
        });
        group.bench_with_input(
            BenchmarkId::new("parse", bytes),
            &batch,
            |bencher, batch| {
                bencher.iter(|| {
                    Requests::new(black_box(batch))
                        .filter_map(Result::ok)
                        .count()
                });
            },
        );
        group.finish();
    }
}

fn envelopes(criterion: &mut Criterion) {
    let envelope = Envelope {
        domain: DOMAIN,
        sender: ReplicaId(3),
        kind: 2,
    };
    let mut bytes = envelope.start(128);
    bytes.extend_from_slice(&[9; 120]);
    criterion.bench_function("envelope/write", |bencher| {
        bencher.iter(|| black_box(&envelope).start(128));
    });
    criterion.bench_function("envelope/open", |bencher| {
        bencher.iter(|| Envelope::open(&DOMAIN, 1 << 20, black_box(&bytes)));
    });
}

fn statements(criterion: &mut Criterion) {
    let slot = Slot {
        kind: 2,
        place: Place::new(Height(9), View(1)),
    };
    criterion.bench_function("statement", |bencher| {
        bencher.iter(|| black_box(&DOMAIN).statement(slot, &Digest([5; 32])));
    });
}

fn signer_sets(criterion: &mut Criterion) {
    for replicas in [4, 100] {
        let mut signers = SignerSet::empty(replicas);
        for id in 0..replicas as u16 * 2 / 3 + 1 {
            signers.insert(ReplicaId(id));
        }
        let bytes = borsh::to_vec(&signers).expect("writing to memory does not fail");
        criterion.bench_function(&format!("signers/{replicas}/encode"), |bencher| {
            bencher.iter(|| borsh::to_vec(black_box(&signers)));
        });
        criterion.bench_function(&format!("signers/{replicas}/decode"), |bencher| {
            bencher.iter(|| borsh::from_slice::<SignerSet>(black_box(&bytes)));
        });
    }
}

criterion_group!(benches, payloads, envelopes, statements, signer_sets);
criterion_main!(benches);
