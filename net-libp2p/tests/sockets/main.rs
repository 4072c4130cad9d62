//! The transport over real sockets on loopback.

mod cluster;
mod delivery;
mod hostile;
mod lifecycle;
mod rogue;
