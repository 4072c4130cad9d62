//! Frames: how entries and marks lie in a segment.
//!
//! Little endian, aligned to [`ALIGNMENT`] bytes, padded with zeros:
//!
//! ```text
//! 0   u32  length of the content
//! 4   u32  kind: 1 entry, 2 seal, 3 end
//! 8   u64  seq: the entry's place; of a mark, the last entry before it
//! 16  u64  durable: every entry up to here was synced before this frame was written
//! 24  u32  CRC-32 of the segment's seed, bytes 0..24 and the content
//! 28  u32  CRC-32 of the segment's seed and bytes 0..28
//! 32  content
//! ```

use crc32fast::Hasher;
use quorate_core::Seq;

/// Bytes before the content.
pub(crate) const HEADER: usize = 32;
/// Frames begin at multiples of this.
pub(crate) const ALIGNMENT: usize = 8;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An entry.
    Entry,
    /// Follows the last batch once it is durable, and is overwritten by the next.
    Seal,
    /// Ends a segment: the log goes on in the next one.
    End,
}

impl Kind {
    const fn code(self) -> u32 {
        match self {
            Self::Entry => 1,
            Self::Seal => 2,
            Self::End => 3,
        }
    }

    const fn of(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Entry),
            2 => Some(Self::Seal),
            3 => Some(Self::End),
            _ => None,
        }
    }
}

/// A segment's own start value for checksums, so that bytes of another log, another segment, or a
/// client's payload are never taken for frames of this one.
///
/// No two segments of a log have the same, as long as their numbers differ in 32 adjacent bits or
/// fewer, for that is what a CRC-32 tells apart without fail; and a frame whose checksum is right
/// under one start value has a wrong one under every other. So frames that are left in a recycled
/// file are invalid for certain, not just most likely.
///
/// The salt is random and stays on this disk: whoever knew it could send a payload that contains
/// valid frames, and make a torn write look like corruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(u32);

impl Seed {
    pub(crate) fn new(salt: u64, segment: u64) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(&salt.to_le_bytes());
        hasher.update(&segment.to_le_bytes());
        Self(hasher.finalize())
    }

    fn checksum(self, parts: [&[u8]; 2]) -> u32 {
        let mut hasher = Hasher::new_with_initial(self.0);
        parts.into_iter().for_each(|part| hasher.update(part));
        hasher.finalize()
    }
}

/// A frame that passed both checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    pub(crate) seq: Seq,
    pub(crate) durable: Seq,
    pub(crate) content: &'a [u8],
}

impl Frame<'_> {
    /// Bytes the frame takes in the segment.
    pub(crate) const fn size(&self) -> usize {
        size(self.content.len())
    }

    /// Appends the encoded frame.
    pub(crate) fn encode(&self, seed: Seed, into: &mut Vec<u8>) {
        let length = u32::try_from(self.content.len()).expect("entries are shorter than 4 GiB");
        let mut header = [0; HEADER];
        header[0..4].copy_from_slice(&length.to_le_bytes());
        header[4..8].copy_from_slice(&self.kind.code().to_le_bytes());
        header[8..16].copy_from_slice(&self.seq.0.to_le_bytes());
        header[16..24].copy_from_slice(&self.durable.0.to_le_bytes());
        let content = seed.checksum([&header[..24], self.content]);
        header[24..28].copy_from_slice(&content.to_le_bytes());
        let whole = seed.checksum([&header[..28], &[]]);
        header[28..32].copy_from_slice(&whole.to_le_bytes());
        let end = into.len() + self.size();
        into.extend_from_slice(&header);
        into.extend_from_slice(self.content);
        into.resize(end, 0);
    }
}

/// Bytes that a frame with so much content takes.
pub(crate) const fn size(content: usize) -> usize {
    (HEADER + content).next_multiple_of(ALIGNMENT)
}

/// Whether `bytes` starts with the header of a frame, whatever has become of its content.
pub(crate) fn begins(seed: Seed, bytes: &[u8]) -> bool {
    bytes
        .first_chunk::<HEADER>()
        .is_some_and(|header| seed.checksum([&header[..28], &[]]) == number(&header[28..32]))
}

/// The frame at the start of `bytes`, if there is a valid one.
pub(crate) fn decode(seed: Seed, bytes: &[u8]) -> Option<Frame<'_>> {
    let header = bytes.first_chunk::<HEADER>()?;
    let kind = Kind::of(number(&header[4..8]))?;
    if !begins(seed, header) {
        return None;
    }
    let length = usize::try_from(number(&header[0..4])).ok()?;
    let content = bytes.get(HEADER..HEADER.checked_add(length)?)?;
    if seed.checksum([&header[..24], content]) != number(&header[24..28]) {
        return None;
    }
    Some(Frame {
        kind,
        seq: Seq(wide(&header[8..16])),
        durable: Seq(wide(&header[16..24])),
        content,
    })
}

/// Every valid frame in `bytes`, wherever it begins, and where it begins. `bytes` is aligned.
pub(crate) fn search(seed: Seed, bytes: &[u8]) -> impl Iterator<Item = (usize, Frame<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let here = at;
            if let Some(frame) = decode(seed, &bytes[here..]) {
                at += frame.size();
                return Some((here, frame));
            }
            at += ALIGNMENT;
        }
        None
    })
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}

fn wide(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(seed: Seed, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let frame = Frame {
            kind: Kind::Entry,
            seq: Seq(7),
            durable: Seq(5),
            content,
        };
        frame.encode(seed, &mut bytes);
        bytes
    }

    #[test]
    fn a_frame_is_valid_only_under_its_own_seed() {
        let bytes = encoded(Seed::new(1, 1), b"entry");
        assert_eq!(bytes.len(), size(5));
        assert_eq!(decode(Seed::new(1, 1), &bytes).unwrap().content, b"entry");
        assert_eq!(decode(Seed::new(1, 2), &bytes), None);
        assert_eq!(decode(Seed::new(2, 1), &bytes), None);
    }

    #[test]
    fn every_flipped_bit_outside_the_padding_is_noticed() {
        let seed = Seed::new(3, 4);
        let good = encoded(seed, b"entry");
        for bit in 0..(HEADER + 5) * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(seed, &bad), None, "bit {bit}");
        }
    }

    #[test]
    fn zeros_are_no_frame() {
        assert_eq!(decode(Seed::new(0, 0), &[0; 64]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let seed = Seed::new(1, 1);
            prop_assert_eq!(decode(seed, &bytes), None);
            prop_assert_eq!(search(seed, &bytes).count(), 0);
        }

        #[test]
        fn search_finds_what_was_written(
            noise in 0_usize..40,
            contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..5),
        ) {
            let seed = Seed::new(9, 9);
            let mut bytes = vec![0xa5; noise * ALIGNMENT];
            for content in &contents {
                bytes.extend(encoded(seed, content));
            }
            let found: Vec<_> = search(seed, &bytes).map(|(_, frame)| frame.content.to_vec()).collect();
            prop_assert_eq!(found, contents);
        }
    }
}
