//! Every byte flipped, every file cut at every length, files lost and swapped.

use super::*;
use proptest::prelude::*;
use std::sync::OnceLock;

/// A log of several batches over several segments, pruned: its image with the seal on disk, the
/// same without, and where the last batch begins.
struct Sample {
    sealed: Image,
    unsealed: Image,
    active: String,
    spare: String,
    entries: Entries,
    last_batch: Seq,
}

impl Sample {
    /// What becomes of the log without one of its files, or with another file in its place.
    fn without(&self, name: &str) -> Outcome {
        if segment::is_retired(name) {
            Outcome::Whole
        } else {
            Outcome::Refused
        }
    }
}

/// Written once for all tests: in new segments, and in recycled ones.
fn samples() -> &'static [Sample; 2] {
    static SAMPLES: OnceLock<[Sample; 2]> = OnceLock::new();
    SAMPLES.get_or_init(|| [Segments::New, Segments::Recycled].map(write_sample))
}

/// What a sample is written to.
#[derive(Clone, Copy)]
enum Segments {
    New,
    Recycled,
}

fn write_sample(segments: Segments) -> Sample {
    let directory = TempDir::new().unwrap();
    let (mut log, _) = open(directory.path()).unwrap();
    let start = match segments {
        Segments::New => 0,
        Segments::Recycled => recycle(&mut log),
    };
    let segment = log.active.number;
    let mut before = Image::new();
    for last in [3, 8, 9, 14, 15, 17] {
        settle(&mut log);
        before = image(directory.path());
        batch(&mut log, start + last);
    }
    settle(&mut log);
    log.prune(Seq(start + 9)).unwrap();
    assert!(log.closed.len() >= 2, "several segments");
    assert!(log.base.segment > segment, "pruned");
    let sealed = image(directory.path());
    if let Segments::Recycled = segments {
        assert_recycled(&sealed);
    }
    let spare = segment::path(directory.path(), log.active.number + 1);
    Sample {
        unsealed: unsealed(&log, sealed.clone(), Some(&before)),
        active: active_name(&log),
        spare: spare.file_name().unwrap().to_str().unwrap().to_owned(),
        entries: entries(log.base.first.0..=start + 17),
        last_batch: Seq(start + 16),
        sealed,
    }
}

/// What a damaged log may come to.
#[derive(Debug, PartialEq)]
enum Outcome {
    Whole,
    Refused,
    /// The start of it, up to some entry of the last batch.
    TailDropped,
}

fn outcome(image: &Image, sample: &Sample) -> Outcome {
    let directory = restore(image);
    match open(directory.path()) {
        Err(StorageError::Corrupt { .. }) => Outcome::Refused,
        Err(error) => panic!("neither read nor refused: {error}"),
        Ok((_, found)) if found == sample.entries => Outcome::Whole,
        Ok((log, found)) => {
            assert!(sample.entries.starts_with(&found), "what is read is right");
            assert!(
                log.last().next() >= sample.last_batch,
                "only the tail is dropped"
            );
            Outcome::TailDropped
        }
    }
}

/// Flips a bit in every byte of a file, each time anew; returns how often each outcome occurred.
fn flip_all(image: &Image, name: &str, sample: &Sample) -> [usize; 3] {
    let mut counts = [0; 3];
    for at in 0..image[name].len() {
        let mut damaged = image.clone();
        damaged.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
        counts[outcome(&damaged, sample) as usize] += 1;
    }
    counts
}

#[test]
fn a_flipped_byte_loses_nothing_silently() {
    for sample in samples() {
        for name in sample.sealed.keys() {
            let [_, refused, dropped] = flip_all(&sample.sealed, name, sample);
            assert_eq!(
                dropped, 0,
                "with the seal on disk even the last batch is safe"
            );
            let read = !segment::is_retired(name);
            assert_eq!(refused > 0, read, "{name} has checksums if it is read");
        }
    }
}

#[test]
fn without_the_seal_only_the_last_batch_can_be_taken_for_torn() {
    for sample in samples() {
        let [_, _, dropped] = flip_all(&sample.unsealed, &sample.active, sample);
        let batch = entries(sample.last_batch.0..=sample.last_batch.0 + 1);
        let bytes: usize = batch.iter().map(|(_, e)| frame::HEADER + e.len()).sum();
        assert_eq!(dropped, bytes, "each byte of it, and nothing else");
    }
}

#[test]
fn a_file_cut_at_any_length_is_refused() {
    for sample in samples() {
        for (name, bytes) in &sample.sealed {
            for length in 0..bytes.len() {
                let mut damaged = sample.sealed.clone();
                damaged.get_mut(name).unwrap().truncate(length);
                assert_eq!(
                    outcome(&damaged, sample),
                    sample.without(name),
                    "{name} cut at {length}"
                );
            }
        }
    }
}

