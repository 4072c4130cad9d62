//! Broadcasts by gossipsub.

use crate::{NetworkConfig, NetworkError};
use libp2p::PeerId;
use libp2p::gossipsub::{
    ConfigBuilder, IdentTopic, IdentityTransform, Message, MessageAcceptance, MessageAuthenticity,
    MessageId, TopicHash, ValidationMode, WhitelistSubscriptionFilter,
};
use quorate_core::{Channel, ReplicaId, Verdict};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc;

/// What goes before a frame in a gossip message: a counter, so that equal frames are different
/// messages. Gossipsub would otherwise drop what is sent again.
pub(crate) const PREFIX: usize = 8;

/// Room for what gossipsub adds to a message: its limit is on all of it at the receiver, where a
/// longer one is lost without a word.
const SLACK: usize = 4096;

const HEARTBEAT: Duration = Duration::from_millis(700);

/// Gossipsub forgets a message after five heartbeats; a verdict has no effect then.
const TICKET_LIFE: Duration = Duration::from_millis(3_500);

/// Gossipsub that knows our topics only: a peer cannot make it remember others.
pub(crate) type Behaviour =
    libp2p::gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;

/// The topics of a network, by channel.
pub(crate) struct Topics([IdentTopic; 3]);

impl Topics {
    pub(crate) fn new(network: &str) -> Self {
        let topic = |name| IdentTopic::new(format!("{network}/{name}"));
        Self(["votes", "blocks", "service"].map(topic))
    }

    pub(crate) fn of(&self, channel: Channel) -> &IdentTopic {
        &self.0[channel as usize]
    }

    pub(crate) fn channel(&self, topic: &TopicHash) -> Option<Channel> {
        let is_it = |channel: &Channel| self.of(*channel).hash() == *topic;
        Channel::ALL.into_iter().find(is_it)
    }
}

/// Gossipsub, subscribed to the topics, for this many validators.
pub(crate) fn behaviour(
    config: &NetworkConfig,
    topics: &Topics,
    validators: usize,
) -> Result<Behaviour, NetworkError> {
    let setup = |error: &dyn std::fmt::Display| NetworkError::Setup(error.to_string());
    // Up to 13 validators everybody is in everybody's mesh.
    let mesh = (validators - 1).clamp(1, 12);
    let gossip = ConfigBuilder::default()
        // The frames carry signatures of their own.
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(message_id)
        .flood_publish(true)
        .mesh_n(mesh)
        .mesh_n_low(mesh.div_ceil(2))
        .mesh_n_high(mesh + 4)
        .mesh_outbound_min(usize::from(mesh > 1))
        .heartbeat_initial_delay(Duration::from_millis(100))
        .heartbeat_interval(HEARTBEAT)
        .duplicate_cache_time(Duration::from_secs(20))
        .max_transmit_size(config.max_frame + PREFIX + SLACK)
        .build()
        .map_err(|error| setup(&error))?;
    let ours = Channel::ALL.map(|channel| topics.of(channel).hash());
    let filter = WhitelistSubscriptionFilter(ours.into_iter().collect());
    let authenticity = MessageAuthenticity::Anonymous;
    let behaviour = Behaviour::new_with_subscription_filter(authenticity, gossip, filter);
    let mut behaviour = behaviour.map_err(|error| setup(&error))?;
    for channel in Channel::ALL {
        let subscribed = behaviour.subscribe(topics.of(channel));
        subscribed.map_err(|error| setup(&error))?;
    }
    Ok(behaviour)
}

/// 160 bits: nobody can make another message with the same id, to have this one dropped.
fn message_id(message: &Message) -> MessageId {
    let hash = blake3::hash(&message.data);
    MessageId::from(&hash.as_bytes()[..20])
}

/// Numbers the messages of one transport.
pub(crate) struct Numbers(AtomicU64);

