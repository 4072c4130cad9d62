//! Quorate's transport over libp2p.
//!
//! [`Libp2pTransport`] carries frames between validators over TCP, Noise and Yamux. A validator's
//! libp2p identity is its ed25519 identity key, so that Noise itself proves who speaks; nobody
//! else stays connected. Frames travel in one of two ways:
//!
//! * **Direct streams.** Each replica opens one persistent stream to each peer for each
//!   [`Channel`](quorate_core::Channel), so that votes never wait behind blocks. Every stream
//!   begins with a hello and its acknowledgement. One-recipient frames always travel like this.
//! * **Gossip.** Broadcasts may travel by gossipsub instead, which needs no full mesh. What the
//!   intake thinks of a message decides whether it is passed on.
//!
//! [`Mode`] says which way broadcasts take. Everything a peer can fill is bounded: each peer has
//! its own queues in both directions. A full outbound queue drops frames and counts them; a full
//! inbound queue stops reading from that peer, and from nobody else.
//!
//! The streams bypass the swarm's event loop: a frame goes from [`Transport::send`] to the peer's
//! writer task, and many frames share one write.
//!
//! One bound is not ours: Yamux grows a stream's receive window with the throughput it sees, up to
//! 1 GiB for a connection, and libp2p offers no setting. A peer fills it only as fast as we read.
//!
//! [`Transport::send`]: quorate_core::Transport::send

mod config;
mod counters;
mod dialing;
mod directory;
mod error;
mod frames;
mod gate;
mod gossip;
mod hello;
mod hub;
mod inbound;
mod inbox;
mod lane;
mod links;
mod outbound;
mod relay;
mod standing;
mod swarm;
mod tasks;
mod transport;

pub use config::{Backoff, Link, Mode, NetworkConfig, Queue, Queues, StandingRule};
pub use error::NetworkError;
pub use transport::Libp2pTransport;
