//! What the swarm's task does with gossip: publishes, delivers, passes on.

use crate::gossip::{Judged, PREFIX};
use crate::swarm::SwarmTask;
use bytes::Bytes;
use libp2p::PeerId;
use libp2p::gossipsub::{self, MessageAcceptance, PublishError};
use quorate_core::{Channel, Delivery, Fault};
use std::time::Instant;

/// Messages published before the swarm is polled again.
const PUBLISH_BATCH: usize = 64;

impl SwarmTask {
    pub(crate) fn on_gossip(&mut self, event: gossipsub::Event) {
        let hub = self.hub.clone();
        match event {
            gossipsub::Event::Message {
                propagation_source: peer,
                message_id,
                message,
            } => self.on_message(peer, message_id, message),
            gossipsub::Event::Subscribed { peer_id, topic, .. } => {
                let known = (hub.directory.replica(&peer_id), self.topics.channel(&topic));
                if let (Some(peer), Some(channel)) = known {
                    hub.links.subscribe(peer, channel);
                    self.publish();
                }
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => {
                let known = (hub.directory.replica(&peer_id), self.topics.channel(&topic));
                if let (Some(peer), Some(channel)) = known {
                    hub.links.unsubscribe(peer, channel);
                }
            }
            gossipsub::Event::SlowPeer {
                peer_id,
                failed_messages,
            } => {
                if let Some(peer) = hub.directory.replica(&peer_id) {
                    let failed = failed_messages.priority + failed_messages.non_priority;
                    hub.tally.dropped(peer, failed as u64);
                }
            }
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                tracing::warn!(peer = %peer_id, "the peer does not gossip: compare the modes");
            }
        }
    }

    fn on_message(
        &mut self,
        peer: PeerId,
        message: gossipsub::MessageId,
        content: gossipsub::Message,
    ) {
        let hub = self.hub.clone();
        let Some(from) = hub.directory.replica(&peer) else {
            return;
        };
        let judged = Judged {
            message,
            peer,
            from,
        };
        let len = content.data.len();
        let fault = if len <= PREFIX {
            Some(Fault::Malformed)
        } else if len > PREFIX + hub.config.max_frame {
            Some(Fault::Oversized)
        } else {
            None
        };
        if let Some(fault) = fault {
            hub.blame(from, fault);
            return self.report(&judged, MessageAcceptance::Reject);
        }
        // Gossipsub delivers what we have subscribed to, and nothing else.
        let Some(channel) = self.topics.channel(&content.topic) else {
            return self.report(&judged, MessageAcceptance::Ignore);
        };
        let ticket = hub.tickets.open(judged.clone(), Instant::now());
        let delivery = Delivery {
            from,
            direct: false,
            channel,
            bytes: Bytes::from(content.data).slice(PREFIX..),
            ticket: Some(ticket),
        };
        if !hub.inbox.offer(delivery) {
            hub.tickets.close(ticket);
            hub.tally.dropped(from, 1);
            self.report(&judged, MessageAcceptance::Ignore);
        }
    }

    pub(crate) fn report(&mut self, judged: &Judged, acceptance: MessageAcceptance) {
        if let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() {
            gossip.report_message_validation_result(&judged.message, &judged.peer, acceptance);
        }
    }

    /// Publishes what is queued for topics that somebody listens to; the rest waits.
    pub(crate) fn publish(&mut self) {
        let Some(gossip) = self.swarm.behaviour_mut().gossip.as_mut() else {
            return;
        };
        let mut frames = Vec::new();
        for channel in Channel::ALL {
            if !self.hub.links.has_subscriber(channel) {
                continue;
            }
            self.hub.gossip[channel as usize].take(&mut frames, PUBLISH_BATCH, usize::MAX);
            if frames.len() == PUBLISH_BATCH {
                self.hub.wake.notify_one();
            }
            for frame in frames.drain(..) {
                let message = self.numbers.message(&frame);
                let topic = self.topics.of(channel).hash();
                match gossip.publish(topic, message) {
                    Ok(_) => {}
                    Err(error) => {
                        self.hub.drop_for_all();
                        if !matches!(
                            error,
                            PublishError::NoPeersSubscribedToTopic | PublishError::AllQueuesFull(_)
                        ) {
                            tracing::warn!(%error, ?channel, "not published");
                        }
                    }
                }
            }
        }
    }
}