impl Numbers {
    /// Begins at the time of day, so that a replica that starts again repeats no number: its
    /// peers may remember the messages it sent before.
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let start = since.map_or(0, |since| since.as_nanos() as u64);
        Self(AtomicU64::new(start))
    }

    /// A frame as a message of its own.
    pub(crate) fn message(&self, frame: &[u8]) -> Vec<u8> {
        let number = self.0.fetch_add(1, Relaxed);
        let mut message = Vec::with_capacity(PREFIX + frame.len());
        message.extend_from_slice(&number.to_le_bytes());
        message.extend_from_slice(frame);
        message
    }
}

/// A message that awaits its verdict.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) message: MessageId,
    pub(crate) peer: PeerId,
    /// Who handed it to us.
    pub(crate) from: ReplicaId,
}

#[derive(Default)]
struct TicketState {
    last: u64,
    open: BTreeMap<u64, (Instant, Judged)>,
}

/// Messages that await their verdict; bounded, the oldest are forgotten.
pub(crate) struct Tickets {
    most: usize,
    state: Mutex<TicketState>,
}

impl Tickets {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            state: Mutex::default(),
        }
    }

    /// Gives out a ticket. What has expired, and the oldest beyond the bound, are forgotten,
    /// which is as good as [`Verdict::Ignore`].
    pub(crate) fn open(&self, judged: Judged, now: Instant) -> u64 {
        let mut state = self.lock();
        while let Some(first) = state.open.first_entry()
            && (now.duration_since(first.get().0) > TICKET_LIFE || state.open.len() >= self.most)
        {
            state.open.pop_first();
        }
        state.last += 1;
        let ticket = state.last;
        state.open.insert(ticket, (now, judged));
        ticket
    }

    /// Takes a ticket back; `None` if it is unknown, used or forgotten.
    pub(crate) fn close(&self, ticket: u64) -> Option<Judged> {
        let closed = self.lock().open.remove(&ticket);
        closed.map(|(_, judged)| judged)
    }

    fn lock(&self) -> MutexGuard<'_, TicketState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Verdicts on their way to the swarm's task; bounded, what does not fit is as good as ignored.
pub(crate) type Verdicts = mpsc::Sender<(Judged, MessageAcceptance)>;

/// In gossipsub's words.
pub(crate) fn acceptance(verdict: Verdict) -> MessageAcceptance {
    match verdict {
        Verdict::Accept => MessageAcceptance::Accept,
        Verdict::Ignore => MessageAcceptance::Ignore,
        Verdict::Reject => MessageAcceptance::Reject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(tag: u8) -> Judged {
        Judged {
            message: MessageId::new(&[tag]),
            peer: PeerId::random(),
            from: ReplicaId(1),
        }
    }

    #[test]
    fn a_ticket_is_good_once() {
        let (tickets, now) = (Tickets::new(4), Instant::now());
        let ticket = tickets.open(judged(7), now);
        assert_eq!(tickets.close(ticket).unwrap().message, MessageId::new(&[7]));
        assert!(tickets.close(ticket).is_none());
        assert!(tickets.close(u64::MAX).is_none());
    }

    #[test]
    fn tickets_are_bounded_and_expire() {
        let (tickets, now) = (Tickets::new(4), Instant::now());
        let given: Vec<_> = (0..6).map(|tag| tickets.open(judged(tag), now)).collect();
        assert!(tickets.close(given[0]).is_none());
        assert!(tickets.close(given[1]).is_none());
        assert!(tickets.close(given[2]).is_some());
        tickets.open(judged(9), now + 2 * TICKET_LIFE);
        assert!(tickets.close(given[3]).is_none(), "expired");
    }

    #[test]
    fn equal_frames_are_different_messages() {
        let numbers = Numbers::new();
        let (first, second) = (numbers.message(b"same"), numbers.message(b"same"));
        assert_ne!(first, second);
        assert_eq!(&first[PREFIX..], b"same");
    }

    #[test]
    fn gossipsub_accepts_the_configuration_for_every_size() {
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = NetworkConfig::new("test", listen);
        for validators in [1, 2, 3, 4, 7, 13, 14, 100, 1024] {
            assert!(behaviour(&config, &Topics::new("test"), validators).is_ok());
        }
    }
}
