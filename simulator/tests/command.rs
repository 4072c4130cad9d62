//! The binary.

#![cfg(feature = "cli")]

use quorate_simulator::{EngineKind, Setting, run_kind};
use std::process::{Command, Output};

fn sim(arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quorate-sim"))
        .args(arguments.split_whitespace())
        .env_remove("CARGO")
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is text")
}

/// A path for a file of a test's own.
fn file(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn a_replay_is_the_run_that_a_program_makes() {
    for kind in EngineKind::ALL {
        let output = sim(&format!("replay 5 --engine {kind} --quiet"));
        let out = text(&output.stdout);
        let report = run_kind(kind, &Setting::draw(5));
        let hash = format!("hash {:016x}", report.hash);
        assert_eq!(out.lines().last(), Some(&*hash), "{out}");
        assert_eq!(output.status.success(), report.failure.is_none());
    }
}

#[test]
fn a_trace_has_lines_for_people_and_for_programs() {
    let path = file("trace.jsonl");
    let output = sim(&format!(
        "replay 3 --engine pbft --replicas 4 --until 2 --trace {}",
        path.display()
    ));
    let out = text(&output.stdout);
    let json = std::fs::read_to_string(&path).expect("the trace is written");
    // Three lines at the end are about the whole.
    assert_eq!(out.lines().count(), json.lines().count() + 3, "{out}");
    assert!(json.lines().count() > 50, "{json}");
    assert!(out.lines().all(|line| line.chars().count() <= 200), "{out}");
    assert!(!out.contains('\x1b'), "colours are for terminals");
    let mut events = std::collections::BTreeSet::new();
    for line in json.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("a line is an object");
        let time = event["time_ns"].as_u64().expect("a time");
        assert!(time <= 2_000_000_000, "{line}");
        events.insert(event["event"].as_str().expect("a name").to_owned());
    }
    for name in [
        "started",
        "submitted",
        "sent",
        "received",
        "appended",
        "durable",
        "decided",
    ] {
        assert!(events.contains(name), "{name} is not in {events:?}");
    }
}

#[test]
fn seeds_are_counted_in_a_table_and_in_json() {
    let path = file("totals.json");
    let output = sim(&format!(
        "run --seeds 3 --from 2 --jobs 2 --scheme mock --replicas 4 --json {}",
        path.display()
    ));
    let out = text(&output.stdout);
    assert!(output.status.success(), "{out}");
    let json = std::fs::read_to_string(&path).expect("the totals are written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let engines = json["engines"].as_array().expect("a list");
    assert_eq!(engines.len(), EngineKind::ALL.len());
    for (engine, kind) in engines.iter().zip(EngineKind::ALL) {
        assert_eq!(engine["engine"], kind.name());
        assert_eq!(engine["seeds"], 3);
        assert!(
            engine["decisions"].as_u64().expect("a number") > 30,
            "{engine}"
        );
        let row = out.lines().find(|line| line.starts_with(kind.name()));
        assert!(row.is_some(), "{out}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let output = sim("run --engine raft");
    assert_eq!(output.status.code(), Some(2));
    let output = sim("replay 0 --engine pbft --replicas 4 --replica 9");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no replica 9"));
    let output = sim("run --seeds 1 --json /nonexistent/folder/file");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot write /nonexistent/folder/file"));
}

#[test]
fn speed_is_measured() {
    let output = sim("speed --engine pbft --minutes 1");
    let out = text(&output.stdout);
    let row = out.lines().find(|line| line.starts_with("pbft"));
    let number = row.and_then(|row| row.split_whitespace().nth(1)?.parse::<f64>().ok());
    assert!(number.is_some_and(|speed| speed > 0.0), "{out}");
}

#[test]
fn every_command_has_help_with_examples() {
    for command in ["run", "replay", "speed"] {
        let output = sim(&format!("{command} --help"));
        assert!(output.status.success());
        let out = text(&output.stdout);
        assert!(out.contains(&format!("quorate-sim {command}")), "{out}");
        assert!(out.contains("Examples:"), "{out}");
    }
}
