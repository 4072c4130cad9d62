//! Whole replicas over real sockets.
//!
//! One binary, because each binary that links the network costs half a minute to build.

#![cfg_attr(
    not(all(feature = "pbft", feature = "hotstuff", feature = "tendermint")),
    allow(dead_code, unused_imports, reason = "some tests are of one engine")
)]

#[cfg(feature = "pbft")]
mod chain;
mod cluster;
mod configuration;
mod engines;
mod hostile;
mod restart;
mod support;
