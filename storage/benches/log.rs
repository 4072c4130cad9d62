//! What durability costs: `cargo bench -p quorate-storage --bench log`.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use quorate_core::{BlockStore, Digest, Height, SafetyLog, Seq, StoredBlock};
use quorate_storage::{LogOptions, RedbStore, SegmentLog};
use tempfile::TempDir;

fn log(criterion: &mut Criterion) {
    for (name, length) in [("200 B", 200), ("64 KiB", 64 << 10)] {
        let directory = TempDir::new().expect("temporary directory");
        let (mut log, _) =
            SegmentLog::open(directory.path(), LogOptions::default()).expect("new log");
        let entry = vec![0xa5; length];
        criterion.bench_function(&format!("log append and sync {name}"), |bencher| {
            bencher.iter(|| {
                let seq = log.last().next();
                log.append(seq, &entry).expect("append");
                let durable = log.sync().expect("sync");
                // What a replica does at checkpoints; it also keeps the bench from filling disks.
                if durable.0.is_multiple_of(1000) {
                    log.prune(Seq(durable.0 - 500)).expect("prune");
                }
            });
        });
    }
}

fn store(criterion: &mut Criterion) {
    for count in [1, 16] {
        let directory = TempDir::new().expect("temporary directory");
        let store = RedbStore::open(directory.path().join("blocks.redb")).expect("new store");
        let mut height = 0;
        criterion.bench_function(&format!("redb put {count} x 64 KiB"), |bencher| {
            bencher.iter_batched(
                || {
                    let blocks: Vec<_> = (0..count)
                        .map(|_| {
                            height += 1;
                            StoredBlock {
                                height: Height(height),
                                payload: Digest([u8::try_from(height % 251).expect("small"); 32]),
                                decision: vec![0xa5; 64 << 10],
                            }
                        })
                        .collect();
                    if height % 512 == 0 {
                        store.prune(Height(height - 256)).expect("prune");
                    }
                    blocks
                },
                |blocks| store.put(&blocks).expect("put"),
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group!(benches, log, store);
criterion_main!(benches);
