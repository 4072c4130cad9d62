//! Runs repeat: on every machine, in debug and release builds, and through the binary.
//!
//! `tests/hashes.txt` has the hash of some runs. Both profiles check the same file:
//!
//! ```text
//! cargo test -p quorate-simulator --test hashes
//! cargo test --release -p quorate-simulator --test hashes
//! ```
//!
//! After a change of a protocol, the driver or the world all hashes are others. Then
//! `UPDATE_HASHES=1 cargo test --release -p quorate-simulator --test hashes` writes the file anew,
//! and the debug build must agree with it.

use quorate_simulator::{
    EngineKind, Report, SchemeKind, Setting, TraceEvent, run_kind, run_traced,
};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Seeds in the file, for each engine.
const SEEDS: u64 = 4;

/// A seed's faults, in a third of the time: debug builds are slow.
fn setting(seed: u64) -> Setting {
    let mut setting = Setting::draw(seed);
    setting.scheme = SchemeKind::Mock;
    setting.phases.calm /= 3;
    setting.phases.trouble /= 3;
    setting
}

fn line(kind: EngineKind, report: &Report) -> String {
    assert_eq!(report.failure, None, "{kind} seed {}", report.seed);
    format!("{kind} {} {:016x}", report.seed, report.hash)
}

#[test]
fn runs_have_the_hashes_on_record() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hashes.txt");
    let mut found = String::new();
    for kind in EngineKind::ALL {
        for seed in 0..SEEDS {
            let report = run_kind(kind, &setting(seed));
            writeln!(found, "{}", line(kind, &report)).expect("strings take everything");
        }
    }
    if std::env::var_os("UPDATE_HASHES").is_some() {
        std::fs::write(&path, &found).expect("the file can be written");
    }
    let recorded = std::fs::read_to_string(&path).expect("the file is there");
    assert_eq!(found, recorded, "UPDATE_HASHES=1 writes the file anew");
}

#[test]
fn a_run_repeats_and_a_trace_changes_nothing() {
    for kind in EngineKind::ALL {
        let setting = setting(17);
        let first = run_kind(kind, &setting);
        assert_eq!(first.hash, run_kind(kind, &setting).hash);
        let (sender, events) = mpsc::channel();
        let sink = Box::new(move |event: &TraceEvent| {
            sender.send(event.clone()).expect("the test listens");
        });
        let traced = run_traced(kind, &setting, sink);
        assert_eq!(first.hash, traced.hash);
        let events: Vec<TraceEvent> = events.iter().collect();
        assert!(events.len() > 1_000, "{} events", events.len());
        let in_order = events.is_sorted_by_key(|event| event.time_ns);
        assert!(in_order, "time goes on");
        let end = events
            .last()
            .map(|event| Duration::from_nanos(event.time_ns));
        assert!(end.is_some_and(|end| end <= traced.virtual_time));
    }
}

#[test]
fn seeds_and_engines_have_hashes_of_their_own() {
    let mut hashes: Vec<u64> = Vec::new();
    for kind in EngineKind::ALL {
        for seed in 0..2 {
            hashes.push(run_kind(kind, &setting(seed)).hash);
        }
    }
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}
