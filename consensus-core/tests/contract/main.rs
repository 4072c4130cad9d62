//! Tests of the contract that all engines share.

mod cluster;
mod toy;
