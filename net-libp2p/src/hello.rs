//! How every direct stream begins.
//!
//! ```text
//! hello            "QRTE" | version u16 | network [u8; 32] | sender u16 | channel u8
//! acknowledgement  "QRTA" | answer u8
//! ```
//!
//! All integers are little endian. Whoever opens a stream says hello, and sends frames once the
//! acknowledgement says that the other side reads them: libp2p may drop a stream that arrives
//! while another is being accepted, without telling the opener.

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use quorate_core::{Channel, Fault, ReplicaId};
use std::io;

const HELLO: [u8; 4] = *b"QRTE";
const ACKNOWLEDGEMENT: [u8; 4] = *b"QRTA";
const VERSION: u16 = 1;
const LEN: usize = 41;

/// Digest of the network's name, as it goes into a hello.
pub(crate) fn network_digest(name: &str) -> [u8; 32] {
    blake3::derive_key("quorate 2026 network name v1", name.as_bytes())
}

/// What the opener of a stream claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) network: [u8; 32],
    pub(crate) sender: ReplicaId,
    pub(crate) channel: Channel,
}

/// What the accepting side thinks of a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Welcome,
    Garbage,
    OtherVersion,
    OtherNetwork,
    NotTheSender,
}

impl Answer {
    const ALL: [Self; 5] = [
        Self::Welcome,
        Self::Garbage,
        Self::OtherVersion,
        Self::OtherNetwork,
        Self::NotTheSender,
    ];

    /// What the opener is blamed for.
    pub(crate) fn fault(self) -> Option<Fault> {
        match self {
            Self::Welcome => None,
            Self::Garbage => Some(Fault::Malformed),
            Self::OtherVersion => Some(Fault::UnknownVersion),
            Self::OtherNetwork => Some(Fault::WrongChain),
            Self::NotTheSender => Some(Fault::Stranger),
        }
    }

    /// For the opener's log.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Welcome => "the stream is accepted",
            Self::Garbage => "it takes our hello for garbage: it runs other software",
            Self::OtherVersion => "it speaks another version: upgrade the older one",
            Self::OtherNetwork => "its chain, engine or wire version is another: compare them",
            Self::NotTheSender => "it knows us by another index: compare the validator sets",
        }
    }
}

impl Hello {
    fn encode(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..4].copy_from_slice(&HELLO);
        bytes[4..6].copy_from_slice(&VERSION.to_le_bytes());
        bytes[6..38].copy_from_slice(&self.network);
        bytes[38..40].copy_from_slice(&self.sender.0.to_le_bytes());
        bytes[40] = self.channel as u8;
        bytes
    }

    /// Compares a hello with the only good one.
    fn judge(&self, bytes: &[u8; LEN]) -> Answer {
        let expected = self.encode();
        let differs = |part: std::ops::Range<usize>| bytes[part.clone()] != expected[part];
        // In this order, because a version may change what follows it.
        if differs(0..4) {
            Answer::Garbage
        } else if differs(4..6) {
            Answer::OtherVersion
        } else if differs(6..38) {
            Answer::OtherNetwork
        } else if differs(38..40) {
            Answer::NotTheSender
        } else if differs(40..LEN) {
            Answer::Garbage
        } else {
            Answer::Welcome
        }
    }

    /// Says hello, and waits for what the other side thinks of it.
    pub(crate) async fn say<S>(&self, stream: &mut S) -> io::Result<Answer>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        stream.write_all(&self.encode()).await?;
        stream.flush().await?;
        let mut reply = [0; 5];
        stream.read_exact(&mut reply).await?;
        let answer = Answer::ALL.into_iter().find(|a| *a as u8 == reply[4]);
        answer
            .filter(|_| reply[..4] == ACKNOWLEDGEMENT)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an acknowledgement"))
    }

    /// Waits for the other side's hello, which should be this one, and answers it.
    pub(crate) async fn expect<S>(&self, stream: &mut S) -> io::Result<Answer>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut bytes = [0; LEN];
        // Whoever begins otherwise need not be waited for.
        stream.read_exact(&mut bytes[..4]).await?;
        let answer = if bytes[..4] == HELLO {
            stream.read_exact(&mut bytes[4..]).await?;
            self.judge(&bytes)
        } else {
            Answer::Garbage
        };
        let mut reply = [answer as u8; 5];
        reply[..4].copy_from_slice(&ACKNOWLEDGEMENT);
        stream.write_all(&reply).await?;
        stream.flush().await?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            network: network_digest("chain-7/pbft/1"),
            sender: ReplicaId(3),
            channel: Channel::Blocks,
        }
    }

    #[test]
    fn each_difference_has_its_answer() {
        let good = hello().encode();
        assert_eq!(hello().judge(&good), Answer::Welcome);
        for (place, answer) in [
            (0, Answer::Garbage),
            (5, Answer::OtherVersion),
            (6, Answer::OtherNetwork),
            (37, Answer::OtherNetwork),
            (38, Answer::NotTheSender),
            (40, Answer::Garbage),
        ] {
            let mut bytes = good;
            bytes[place] ^= 1;
            assert_eq!(hello().judge(&bytes), answer, "at {place}");
        }
    }

    #[test]
    fn the_format_is_fixed() {
        assert_eq!(&hello().encode()[..6], b"QRTE\x01\x00");
        assert_eq!(&hello().encode()[38..], [3, 0, 1]);
        assert_eq!(Answer::ALL.map(|answer| answer as u8), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn only_another_version_is_forgiven() {
        for answer in Answer::ALL {
            let punished = answer.fault().is_some_and(|fault| fault.is_punishable());
            let forgiven = matches!(answer, Answer::Welcome | Answer::OtherVersion);
            assert_eq!(punished, !forgiven, "{answer:?}");
        }
    }
}
