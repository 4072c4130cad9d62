//! What can be configured, and what must hold of it.

use crate::NetworkError;
use quorate_core::{Channel, ReplicaId};
use std::net::SocketAddr;
use std::time::Duration;

/// Which way broadcasts take. One-recipient frames always travel on direct streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Decided at each broadcast. Direct streams if every other validator is connected at this
    /// moment or has a known address; gossip otherwise, to those that can be reached, who pass it
    /// on. Replicas that decide differently still hear each other.
    #[default]
    Auto,
    /// Direct streams only; there is no gossip at all. A replica in this mode neither hears nor
    /// passes on what others gossip, so all replicas should agree on it.
    Direct,
    /// Always gossip.
    Gossip,
}

/// What connections are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Link {
    /// TCP without Nagle's delay, encrypted and authenticated by Noise, multiplexed by Yamux.
    #[default]
    Tcp,
}

/// Bounds of one queue. Both hold; a single frame is always accepted by an empty queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Most frames it holds; at least 1.
    pub messages: usize,
    /// Most bytes it holds; at least `max_frame`.
    pub bytes: usize,
}

/// One peer's queues in one direction, by channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queues {
    /// Votes. Outbound, the oldest are dropped: newer votes supersede them.
    pub votes: Queue,
    /// Blocks. Outbound, the oldest are dropped: a peer that is behind fetches what it missed.
    pub blocks: Queue,
    /// Everything else. Outbound, the newest are dropped: an answer that is under way in several
    /// frames stays whole.
    pub service: Queue,
}

impl Queues {
    /// The queue of a channel.
    #[must_use]
    pub const fn of(&self, channel: Channel) -> Queue {
        match channel {
            Channel::Votes => self.votes,
            Channel::Blocks => self.blocks,
            Channel::Service => self.service,
        }
    }
}

/// How long to wait before dialing a peer again: doubled at each failure, with up to a quarter
/// added that depends on the two replicas and the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// Never longer than this, before the quarter.
    pub last: Duration,
}

/// When a peer's faults cost it the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingRule {
    /// So many punishable faults ...
    pub faults: usize,
    /// ... within this time ...
    pub within: Duration,
    /// ... end the connection, and refuse the peer for this long.
    pub ban: Duration,
}

