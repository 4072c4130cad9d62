//! Power cuts: some of what was written since the last sync reached the disk, in any order.

use super::*;

/// A disk writes this much as a whole or not at all. Real sectors are larger, but so are logs.
const SECTOR: usize = 64;

/// Sectors of a file that differ between two images.
fn changed(before: &[u8], after: &[u8]) -> Vec<usize> {
    let pairs = before.chunks(SECTOR).zip(after.chunks(SECTOR));
    let differing = pairs.enumerate().filter(|(_, (old, new))| old != new);
    differing.map(|(sector, _)| sector).collect()
}

/// Every image that a power cut during the write of one file can leave. Files before it in the
/// log are complete, for they were synced first; files after it are as they were.
fn torn(before: &Image, after: &Image) -> Vec<Image> {
    let mut images = Vec::new();
    let mut base = before.clone();
    for (name, new) in after {
        let Some(old) = before.get(name) else {
            base.insert(name.clone(), new.clone());
            images.push(base.clone());
            continue;
        };
        let sectors = changed(old, new);
        assert!(
            sectors.len() <= 8,
            "{} sectors are too many to try all",
            sectors.len()
        );
        for subset in 0_u32..1 << sectors.len() {
            let mut mixed = old.clone();
            for (bit, sector) in sectors.iter().enumerate() {
                if subset >> bit & 1 == 1 {
                    let range = sector * SECTOR..((sector + 1) * SECTOR).min(new.len());
                    mixed[range.clone()].copy_from_slice(&new[range]);
                }
            }
            let mut image = base.clone();
            image.insert(name.clone(), mixed);
            images.push(image);
        }
        base.insert(name.clone(), new.clone());
    }
    images
}

/// Opens a torn image, checks it, goes on with entries of the same lengths and opens it again.
fn survive(image: &Image, first: u64, acknowledged: u64, attempted: u64) {
    let directory = restore(image);
    let (mut log, found) = open(directory.path()).expect("a power cut is no corruption");
    let last = log.last().0;
    assert!((acknowledged..=attempted).contains(&last), "{last}");
    assert_eq!(found, entries(first..=last));

    // Another history of the same shape, and a second power cut before its seal reaches the disk:
    // nothing of the torn batch may line up behind it.
    settle(&mut log);
    let opened = super::image(directory.path());
    let mut expected = found;
    let next: Vec<u8> = entry(last + 1).1.iter().map(|byte| !byte).collect();
    log.append(Seq(last + 1), &next).unwrap();
    log.sync().unwrap();
    expected.push((Seq(last + 1), next));
    let cut = unsealed(&log, super::image(directory.path()), Some(&opened));
    drop(log);
    assert_eq!(open(restore(&cut).path()).unwrap().1, expected);
}

#[test]
fn a_power_cut_at_any_batch_loses_nothing_acknowledged() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    cut_at_each(&mut log, [1, 4, 8, 9, 13, 16, 20, 22]);
}

#[test]
fn a_power_cut_in_recycled_segments_loses_nothing_acknowledged() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    let last = recycle(&mut log);
    let counters = log.counters();
    let recycled = counters.recycled_segments();
    cut_at_each(
        &mut log,
        [1, 4, 8, 9, 13, 16, 20, 22].map(|more| last + more),
    );
    assert!(counters.recycled_segments() >= recycled + 3);
}

/// Writes these batches, and cuts the power during each of them in every way.
fn cut_at_each(log: &mut SegmentLog, batches: impl IntoIterator<Item = u64>) {
    let directory = log.directory.clone();
    let mut acknowledged = log.last().0;
    let closed = log.closed.len();
    settle(log);
    let mut bare = image(&directory);
    for last in batches {
        settle(log);
        let sealed = image(&directory);
        batch(log, last);
        settle(log);
        let after = unsealed(log, image(&directory), Some(&sealed));
        for before in [&sealed, &bare] {
            for image in torn(before, &after) {
                survive(&image, log.base.first.0, acknowledged, last);
            }
        }
        acknowledged = last;
        bare = after;
    }
    assert!(
        log.closed.len() >= closed + 2,
        "batches have crossed from segment to segment"
    );
}

