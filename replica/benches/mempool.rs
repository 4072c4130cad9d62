//! What a request costs in the mempool and in the executor.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use quorate_core::{Application, ClientId, Height, Payload, Request, RequestId, RequestRef, Time};
use quorate_replica::{Executor, Mempool, MempoolLimits, Origin, ReplyLimits};
use std::hint::black_box;

const BODY: usize = 512;
const CLIENTS: u128 = 64;

/// Requests of 64 clients in turn, from one that each has not used.
fn requests(count: u64, first: u64) -> Vec<Request> {
    let request = |index| Request {
        id: RequestId {
            client: ClientId(u128::from(index) % CLIENTS),
            sequence: first + index / CLIENTS as u64,
        },
        body: vec![index as u8; BODY],
    };
    (0..count).map(request).collect()
}

/// Admission, batches of up to 256 KiB on a chain of three undecided ones, and decisions.
fn order(pool: &mut Mempool, requests: Vec<Request>) {
    for request in requests {
        pool.admit(Time::ZERO, request, Origin::Local)
            .expect("there is room");
    }
    let mut chain: Vec<Payload> = Vec::new();
    loop {
        let undecided: Vec<_> = chain.iter().map(|payload| *payload.digest()).collect();
        let payload = pool.build(&undecided);
        let done = payload.is_empty();
        if !done {
            chain.push(payload);
        }
        if chain.len() > 3 || (done && !chain.is_empty()) {
            pool.decided(Time::ZERO, &chain.remove(0));
        } else if done {
            break;
        }
    }
    assert!(pool.is_empty(), "everything was decided");
}

fn mempool(criterion: &mut Criterion) {
    const COUNT: u64 = 16_384;
    let mut group = criterion.benchmark_group("mempool");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(COUNT));
    group.bench_function("leader: admit, build and decide", |bencher| {
        let mut pool = Mempool::new(MempoolLimits::default());
        let mut first = 1;
        bencher.iter_batched(
            || {
                first += COUNT;
                requests(COUNT, first)
            },
            |requests| order(&mut pool, requests),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("follower: observe and decide others' requests", |bencher| {
        let mut pool = Mempool::new(MempoolLimits::default());
        let mut first = 1;
        bencher.iter_batched(
            || {
                first += COUNT;
                batches(&requests(COUNT, first))
            },
            |payloads| {
                for payload in &payloads {
                    pool.observe(payload);
                    pool.decided(Time::ZERO, payload);
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn batches(requests: &[Request]) -> Vec<Payload> {
    let batch = |requests: &[Request]| {
        let mut bytes = Vec::new();
        for request in requests {
            let (id, body) = (request.id, &request.body[..]);
            RequestRef { id, body }.append_to(&mut bytes);
        }
        Payload::new(bytes)
    };
    requests.chunks(480).map(batch).collect()
}

/// Replies with eight bytes.
struct Counter(u64);

impl Application for Counter {
    fn execute(&mut self, _: Height, request: RequestRef<'_>) -> Vec<u8> {
        self.0 += request.body.len() as u64;
        self.0.to_le_bytes().to_vec()
    }
}

fn executor(criterion: &mut Criterion) {
    const COUNT: u64 = 16_384;
    let mut group = criterion.benchmark_group("executor");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(COUNT));
    group.bench_function("execute", |bencher| {
        let mut executor = Executor::new(Counter(0), ReplyLimits::default(), 64);
        let mut first = 1;
        bencher.iter_batched(
            || {
                let payloads = batches(&requests(COUNT, first));
                first += COUNT / CLIENTS as u64;
                payloads
            },
            |payloads| {
                for payload in &payloads {
                    let height = executor.height().next();
                    black_box(executor.execute(height, payload));
                }
            },
            BatchSize::PerIteration,
        );
    });
    let check = Executor::new(Counter(0), ReplyLimits::default(), 64)
        .payload_check(MempoolLimits::default());
    let payloads = batches(&requests(COUNT, 1));
    group.bench_function("check", |bencher| {
        bencher.iter(|| {
            let fine = payloads.iter().all(|payload| check.check(payload).is_ok());
            assert!(fine, "the batches are well-formed");
        });
    });
    group.finish();
}

criterion_group!(benches, mempool, executor);
criterion_main!(benches);
