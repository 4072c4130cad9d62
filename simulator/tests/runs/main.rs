//! Whole runs drawn from seeds.

use quorate_simulator::{EngineKind, SchemeKind, Setting, run_kind};

fn quick(seed: u64) -> Setting {
    let mut setting = Setting::draw(seed);
    setting.scheme = SchemeKind::Mock;
    setting
}

#[test]
fn equal_settings_give_equal_runs() {
    for kind in EngineKind::ALL {
        let first = run_kind(kind, &quick(1));
        let second = run_kind(kind, &quick(1));
        assert_eq!(first.hash, second.hash, "{first:?} and {second:?}");
        assert_ne!(first.hash, run_kind(kind, &quick(2)).hash);
    }
}

/// `QUORATE_SEEDS` how many, `QUORATE_SEED` from which.
#[test]
fn seeds_hold() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let from: u64 = number("QUORATE_SEED").unwrap_or(0);
    let count = number("QUORATE_SEEDS").unwrap_or(10);
    let only: Option<EngineKind> = std::env::var("QUORATE_ENGINE")
        .ok()
        .and_then(|it| it.parse().ok());
    let mut failed = 0;
    for seed in from..from + count {
        for kind in EngineKind::ALL {
            if only.is_some_and(|only| only != kind) {
                continue;
            }
            let begun = std::time::Instant::now();
            let report = run_kind(kind, &quick(seed));
            println!(
                "{seed} {kind} n {} {:?} decisions {} requests {} views {} restarts {} acts {} events {} recovered {:?} took {:?} {:?} {:?}",
                report.replicas,
                report.virtual_time,
                report.decisions,
                report.requests,
                report.view_changes,
                report.restarts,
                report.acts,
                report.events,
                report.recovered,
                begun.elapsed(),
                report.network,
                report.counts.disk
            );
            if let Some(failure) = &report.failure {
                println!("FAILED {seed} {kind}: {failure}");
                failed += 1;
            }
        }
    }
    assert_eq!(failed, 0);
}
