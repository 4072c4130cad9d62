//! For tests of engines: an unforgeable mock scheme, and a deterministic cluster in memory.
//!
//! Nothing here belongs in a release build: a mock signature costs a hash, and whoever has the
//! scheme can sign as anybody.

mod cluster;
mod mock;
mod random;

pub use cluster::{Cluster, Load, Options};
pub use mock::{Mock, MockAggregate, MockSignature, MockSigner, mock_validators};
pub use random::Random;