#[test]
fn refusing_changes_no_file() {
    for sample in samples() {
        let mut damaged = sample.sealed.clone();
        let closed = |name: &&String| segment::number_of(name).is_some();
        let name = sample.sealed.keys().find(closed).unwrap();
        damaged.get_mut(name).unwrap()[100] ^= 1;
        let directory = restore(&damaged);
        assert!(matches!(
            open(directory.path()),
            Err(StorageError::Corrupt { .. })
        ));
        assert_eq!(image(directory.path()), damaged);
    }
}

#[test]
fn a_lost_file_is_noticed_unless_it_was_the_spare() {
    for sample in samples() {
        for name in sample.sealed.keys() {
            let mut damaged = sample.sealed.clone();
            damaged.remove(name);
            let expected = if *name == sample.spare {
                Outcome::Whole
            } else {
                sample.without(name)
            };
            assert_eq!(outcome(&damaged, sample), expected, "without {name}");
            if *name != sample.spare {
                damaged.remove(&sample.spare);
                assert_eq!(
                    outcome(&damaged, sample),
                    expected,
                    "without {name} and the spare"
                );
            }
        }
    }
}

#[test]
fn retired_files_without_a_log_are_one_that_was_lost() {
    let mut left = samples()[1].sealed.clone();
    left.retain(|name, _| segment::is_retired(name));
    assert_eq!(outcome(&left, &samples()[1]), Outcome::Refused);
}

#[test]
fn swapped_and_foreign_files_are_refused() {
    for (one, segments) in samples().iter().zip([Segments::New, Segments::Recycled]) {
        let other = &write_sample(segments);
        let names: Vec<_> = one.sealed.keys().cloned().collect();
        for (index, name) in names.iter().enumerate() {
            for second in &names[index + 1..] {
                let mut damaged = one.sealed.clone();
                damaged.insert(name.clone(), one.sealed[second].clone());
                damaged.insert(second.clone(), one.sealed[name].clone());
                let expected = match one.without(name) {
                    Outcome::Whole => one.without(second),
                    refused => refused,
                };
                assert_eq!(outcome(&damaged, one), expected, "{name} for {second}");
            }
            let mut damaged = one.sealed.clone();
            damaged.insert(name.clone(), other.sealed[name].clone());
            assert_eq!(
                outcome(&damaged, one),
                one.without(name),
                "another log's {name}"
            );
        }
    }
}

#[test]
fn an_interrupted_creation_starts_again_and_a_directory_of_segments_alone_does_not() {
    let directory = TempDir::new().unwrap();
    let (log, _) = open(directory.path()).unwrap();
    let mut unborn = image(directory.path());
    drop(log);
    unborn.retain(|name, _| name.starts_with("00000000000000000001"));
    unborn
        .values_mut()
        .for_each(|bytes| bytes[HEADER..].fill(0));
    assert_eq!(open(restore(&unborn).path()).unwrap().1, []);
    unborn.values_mut().for_each(|bytes| bytes[HEADER] = 1);
    assert!(matches!(
        open(restore(&unborn).path()),
        Err(StorageError::Corrupt { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the files hold, opening does not panic, and returns nothing that was not written.
    #[test]
    fn any_damage_yields_a_prefix_or_an_error(
        which in 0_usize..2,
        damages in proptest::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), proptest::collection::vec(any::<u8>(), 0..200)),
            1..6,
        ),
        cut in proptest::option::of((any::<prop::sample::Index>(), 0_usize..600)),
    ) {
        let sample = &samples()[which];
        let mut damaged = sample.sealed.clone();
        let names: Vec<_> = damaged.keys().cloned().collect();
        for (file, at, bytes) in damages {
            let content = damaged.get_mut(file.get(&names)).unwrap();
            let at = at.index(content.len());
            let length = bytes.len().min(content.len() - at);
            content[at..at + length].copy_from_slice(&bytes[..length]);
        }
        if let Some((file, length)) = cut {
            damaged.get_mut(file.get(&names)).unwrap().resize(length, 0xa5);
        }
        let directory = restore(&damaged);
        if let Ok((_, found)) = open(directory.path()) {
            prop_assert!(sample.entries.starts_with(&found));
        }
    }

    #[test]
    fn garbage_is_never_opened(files in proptest::collection::btree_map(
        prop_oneof![Just("base".to_owned()), (1_u64..4).prop_map(|number| format!("{number:020}.segment"))],
        proptest::collection::vec(any::<u8>(), 0..300),
        1..4,
    )) {
        let directory = restore(&files);
        let refused = matches!(open(directory.path()), Err(StorageError::Corrupt { .. }));
        prop_assert!(refused);
    }
}
