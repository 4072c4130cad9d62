//! What crashes and failures leave on the disks.

use super::{DiskCounts, Finished, Log, Store};
use quorate_core::testing::{Mock, Random};
use quorate_core::{Entry, Height, Outbox, Output, Payload, Seq};
use quorate_pbft::Pbft;

type Engine = Pbft<Mock>;

/// A log with these many records synced, and so many more not.
fn log(synced: u64, unsynced: u64) -> Log<Engine> {
    let (mut log, mut outbox) = (Log::new(), Outbox::<Engine>::new(Seq::NONE));
    for number in 0..synced + unsynced {
        outbox.store(Payload::new(vec![number as u8]));
        for output in outbox.drain() {
            if let Output::Persist(persist) = output {
                log.append(&persist);
            }
        }
        if number + 1 == synced {
            assert!(log.begin_sync());
            assert_eq!(log.end_sync(), Seq(synced));
        }
    }
    log
}

/// Where logs end that crash, over many crashes.
fn ends(make: impl Fn() -> Log<Engine>) -> (Vec<u64>, DiskCounts) {
    let (mut random, mut counts) = (Random::new(3), DiskCounts::default());
    let ends = (0..300).map(|_| {
        let mut log = make();
        log.crash(&mut random, &mut counts);
        let (entries, last) = log.survived();
        assert_eq!(entries.len() as u64, last.0, "a prefix");
        assert!(
            entries
                .iter()
                .all(|(_, it)| matches!(it, Entry::Payload(_)))
        );
        last.0
    });
    (ends.collect(), counts)
}

#[test]
fn a_crash_keeps_what_is_synced_and_a_prefix_of_the_rest() {
    let (ends, counts) = ends(|| log(3, 4));
    for end in 3..=7 {
        assert!(ends.contains(&end), "never {end}");
    }
    assert!(ends.iter().all(|end| (3..=7).contains(end)));
    assert_eq!(counts.lost + counts.kept, 4 * 300);
    assert!(counts.torn > 30 && counts.lost > counts.kept, "{counts:?}");
}

#[test]
fn after_a_failed_sync_nothing_is_written() {
    let failed = || {
        let mut log = log(3, 2);
        assert!(log.begin_sync());
        log.fail_sync();
        assert!(log.has_failed() && !log.begin_sync());
        log
    };
    let (ends, _) = ends(failed);
    assert!(ends.contains(&3) && ends.contains(&5), "nobody knows which");
    assert!(ends.iter().all(|end| (3..=5).contains(end)));
}

#[test]
fn an_empty_store_finishes_what_it_was_given_in_order() {
    let mut store = Store::<Engine>::new();
    assert!(store.last().is_none() && store.stable().is_none());
    store.fail();
    assert_eq!(store.finish(), None::<Finished>);
    store.crash(&mut Random::new(1), &mut DiskCounts::default());
    assert!(!store.has_failed() && store.from(Height(1)).is_empty());
}