/// Every state that a power cut leaves while a retired file becomes a segment.
#[test]
fn a_power_cut_while_a_file_is_recycled_loses_nothing() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    let last = recycle(&mut log);
    // Goes over to the spare, so that the next one is yet to be made.
    let spare = log.active.number + 1;
    let mut next = last;
    while log.active.number < spare {
        next += 1;
        batch(&mut log, next);
    }
    assert!(log.spare.is_absent(), "made when half of this one is full");
    let before = image(directory.path());
    let bare = unsealed(&log, before.clone(), None);
    settle(&mut log);
    let after = image(directory.path());
    let old = before.keys().find(|name| !after.contains_key(*name));
    let new = after.keys().find(|name| !before.contains_key(*name));
    let (old, new) = (old.expect("recycled"), new.expect("made"));
    let first = log.base.first.0;
    for image in [&before, &bare] {
        for written in 0..=HEADER {
            let mut torn = image.clone();
            torn.get_mut(old).unwrap()[..written].copy_from_slice(&after[new][..written]);
            survive(&torn, first, next, next);
        }
        // The name comes last. No disk keeps both names, but it would not matter.
        let mut named = image.clone();
        named.insert(new.clone(), after[new].clone());
        survive(&named, first, next, next);
        named.remove(old);
        survive(&named, first, next, next);
    }
}

/// Every state that a power cut leaves while an opening overwrites a torn batch, and with it the
/// stale rest of a recycled segment.
#[test]
fn a_power_cut_while_a_recycled_segment_is_mended_loses_nothing() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    let mut last = recycle(&mut log);
    // The spare was made of zeros; the one after it is recycled.
    let segment = log.active.number + 2;
    while log.active.number < segment {
        last += 1;
        batch(&mut log, last);
        settle(&mut log);
    }
    let before = image(directory.path());
    let start = usize::try_from(log.position).unwrap();
    batch(&mut log, last + 3);
    let name = active_name(&log);
    assert_eq!(log.active.number, segment, "within one segment");
    // The batch without its first frame: the other frames are valid, and must go.
    let mut cut = unsealed(&log, image(directory.path()), Some(&before));
    let first = start..start + frame::size(entry(last + 1).1.len());
    cut.get_mut(&name).unwrap()[first.clone()].copy_from_slice(&before[&name][first]);
    let restored = restore(&cut);
    let (mended, _) = open(restored.path()).unwrap();
    assert_eq!(mended.last(), Seq(last));
    let after = unsealed(&mended, image(restored.path()), Some(&cut));
    let overwritten = changed(&cut[&name], &after[&name]).len();
    assert!(overwritten >= 4, "{overwritten} sectors are overwritten");
    for image in torn(&cut, &after) {
        survive(&image, log.base.first.0, last, last);
    }
}

/// Every state that a power cut leaves while segments are pruned.
#[test]
fn a_power_cut_while_segments_are_retired_loses_nothing() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    let last = recycle(&mut log) + 12;
    batch(&mut log, last);
    settle(&mut log);
    let before = image(directory.path());
    let first = log.base.first.0;
    log.prune(Seq(last)).unwrap();
    let after = image(directory.path());
    survive(&before, first, last, last);
    // The base file is replaced first; then any of the names may be changed already.
    let gone: Vec<_> = before
        .keys()
        .filter(|name| !after.contains_key(*name))
        .collect();
    assert!(gone.len() >= 2, "several segments at once");
    for subset in 0_u32..1 << gone.len() {
        let mut image = before.clone();
        image.insert("base".into(), after["base"].clone());
        for (bit, name) in gone.iter().enumerate() {
            if subset >> bit & 1 == 1 {
                let bytes = image.remove(*name).unwrap();
                let renamed = name.replace(".segment", ".retired");
                if after.contains_key(&renamed) {
                    image.insert(renamed, bytes);
                }
            }
        }
        survive(&image, log.base.first.0, last, last);
    }
}

#[test]
fn what_only_memory_held_is_written_again() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    batch(&mut log, 3);
    batch(&mut log, 5);
    let bare = unsealed(&log, image(directory.path()), None);
    let restored = restore(&bare);
    let base = Base::load(restored.path()).unwrap().unwrap();
    let recovered = recovery::recover(restored.path(), &base).unwrap();
    let [unproven] = &recovered.unproven[..] else {
        panic!("the last batch alone is in doubt");
    };
    let third = HEADER
        + entries(1..=3)
            .iter()
            .map(|(_, e)| frame::size(e.len()))
            .sum::<usize>();
    assert_eq!(unproven.position, third as u64);
    assert_eq!(
        unproven.position + unproven.bytes.len() as u64,
        recovered.position
    );

    // Once opened, the log has a seal, and nothing is in doubt.
    drop(open(restored.path()).unwrap());
    let recovered = recovery::recover(restored.path(), &base).unwrap();
    assert!(recovered.unproven.is_empty());
}
