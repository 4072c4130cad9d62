//! Reads what is on disk, and decides what it is: whole, torn at the end, or corrupt. Changes
//! nothing.
//!
//! The rule. A frame is written only after everything up to its `durable` was synced, and a segment
//! is written to only after the one before it was closed and synced. So a valid frame anywhere
//! proves what must be there before it. Reading stops at the first place without the next frame.
//! If a valid frame behind that place proves that an entry from there on was durable, the log is
//! corrupt; otherwise nobody was told that those entries are durable, and they are dropped.

use super::base::Base;
use super::frame::{self, Kind, Seed};
use super::options::ClosedSegment;
use super::retired;
use super::segment::{self, HEADER, Header};
use crate::files::{Context, corrupt};
use quorate_core::{Seq, StorageError};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What survived, and what must be mended before the log is written again.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) entries: Vec<(Seq, Vec<u8>)>,
    pub(crate) closed: Vec<ClosedSegment>,
    pub(crate) active: Header,
    /// Where the next frame goes in the active segment.
    pub(crate) position: u64,
    /// Place of the last entry.
    pub(crate) last: Seq,
    /// End of whatever lies behind `position` in the active segment; `position` if nothing does.
    pub(crate) tail: u64,
    /// Whether some of that was written to this segment; the rest is what a recycled file held.
    pub(crate) torn: bool,
    pub(crate) spare: Option<FoundSpare>,
    /// What nothing proves to be durable, although it can be read: it may be in memory only.
    pub(crate) unproven: Vec<Unproven>,
    /// Segments that an interrupted pruning has left.
    pub(crate) leftovers: Vec<u64>,
}

/// The segment after the active one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundSpare {
    pub(crate) header: Header,
    /// Whether there is nothing but zeros in it.
    pub(crate) clean: bool,
}

