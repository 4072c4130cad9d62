//! Whole runs, drawn from seeds.

use quorate_core::Time;
use quorate_simulator::{EngineKind, Report, SchemeKind, Setting, run_kind, speed};
use std::time::Duration;

/// What a seed draws, on the mock scheme.
fn drawn(seed: u64) -> Setting {
    let mut setting = Setting::draw(seed);
    setting.scheme = SchemeKind::Mock;
    setting
}

/// A run that must hold.
fn hold(kind: EngineKind, setting: &Setting) -> Report {
    let report = run_kind(kind, setting);
    if let Some(failure) = &report.failure {
        panic!("seed {} of {kind}: {failure}", report.seed);
    }
    report
}

#[test]
fn equal_settings_give_equal_runs() {
    for kind in EngineKind::ALL {
        let first = hold(kind, &drawn(1));
        let second = hold(kind, &drawn(1));
        assert_eq!(first.hash, second.hash, "{first:?} and {second:?}");
        assert_eq!(first.counts, second.counts);
        assert_ne!(first.hash, hold(kind, &drawn(2)).hash);
    }
}

#[test]
fn a_seed_is_a_minute_with_load_and_tens_of_decisions() {
    for kind in EngineKind::ALL {
        for seed in 10..13 {
            let report = hold(kind, &drawn(seed));
            assert!(report.virtual_time >= Duration::from_secs(60), "{report:?}");
            assert!(report.decisions >= 20, "{report:?}");
            assert!(report.requests >= 10, "{report:?}");
        }
    }
}

/// Every kind of fault happens, and none of them harms.
#[test]
fn every_kind_of_fault_happens() {
    for kind in EngineKind::ALL {
        let mut setting = drawn(3);
        setting.adversaries.clear();
        setting.world.powers = vec![1; 7];
        setting.amnesic = [quorate_core::ReplicaId(6)].into();
        let network = &mut setting.world.network;
        (network.loss, network.duplication, network.reordering) = (40, 30, 30);
        let disk = &mut setting.world.disk;
        (disk.sync_failures, disk.store_failures) = (60, 60);
        disk.sync = Duration::from_millis(2)..=Duration::from_millis(20);
        disk.store = Duration::from_millis(5)..=Duration::from_millis(80);
        let troubles = &mut setting.troubles;
        troubles.crash_every = Duration::from_secs(3);
        troubles.part_every = Duration::from_secs(3);
        (troubles.amnesia, troubles.flapping, troubles.one_way) = (900, 600, 500);
        let report = hold(kind, &setting);
        let (network, disk) = (report.network, report.counts.disk);
        for (what, count) in [
            ("lost", network.lost),
            ("duplicated", network.duplicated),
            ("reordered", network.reordered),
            ("cut", network.cut),
            ("partitions", network.partitions),
            ("flaps", network.flaps),
            ("crashes of unsynced logs", disk.unsynced),
            ("lost records", disk.lost),
            ("kept records", disk.kept),
            ("torn records", disk.torn),
            ("failed syncs", disk.sync_failures),
            ("failed stores", disk.store_failures),
            ("unstored decisions", disk.unstored),
            ("amnesias", disk.amnesias),
            ("restarts", report.restarts),
            ("view changes", report.view_changes),
        ] {
            assert!(count > 0, "{kind}: no {what} in {report:?}");
        }
    }
}

/// Nothing of the network's, the clocks' or the adversaries' making happens in a faultless run.
#[test]
fn without_faults_nothing_goes_wrong() {
    for kind in EngineKind::ALL {
        let report = hold(kind, &Setting::faultless(5, 4));
        assert_eq!((report.restarts, report.acts), (0, 0));
        let network = report.network;
        assert_eq!((network.lost, network.cut, network.duplicated), (0, 0, 0));
        assert!(report.decisions >= 30, "{report:?}");
    }
}

