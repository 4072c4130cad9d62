//! Tests of the log against images of its directory.

mod basics;
mod crash;
mod damage;

use super::*;
use std::collections::BTreeMap;
use std::fs;
use tempfile::TempDir;

/// The files of a log, by name.
type Image = BTreeMap<String, Vec<u8>>;
type Entries = Vec<(Seq, Vec<u8>)>;

const SMALL: LogOptions = LogOptions {
    segment_bytes: 512,
    retired_segments: 4,
    max_entry_bytes: 4096,
};

fn image(directory: &Path) -> Image {
    fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap())
        .filter(|file| file.file_name() != "lock")
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read(file.path()).unwrap())
        })
        .collect()
}

fn restore(image: &Image) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, bytes) in image {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}

fn open(directory: &Path) -> Result<(SegmentLog, Entries), StorageError> {
    SegmentLog::open(directory, SMALL)
}

/// An entry whose content says which it is, of various lengths.
fn entry(seq: u64) -> (Seq, Vec<u8>) {
    let length = usize::try_from(seq * 37 % 83).unwrap();
    (Seq(seq), vec![u8::try_from(seq).unwrap() | 0x80; length])
}

fn entries(seqs: std::ops::RangeInclusive<u64>) -> Entries {
    seqs.map(entry).collect()
}

/// Appends entries up to `last` and syncs once.
fn batch(log: &mut SegmentLog, last: u64) {
    for seq in log.last().0 + 1..=last {
        log.append(Seq(seq), &entry(seq).1).unwrap();
    }
    assert_eq!(log.sync().unwrap(), Seq(last));
}

/// Waits until the next segment is there, so that images do not depend on timing.
fn settle(log: &mut SegmentLog) {
    if log.spare.is_absent() {
        log.begin_spare();
    }
    if let Some(segment) = log.spare.take().unwrap() {
        log.spare = Spare::ready(segment);
    }
}

/// The image as a power cut leaves it at worst: without the seal, which nobody has waited for.
/// Where it would be is what was there in an image from before it was written, or zeros.
fn unsealed(log: &SegmentLog, mut image: Image, before: Option<&Image>) -> Image {
    let name = active_name(log);
    let position = usize::try_from(log.position).unwrap();
    let seal = position..position + frame::HEADER;
    let old = before.and_then(|before| before.get(&name));
    let old = old.map_or(vec![0; frame::HEADER], |bytes| bytes[seal.clone()].to_vec());
    image.get_mut(&name).unwrap()[seal].copy_from_slice(&old);
    image
}

fn active_name(log: &SegmentLog) -> String {
    let path = segment::path(&log.directory, log.active.number);
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Fills and prunes a log until its segments are made of pruned ones; returns the last entry.
fn recycle(log: &mut SegmentLog) -> u64 {
    for last in (8..=48).step_by(8) {
        batch(log, last);
        settle(log);
        log.prune(Seq(last)).unwrap();
    }
    assert!(log.counters.recycled_segments() >= 4);
    // Leaves as many files to be recycled as there may be.
    batch(log, 88);
    log.prune(Seq(88)).unwrap();
    settle(log);
    88
}

/// Segments in use are stale behind their newest entry, and there are files to be recycled.
fn assert_recycled(image: &Image) {
    let retired = image.keys().filter(|name| segment::is_retired(name));
    assert!(retired.count() > 0, "there are retired files");
    let segments = image
        .iter()
        .filter(|(name, _)| segment::number_of(name).is_some());
    for (name, bytes) in segments {
        let zeros = bytes.iter().rev().take_while(|&&byte| byte == 0).count();
        assert!(zeros < bytes.len() / 2, "{name} has been written before");
    }
}