/// Bytes to be written again, where they are.
#[derive(Debug)]
pub(crate) struct Unproven {
    pub(crate) header: Header,
    pub(crate) position: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Numbers of the segment files in a directory.
pub(crate) fn segments(directory: &Path) -> Result<BTreeSet<u64>, StorageError> {
    let mut numbers = BTreeSet::new();
    for file in fs::read_dir(directory).context("list", directory)? {
        let name = file.context("list", directory)?.file_name();
        numbers.extend(name.to_str().and_then(segment::number_of));
    }
    Ok(numbers)
}

/// Whether a directory without a base file holds nothing but a creation that was interrupted.
pub(crate) fn is_unborn(directory: &Path) -> Result<bool, StorageError> {
    let numbers = segments(directory)?;
    if retired::exist(directory)? {
        return Ok(false);
    }
    if numbers.is_empty() {
        return Ok(true);
    }
    if numbers != BTreeSet::from([1]) {
        return Ok(false);
    }
    let (_, bytes) = segment::read(directory, 1)?;
    Ok(bytes[HEADER..].iter().all(|&byte| byte == 0))
}

/// Reads the log that begins at `base`.
pub(crate) fn recover(directory: &Path, base: &Base) -> Result<Recovered, StorageError> {
    let mut numbers = segments(directory)?;
    let present = numbers.split_off(&base.segment);
    let mut scans: Vec<Scan> = Vec::with_capacity(present.len());
    let mut next = base.first;
    for (number, expected) in present.iter().copied().zip(base.segment..) {
        if number != expected {
            return Err(missing(directory, expected));
        }
        let scan = Scan::read(directory, number, base.salt, next)?;
        next = scan.next;
        if let Some(before) = scans.last_mut()
            && scan.frames
        {
            // Its end is proved, so that none of it needs to be written again.
            before.bytes = Vec::new();
        }
        scans.push(scan);
    }
    let Some(active) = scans.iter().position(|scan| scan.end.is_none()) else {
        return Err(missing(directory, base.segment + scans.len() as u64));
    };
    check(directory, &scans, active)?;
    Ok(assemble(scans, active, numbers.into_iter().collect()))
}

fn missing(directory: &Path, number: u64) -> StorageError {
    corrupt(&segment::path(directory, number), 0, "the file is missing")
}

/// Refuses a log in which something is missing that was durable.
fn check(directory: &Path, scans: &[Scan], active: usize) -> Result<(), StorageError> {
    let stop = &scans[active];
    let path = segment::path(directory, stop.header.number);
    let durable = durable(scans);
    if durable >= stop.next {
        let what = format!(
            "entry {} is not here, and entries up to {durable} were durable",
            stop.next
        );
        return Err(corrupt(&path, stop.stop as u64, what));
    }
    let later = &scans[active + 1..];
    if let Some(used) = later.iter().find(|scan| scan.frames) {
        let what = format!(
            "the segment has no end, but segment {} is in use",
            used.header.number
        );
        return Err(corrupt(&path, stop.stop as u64, what));
    }
    if later.len() > 1 {
        let what = "the segment has no end, but more than one follows";
        return Err(corrupt(&path, stop.stop as u64, what));
    }
    Ok(())
}

fn durable(scans: &[Scan]) -> Seq {
    scans
        .iter()
        .map(|scan| scan.durable)
        .max()
        .unwrap_or(Seq::NONE)
}

fn assemble(mut scans: Vec<Scan>, active: usize, leftovers: Vec<u64>) -> Recovered {
    let durable = durable(&scans);
    let spare = scans.get(active + 1).map(|scan| FoundSpare {
        header: scan.header,
        clean: scan.bytes[HEADER..].iter().all(|&byte| byte == 0),
    });
    scans.truncate(active + 1);
    let unproven = scans
        .iter()
        .filter_map(|scan| scan.unproven(durable))
        .collect();
    let stop = scans.last().expect("the active segment is one of them");
    let used = stop.bytes.iter().rposition(|&byte| byte != 0);
    let mut recovered = Recovered {
        entries: Vec::new(),
        closed: Vec::new(),
        active: stop.header,
        position: stop.stop as u64,
        last: Seq(stop.next.0 - 1),
        tail: used.map_or(0, |last| last + 1).max(stop.stop) as u64,
        torn: stop.torn,
        spare,
        unproven,
        leftovers,
    };
    for scan in scans {
        if scan.end.is_some() {
            recovered.closed.push(ClosedSegment {
                number: scan.header.number,
                last: Seq(scan.next.0 - 1),
                capacity: scan.header.capacity,
            });
        }
        recovered.entries.extend(scan.entries);
    }
    recovered
}

/// What one segment holds.
#[derive(Debug)]
struct Scan {
    header: Header,
    bytes: Vec<u8>,
    entries: Vec<(Seq, Vec<u8>)>,
    /// Where the entries lie, in order.
    places: Vec<(Seq, usize)>,
    /// The entry that comes after those read.
    next: Seq,
    /// Where reading stopped: behind the end mark, if there is one.
    stop: usize,
    /// Where the end mark lies.
    end: Option<usize>,
    /// Highest `durable` of all valid frames, also behind `stop`.
    durable: Seq,
    /// Whether there is any valid frame.
    frames: bool,
    /// Whether there is anything of an entry or an end mark behind `stop`.
    torn: bool,
}

impl Scan {
    fn read(directory: &Path, number: u64, salt: u64, next: Seq) -> Result<Self, StorageError> {
        let (header, bytes) = segment::read(directory, number)?;
        if header.salt != salt {
            let path = segment::path(directory, number);
            return Err(corrupt(&path, 0, "this is a segment of another log"));
        }
        let mut scan = Self {
            header,
            bytes: Vec::new(),
            entries: Vec::new(),
            places: Vec::new(),
            next,
            stop: HEADER,
            end: None,
            durable: Seq::NONE,
            frames: false,
            torn: false,
        };
        scan.follow(&bytes);
        scan.bytes = bytes;
        Ok(scan)
    }

    fn follow(&mut self, bytes: &[u8]) {
        let seed = Seed::new(self.header.salt, self.header.number);
        while let Some(frame) = frame::decode(seed, &bytes[self.stop..]) {
            match frame.kind {
                Kind::Entry if frame.seq == self.next => {
                    self.entries.push((frame.seq, frame.content.to_vec()));
                    self.places.push((frame.seq, self.stop));
                    self.next = frame.seq.next();
                }
                Kind::End if frame.seq.0.checked_add(1) == Some(self.next.0) => {
                    self.end = Some(self.stop);
                }
                Kind::Entry | Kind::End | Kind::Seal => break,
            }
            self.frames = true;
            self.durable = self.durable.max(frame.durable);
            self.stop += frame.size();
            if self.end.is_some() {
                break;
            }
        }
        let rest = &bytes[self.stop..];
        self.torn = frame::decode(seed, rest).is_none() && frame::begins(seed, rest);
        for (_, frame) in frame::search(seed, rest) {
            self.frames = true;
            self.torn |= frame.kind != Kind::Seal;
            self.durable = self.durable.max(frame.durable);
        }
    }

    /// The part of what was read that nothing proves to be durable.
    fn unproven(&self, durable: Seq) -> Option<Unproven> {
        if self.bytes.is_empty() {
            return None;
        }
        let first = self.places.partition_point(|&(seq, _)| seq <= durable);
        let place = self.places.get(first).map(|&(_, place)| place);
        let position = place.or(self.end)?;
        Some(Unproven {
            header: self.header,
            position: position as u64,
            bytes: self.bytes[position..self.stop].to_vec(),
        })
    }
}
