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
fn survive(image: &Image, acknowledged: u64, attempted: u64) {
    let directory = restore(image);
    let (mut log, found) = open(directory.path()).expect("a power cut is no corruption");
    let last = log.last().0;
    assert!((acknowledged..=attempted).contains(&last), "{last}");
    assert_eq!(found, entries(1..=last));

    // Another history of the same shape, and a second power cut before its seal reaches the disk:
    // nothing of the torn batch may line up behind it.
    settle(&mut log);
    let opened = super::image(directory.path());
    let mut expected = found;
    let next: Vec<u8> = entry(last + 1).1.iter().map(|byte| !byte).collect();
    log.append(Seq(last + 1), &next).unwrap();
    log.sync().unwrap();
    expected.push((Seq(last + 1), next));
    let mut cut = super::image(directory.path());
    let path = segment::path(directory.path(), log.active.number);
    let name = path.file_name().unwrap().to_str().unwrap();
    let position = usize::try_from(log.position).unwrap();
    let seal = position..position + frame::HEADER;
    cut.get_mut(name).unwrap()[seal.clone()].copy_from_slice(&opened[name][seal]);
    drop(log);
    assert_eq!(open(restore(&cut).path()).unwrap().1, expected);
}

#[test]
fn a_power_cut_at_any_batch_loses_nothing_acknowledged() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    let mut acknowledged = 0;
    for last in [1, 4, 8, 9, 13, 16, 20, 22] {
        settle(&mut log);
        let sealed = image(directory.path());
        let bare = unsealed(&log, sealed.clone());
        batch(&mut log, last);
        settle(&mut log);
        let after = unsealed(&log, image(directory.path()));
        for before in [sealed, bare] {
            for image in torn(&before, &after) {
                survive(&image, acknowledged, last);
            }
        }
        acknowledged = last;
    }
    assert!(
        log.closed.len() >= 2,
        "batches have crossed from segment to segment"
    );
}

#[test]
fn what_only_memory_held_is_written_again() {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    batch(&mut log, 3);
    batch(&mut log, 5);
    let bare = unsealed(&log, image(directory.path()));
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
