//! One number for a whole run.

/// A rolling hash of everything that happens, in order. Equal runs have equal hashes, on every
/// machine and in every build. It finds accidents, not forgeries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Audit(u64);

/// An odd number without pattern: the golden ratio's fraction.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

impl Audit {
    pub(crate) const fn new() -> Self {
        Self(MIX)
    }

    /// Takes in a number.
    pub(crate) const fn number(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(MIX);
        self.0 = mixed ^ (mixed >> 29);
        self.0 = self.0.rotate_left(17);
    }

    /// Takes in bytes and how many they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let chunk: [u8; 8] = chunk.try_into().expect("chunks of eight");
            self.number(u64::from_le_bytes(chunk));
        }
        for byte in chunks.remainder() {
            self.number(u64::from(*byte));
        }
    }

    /// The hash so far.
    pub(crate) const fn hash(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(parts: &[&[u8]]) -> u64 {
        let mut audit = Audit::new();
        parts.iter().for_each(|part| audit.bytes(part));
        audit.hash()
    }

    #[test]
    fn order_and_borders_matter() {
        let hashes = [
            hash(&[]),
            hash(&[b""]),
            hash(&[b"ab", b"c"]),
            hash(&[b"a", b"bc"]),
            hash(&[b"c", b"ab"]),
            hash(&[b"eight by", b"tes and more"]),
            hash(&[b"eight by", b"tes and mor "]),
        ];
        for (index, one) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(one), "{index} is not new");
        }
    }
}
