//! For tests of engines: an unforgeable mock scheme, and ready-made setups.
//!
//! Nothing here belongs in a release build: a mock signature costs a hash, and whoever has the
//! scheme can sign as anybody.

mod mock;

pub use mock::{Mock, MockAggregate, MockSignature, MockSigner, mock_validators};