/// Real signatures, of which the world forges none either.
#[test]
fn real_schemes_run_too() {
    for (kind, scheme) in [
        (EngineKind::Pbft, SchemeKind::Ed25519),
        (EngineKind::HotStuffTwoChain, SchemeKind::Bls),
    ] {
        let mut setting = Setting::faultless(1, 4);
        setting.scheme = scheme;
        setting.phases.calm = Duration::from_secs(5);
        let report = hold(kind, &setting);
        assert_eq!(report.scheme, scheme);
        assert!(report.decisions > 3, "{report:?}");
    }
}

/// A quorum that cannot decide is a failure, and says so.
#[test]
fn a_cluster_that_stands_still_fails() {
    let mut setting = Setting::faultless(1, 4);
    setting.world.network.delay = Duration::from_secs(100)..=Duration::from_secs(200);
    setting.phases.calm = Duration::from_secs(5);
    setting.phases.liveness = Duration::from_secs(20);
    let report = run_kind(EngineKind::Pbft, &setting);
    let failure = report.failure.expect("nothing was decided");
    assert_eq!(failure.oracle, "liveness", "{failure}");
    assert!(failure.at > Time::from_millis(25_000), "{failure}");
}

/// Seed 71: a driver whose store lagged answered a question for decisions with later ones.
#[test]
fn lagging_stores_regression() {
    hold(EngineKind::HotStuffTwoChain, &drawn(71));
}

/// Seed 102: Tendermint's replicas waited for ever in a round that some had left.
#[test]
fn left_behind_in_a_round_regression() {
    hold(EngineKind::Tendermint, &drawn(102));
}

/// Seed 334: two of six replicas were stopped at the end, more than F, and three-chain HotStuff
/// never got enough views in a row. What is asked for at the end was wrong.
#[test]
fn no_more_than_f_are_stopped_regression() {
    hold(EngineKind::HotStuffThreeChain, &drawn(334));
}

/// Seeds 2526, 4764 and 4957: a request whose frames were lost was not forwarded again while later
/// ones of the same replica were served.
#[test]
fn overtaken_requests_regression() {
    for seed in [2526, 4764, 4957] {
        hold(EngineKind::Pbft, &drawn(seed));
    }
}

/// Seed 3836: a leader that stopped when its proposal was written and its vote was not came back to
/// a view that the others could not reach.
#[test]
fn alone_in_a_view_regression() {
    hold(EngineKind::HotStuffTwoChain, &drawn(3836));
}

/// Seed 4068: a replica that had followed the others to a view by their word took, after a restart,
/// the new-view of an earlier one for a contradiction.
#[test]
fn earlier_new_view_regression() {
    hold(EngineKind::Pbft, &drawn(4068));
}

/// Seed 308: a liar behind a babbler counted beyond the end of numbers.
#[test]
fn liars_at_the_end_of_numbers_regression() {
    hold(EngineKind::Pbft, &drawn(308));
}

/// Seed 8: what was submitted only after the healing was required, too.
#[test]
fn only_what_waited_is_required_regression() {
    hold(EngineKind::HotStuffTwoChain, &drawn(8));
    hold(EngineKind::HotStuffThreeChain, &drawn(8));
}

/// `QUORATE_SEEDS` says how many seeds, and `QUORATE_SEED` from which.
#[test]
fn seeds_hold() {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    let from: u64 = number("QUORATE_SEED").unwrap_or(1_000);
    let count = number("QUORATE_SEEDS").unwrap_or(4);
    let mut failures = Vec::new();
    for seed in from..from + count {
        for kind in EngineKind::ALL {
            let report = run_kind(kind, &drawn(seed));
            println!("{seed} {kind} {report:?}");
            let failure = report.failure.iter();
            failures.extend(failure.map(|it| format!("seed {seed} of {kind}: {it}")));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn speed_is_measured_on_about_a_decision_a_second() {
    for kind in EngineKind::ALL {
        let speed = speed(kind, Duration::from_secs(200));
        println!(
            "{kind}: {:.0} node-hours a minute, {speed:?}",
            speed.node_hours_a_minute()
        );
        assert!((150..500).contains(&speed.decisions), "{speed:?}");
    }
}
