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
    if let Some(segment) = log.spare.take().unwrap() {
        log.spare = Spare::ready(segment);
    }
}

/// The image as a power cut leaves it at worst: without the seal, which nobody has waited for.
fn unsealed(log: &SegmentLog, mut image: Image) -> Image {
    let path = segment::path(&log.directory, log.active.number);
    let name = path.file_name().unwrap().to_str().unwrap();
    let position = usize::try_from(log.position).unwrap();
    image.get_mut(name).unwrap()[position..position + frame::HEADER].fill(0);
    image
}
