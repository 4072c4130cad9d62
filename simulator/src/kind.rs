//! Engines and schemes by name.

use std::fmt;
use std::str::FromStr;

/// Gives the variants of a kind their names, in a table.
macro_rules! names {
    ($kind:ident { $($variant:ident => $name:literal,)+ }) => {
        impl $kind {
            /// All of them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Its name on command lines.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $kind {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(UnknownName {
                        name: name.into(),
                        known: &[$($name),+],
                    }),
                }
            }
        }
    };
}

/// An engine variant, chosen at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngineKind {
    /// PBFT.
    Pbft,
    /// HotStuff with the two-chain commit rule.
    HotStuffTwoChain,
    /// HotStuff with the three-chain commit rule.
    HotStuffThreeChain,
    /// Tendermint.
    Tendermint,
}

names!(EngineKind {
    Pbft => "pbft",
    HotStuffTwoChain => "hotstuff-two-chain",
    HotStuffThreeChain => "hotstuff-three-chain",
    Tendermint => "tendermint",
});

/// How simulated replicas sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemeKind {
    /// A keyed hash: nobody in the world can forge it, and it costs next to nothing.
    #[default]
    Mock,
    /// Ed25519.
    Ed25519,
    /// BLS12-381.
    Bls,
}

names!(SchemeKind {
    Mock => "mock",
    Ed25519 => "ed25519",
    Bls => "bls",
});

/// A name that nothing has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The name.
    pub name: String,
    known: &'static [&'static str],
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is none of {}", self.name, self.known.join(", "))
    }
}

impl std::error::Error for UnknownName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for kind in EngineKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        for kind in SchemeKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let unknown = "none".parse::<SchemeKind>().unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "\"none\" is none of mock, ed25519, bls"
        );
    }
}