/// Configuration of a [`Libp2pTransport`](crate::Libp2pTransport).
///
/// Made by [`Self::new`] and then changed field by field.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NetworkConfig {
    /// Names the network: chain, engine and wire version, such as `"chain-7/pbft/1"`. Replicas
    /// with different names refuse each other's streams. 1 to 128 bytes.
    pub network: String,
    /// Where to listen. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// What connections are made of.
    pub link: Link,
    /// Where the other validators listen. May name this replica too, which is ignored. Peers can
    /// be added later, with [`connect`](crate::Libp2pTransport::connect).
    pub peers: Vec<(ReplicaId, SocketAddr)>,
    /// Which way broadcasts take.
    pub mode: Mode,
    /// Longest frame in bytes, envelope included. Longer ones are a fault of their sender.
    pub max_frame: usize,
    /// Bounds of what waits to be sent to one peer; with gossip, of what waits to be published.
    pub outbound: Queues,
    /// Bounds of what has arrived from one peer and has not been received.
    pub inbound: Queues,
    /// How long to wait for a stream's hello to be acknowledged, before opening another. Doubles
    /// at each attempt, so it need not allow for slow links.
    pub hello_timeout: Duration,
    /// How long a connection may take to be encrypted and authenticated.
    pub handshake_timeout: Duration,
    /// How long a frame may take to arrive once it has begun, in addition to a second for each
    /// 64 KiB. A peer that is slower loses the stream.
    pub frame_timeout: Duration,
    /// Time between pings. A peer that leaves one unanswered for twice this long is disconnected.
    pub ping_interval: Duration,
    /// How long a connection without streams is kept.
    pub idle_timeout: Duration,
    /// Waiting times between attempts to connect.
    pub backoff: Backoff,
    /// Inbound connections that may be in their handshake at one time; further ones are closed.
    pub max_pending_inbound: u32,
    /// When faults cost a peer the connection.
    pub standing: StandingRule,
    /// Gossip deliveries that may await their verdict; the oldest beyond that are not passed on.
    pub max_tickets: usize,
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl NetworkConfig {
    /// The defaults, for the network of this name.
    #[must_use]
    pub fn new(network: impl Into<String>, listen: SocketAddr) -> Self {
        let queue = |messages, bytes| Queue { messages, bytes };
        Self {
            network: network.into(),
            listen,
            link: Link::Tcp,
            peers: Vec::new(),
            mode: Mode::Auto,
            max_frame: 16 * MIB,
            outbound: Queues {
                votes: queue(16_384, 16 * MIB),
                blocks: queue(1_024, 64 * MIB),
                service: queue(4_096, 32 * MIB),
            },
            inbound: Queues {
                votes: queue(4_096, 16 * MIB),
                blocks: queue(256, 32 * MIB),
                service: queue(1_024, 16 * MIB),
            },
            hello_timeout: Duration::from_millis(500),
            handshake_timeout: Duration::from_secs(5),
            frame_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(600),
            backoff: Backoff {
                first: Duration::from_millis(100),
                last: Duration::from_secs(5),
            },
            max_pending_inbound: 64,
            standing: StandingRule {
                faults: 16,
                within: Duration::from_secs(60),
                ban: Duration::from_secs(30),
            },
            max_tickets: 8_192,
        }
    }

    /// Checks that the configuration makes sense.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Config`], naming the field and what is wrong with it.
    pub fn validate(&self) -> Result<(), NetworkError> {
        let config = |field, problem: String| Err(NetworkError::Config { field, problem });
        if self.network.is_empty() || self.network.len() > 128 {
            let found = self.network.len();
            return config("network", format!("has {found} bytes, needs 1 to 128"));
        }
        if !(256..=1024 * MIB).contains(&self.max_frame) {
            let found = self.max_frame;
            return config("max_frame", format!("is {found}, needs 256 bytes to 1 GiB"));
        }
        for (field, queues) in [("outbound", &self.outbound), ("inbound", &self.inbound)] {
            for channel in Channel::ALL {
                let queue = queues.of(channel);
                if queue.messages == 0 || queue.bytes < self.max_frame {
                    let problem = format!("{channel:?} cannot hold a frame of max_frame bytes");
                    return config(field, problem);
                }
            }
        }
        for (field, time) in [
            ("hello_timeout", self.hello_timeout),
            ("handshake_timeout", self.handshake_timeout),
            ("frame_timeout", self.frame_timeout),
            ("ping_interval", self.ping_interval),
            ("backoff.first", self.backoff.first),
            ("standing.within", self.standing.within),
        ] {
            if time.is_zero() || time > Duration::from_secs(86_400) {
                return config(
                    field,
                    format!("is {time:?}, needs more than 0, up to a day"),
                );
            }
        }
        if self.backoff.last < self.backoff.first {
            return config("backoff.last", "is shorter than backoff.first".into());
        }
        if self.standing.faults == 0 {
            return config("standing.faults", "is 0, so nobody could connect".into());
        }
        if self.max_pending_inbound == 0 {
            let problem = "is 0, so nobody could connect".into();
            return config("max_pending_inbound", problem);
        }
        if self.max_tickets == 0 {
            let problem = "is 0, so gossip would pass nothing on".into();
            return config("max_tickets", problem);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> NetworkConfig {
        NetworkConfig::new("test/mock/1", "127.0.0.1:0".parse().unwrap())
    }

    fn refused(change: impl FnOnce(&mut NetworkConfig)) -> &'static str {
        let mut config = valid();
        change(&mut config);
        match config.validate() {
            Err(NetworkError::Config { field, .. }) => field,
            other => panic!("expected a refusal, not {other:?}"),
        }
    }

    #[test]
    fn defaults_are_valid_and_nonsense_is_named() {
        valid().validate().unwrap();
        assert_eq!(refused(|config| config.network.clear()), "network");
        assert_eq!(refused(|config| config.max_frame = 0), "max_frame");
        assert_eq!(
            refused(|config| config.outbound.votes.bytes = 17),
            "outbound"
        );
        assert_eq!(
            refused(|config| config.inbound.blocks.messages = 0),
            "inbound"
        );
        assert_eq!(
            refused(|config| config.backoff.last = Duration::ZERO),
            "backoff.last"
        );
        assert_eq!(
            refused(|config| config.hello_timeout = Duration::ZERO),
            "hello_timeout"
        );
        assert_eq!(
            refused(|config| config.standing.faults = 0),
            "standing.faults"
        );
        assert_eq!(
            refused(|config| config.max_pending_inbound = 0),
            "max_pending_inbound"
        );
        assert_eq!(refused(|config| config.max_tickets = 0), "max_tickets");
    }
}
