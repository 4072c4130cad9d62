//! What storage costs in processor time and in bytes, at the shape of a replica under full load:
//! `cargo bench -p quorate-storage --bench cost`. Linux only, for it reads `/proc`.
//!
//! *Growing* is a new file's first 128 MiB. Times are those that the kernel has charged to threads, so that a busy machine does not
//! falsify them. Bytes are those handed to the kernel with write calls.

use quorate_core::{BlockStore, Digest, Height, SafetyLog, Seq, StoredBlock};
use quorate_storage::{LogOptions, RedbStore, SegmentLog};
use std::fs;
use tempfile::TempDir;

const PAYLOAD: usize = 256 << 10;
/// Blocks in a measured run.
const BLOCKS: u64 = 1024;
/// Blocks before it, until files have reached the size at which they stay.
const WARM_UP: u64 = 512;
/// Blocks between two prunings.
const PRUNE_EVERY: u64 = 64;
const PUT_AT_ONCE: u64 = 4;

/// What the process has used so far.
#[derive(Clone, Copy)]
struct Usage {
    /// Processor time of this thread, in nanoseconds.
    thread: u64,
    /// Processor time of the process in clock ticks, also of threads that have ended.
    process_ticks: u64,
    written: u64,
}

impl Usage {
    fn now() -> Self {
        let read = |path| fs::read_to_string(path).expect("this is Linux");
        let number = |text: &str| text.parse::<u64>().expect("a number");
        let thread = read("/proc/thread-self/schedstat");
        let stat = read("/proc/self/stat");
        let behind = stat.rsplit(')').next().expect("the name is in parentheses");
        let fields: Vec<_> = behind.split_whitespace().collect();
        let io = read("/proc/self/io");
        let written = io.lines().find_map(|line| line.strip_prefix("wchar: "));
        Self {
            thread: number(thread.split(' ').next().expect("a first field")),
            process_ticks: number(fields[11]) + number(fields[12]),
            written: number(written.expect("bytes written")),
        }
    }

    fn report(self, name: &str, blocks: u64) {
        let now = Self::now();
        let micros = (now.thread - self.thread) / 1000 / blocks;
        // A tick is 10 ms on every Linux that runs on common machines.
        let process = (now.process_ticks - self.process_ticks) * 10_000 / blocks;
        let percent = (now.written - self.written) * 100 / (blocks * PAYLOAD as u64);
        println!(
            "{name}: {micros} us of its thread and {process} us of the process for each block of \
             256 KiB; {percent} % of its bytes written"
        );
    }
}

fn log() {
    let directory = TempDir::new().expect("temporary directory");
    let (mut log, _) = SegmentLog::open(directory.path(), LogOptions::default()).expect("new log");
    let entry = vec![0xa5; PAYLOAD];
    let mut before = Usage::now();
    for block in 1..=WARM_UP + BLOCKS {
        if block == WARM_UP + 1 {
            before.report("log, growing", WARM_UP);
            before = Usage::now();
        }
        let seq = log.last().next();
        log.append(seq, &entry).expect("append");
        log.append(seq.next(), &entry[..200]).expect("append");
        let durable = log.sync().expect("sync");
        if block.is_multiple_of(PRUNE_EVERY) {
            log.prune(Seq(durable.0.saturating_sub(PRUNE_EVERY)))
                .expect("prune");
        }
    }
    before.report("log", BLOCKS);
}

fn store(proof: usize) {
    let directory = TempDir::new().expect("temporary directory");
    let path = directory.path().join("blocks.redb");
    let store = RedbStore::open(&path).expect("new store");
    let mut before = Usage::now();
    for first in (1..=WARM_UP + BLOCKS).step_by(PUT_AT_ONCE as usize) {
        if first == WARM_UP + 1 {
            before.report("redb, growing", WARM_UP);
            before = Usage::now();
        }
        let blocks: Vec<_> = (first..first + PUT_AT_ONCE)
            .map(|height| StoredBlock {
                height: Height(height),
                payload: Digest([u8::try_from(height % 251).expect("small"); 32]),
                decision: vec![0xa5; PAYLOAD + proof],
            })
            .collect();
        store.put(&blocks).expect("put");
        if (first - 1).is_multiple_of(PRUNE_EVERY) && first > 2 * PRUNE_EVERY {
            store.prune(Height(first - 2 * PRUNE_EVERY)).expect("prune");
        }
    }
    before.report("redb", BLOCKS);
    let bytes = fs::metadata(&path).expect("the store").len();
    println!("redb file: {} MiB", bytes >> 20);
}

fn main() {
    // `cargo test --benches` runs this too, and wants no measurement.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    for _ in 0..2 {
        log();
        store(400);
    }
}
