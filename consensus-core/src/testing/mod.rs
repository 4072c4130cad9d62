//! For tests of engines: an unforgeable mock scheme, a deterministic cluster in memory, and a
//! runner for text scripts.
//!
//! Nothing here belongs in a release build: a mock signature costs a hash, and whoever has the
//! scheme can sign as anybody.

mod cluster;
mod mock;
mod random;
mod script;

pub use cluster::{Cluster, Load, Options};
pub use mock::{
    Mock, MockAggregate, MockSignature, MockSigner, mock_validator_set, mock_validators,
};
pub use random::Random;
pub use script::{Script, run_scripts};
