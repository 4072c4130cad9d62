//! Whole replicas over real sockets.
//!
//! One binary, because each binary that links the network costs half a minute to build.

mod cluster;
mod configuration;
mod engines;
mod hostile;
mod restart;
mod support;
