use super::*;

#[test]
fn what_was_synced_is_there_again_after_each_batch() {
    let directory = TempDir::new().unwrap();
    let mut last = 0;
    for size in [1, 3, 2, 7, 1, 1, 9] {
        let (mut log, found) = open(directory.path()).unwrap();
        assert_eq!(found, entries(1..=last));
        assert_eq!(log.last(), Seq(last));
        last += size;
        batch(&mut log, last);
    }
    assert_eq!(open(directory.path()).unwrap().1, entries(1..=last));
}

#[test]
fn what_was_not_synced_is_gone() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    batch(&mut log, 2);
    log.append(Seq(3), b"never synced").unwrap();
    drop(log);
    assert_eq!(open(directory.path()).unwrap().1, entries(1..=2));
}

#[test]
fn a_commit_costs_one_sync_and_an_empty_one_none() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = SegmentLog::open(directory.path(), LogOptions::default()).unwrap();
    let counters = log.counters();
    assert_eq!(log.sync().unwrap(), Seq::NONE);
    assert_eq!((counters.syncs(), counters.bytes()), (0, 0));
    batch(&mut log, 5);
    batch(&mut log, 6);
    log.sync().unwrap();
    assert_eq!(counters.syncs(), 2);
    let bytes: usize = entries(1..=6)
        .iter()
        .map(|(_, e)| frame::size(e.len()))
        .sum();
    assert_eq!(counters.bytes(), bytes as u64);
}

#[test]
fn entries_larger_than_a_segment_get_one_of_their_own() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    let large = vec![7; 3000];
    log.append(Seq(1), &large).unwrap();
    log.append(Seq(2), b"small").unwrap();
    log.append(Seq(3), &large).unwrap();
    log.sync().unwrap();
    drop(log);
    let (_, found) = open(directory.path()).unwrap();
    let expected = [
        (Seq(1), large.clone()),
        (Seq(2), b"small".to_vec()),
        (Seq(3), large),
    ];
    assert_eq!(found, expected);
}

#[test]
fn segments_grow_up_to_the_chosen_size() {
    let options = LogOptions::default();
    let mut sizes = vec![options.segment_after(None)];
    for _ in 0..5 {
        sizes.push(options.segment_after(sizes.last().copied()));
    }
    assert_eq!(sizes, [4, 8, 8, 8, 8, 8].map(|mebibytes| mebibytes << 20));
}

#[test]
fn pruning_removes_whole_segments_and_keeps_the_newest_entry() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    for last in 1..=40 {
        batch(&mut log, last);
    }
    let before = recovery::segments(directory.path()).unwrap().len();
    log.prune(Seq(20)).unwrap();
    assert!(recovery::segments(directory.path()).unwrap().len() < before);
    drop(log);
    let (mut log, found) = open(directory.path()).unwrap();
    let first = found[0].0.0;
    assert!((2..=20).contains(&first), "first is {first}");
    assert_eq!(found, entries(first..=40));

    log.prune(Seq(u64::MAX)).unwrap();
    batch(&mut log, 41);
    drop(log);
    let (log, found) = open(directory.path()).unwrap();
    assert_eq!(found.last(), Some(&entry(41)));
    assert_eq!(log.last(), Seq(41));
}

#[test]
fn at_steady_state_no_zeros_are_written() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    let counters = log.counters();
    let last = recycle(&mut log);
    let filled = counters.filled_segments();
    let recycled = counters.recycled_segments();
    for last in (last + 4..250).step_by(4) {
        batch(&mut log, last);
        log.prune(Seq(last - 8)).unwrap();
    }
    assert_eq!(counters.filled_segments(), filled);
    assert!(counters.recycled_segments() > recycled + 10);
    let files = image(directory.path()).len();
    assert!(files <= 8, "{files} files are too many");
    drop(log);
    let (mut log, found) = open(directory.path()).unwrap();
    assert_eq!(found.last(), Some(&entry(248)));
    batch(&mut log, 255);
    drop(log);
    assert_eq!(open(directory.path()).unwrap().1.last(), Some(&entry(255)));
}

#[test]
fn retired_files_are_bounded_and_of_the_right_size() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    log.append(Seq(1), &[7; 3000]).unwrap();
    batch(&mut log, 60);
    log.prune(Seq(60)).unwrap();
    let retired = |directory: &Path| -> Vec<usize> {
        let files = image(directory).into_iter();
        let files = files.filter(|(name, _)| segment::is_retired(name));
        files.map(|(_, bytes)| bytes.len()).collect()
    };
    assert_eq!(retired(directory.path()), [512; 4]);
    drop(log);
    // Of no use to a log with larger segments.
    let larger = LogOptions {
        segment_bytes: 1024,
        ..SMALL
    };
    drop(SegmentLog::open(directory.path(), larger).unwrap());
    assert_eq!(retired(directory.path()), [0; 0]);
}

#[test]
fn pruning_that_a_crash_interrupts_is_finished_at_opening() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    batch(&mut log, 40);
    settle(&mut log);
    let before = image(directory.path());
    log.prune(Seq(40)).unwrap();
    // The base file says pruned, and the files are still there.
    let mut between = before;
    between.insert("base".into(), image(directory.path())["base"].clone());
    let first = log.base.segment;
    let restored = restore(&between);
    let (_log, found) = open(restored.path()).unwrap();
    assert_eq!(found.last(), Some(&entry(40)));
    assert_eq!(
        recovery::segments(restored.path()).unwrap().first(),
        Some(&first)
    );
}

#[test]
fn a_directory_has_one_user() {
    let directory = TempDir::new().unwrap();
    let (log, _) = open(directory.path()).unwrap();
    assert!(matches!(
        open(directory.path()),
        Err(StorageError::Locked(_))
    ));
    drop(log);
    open(directory.path()).unwrap();
}

#[test]
fn after_a_failed_write_the_log_is_closed() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    batch(&mut log, 2);
    log.active.break_writes();
    log.append(Seq(3), b"lost").unwrap();
    assert!(matches!(log.sync(), Err(StorageError::Io { .. })));
    assert!(matches!(log.sync(), Err(StorageError::Closed)));
    assert!(matches!(log.append(Seq(4), b""), Err(StorageError::Closed)));
    assert!(matches!(log.prune(Seq(2)), Err(StorageError::Closed)));
    drop(log);
    assert_eq!(open(directory.path()).unwrap().1, entries(1..=2));
}

#[test]
fn an_entry_that_is_too_long_closes_the_log() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    let result = log.append(Seq(1), &vec![0; 4097]);
    assert!(matches!(result, Err(StorageError::Io { .. })));
    assert!(matches!(log.sync(), Err(StorageError::Closed)));
}

#[test]
#[should_panic(expected = "entries come in order")]
fn a_gap_is_a_broken_invariant() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    let _ = log.append(Seq(2), b"");
}
