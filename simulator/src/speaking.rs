//! What leaves a replica: its driver's messages, or what an adversary makes of them.

use crate::actions::ready;
use crate::adversary::{Scene, Speech};
use crate::fact::Fact;
use crate::trace::{Happening, Message, one, service};
use crate::world::What;
use crate::{Engine, World};
use quorate_core::{Body, Channel, Destination, Frame, KeyRole, ReplicaId, Signer, Verified, wire};
use quorate_replica::Service;
use std::time::Duration;

impl<P: Engine> World<P> {
    /// A message of the protocol leaves, unless an adversary has something else in mind.
    pub(crate) fn speak(&mut self, id: ReplicaId, to: Destination, message: Verified<P>) {
        if let Some(mut mind) = self.nodes[id.index()].mind.take() {
            let speech = Speech {
                to,
                body: message.into_signed().body,
                after: Duration::ZERO,
            };
            let speeches = mind.speak(&mut self.scene(id), speech);
            self.nodes[id.index()].mind = Some(mind);
            self.utter(id, speeches);
            return;
        }
        self.transmit(id, to, &message, Duration::ZERO);
    }

    fn scene(&mut self, id: ReplicaId) -> Scene<'_> {
        Scene {
            me: id,
            now: self.now,
            replicas: &self.ids,
            timeout: self.options.timeout,
            random: &mut self.adversary_random,
            acts: &mut self.checks.counts.acts,
        }
    }

    /// An adversary speaks, and signs as itself.
    fn utter(&mut self, id: ReplicaId, speeches: Vec<Speech<P>>) {
        for speech in speeches {
            self.tell_signed(id, &speech.body, None);
            let signer = &self.signers[id.index()];
            let signed = ready(Verified::sign(&self.domain, signer, speech.body));
            let signed = signed.expect("local signers never fail");
            self.transmit(id, speech.to, &signed, speech.after);
            if let Some(mind) = &mut self.nodes[id.index()].mind {
                mind.spoke(&signed);
            }
        }
    }

    /// A service message leaves, unless an adversary has something else in mind.
    pub(crate) fn serve(&mut self, id: ReplicaId, to: Destination, message: Service<P>) {
        let mut message = Some(message);
        if let Some(mut mind) = self.nodes[id.index()].mind.take() {
            message = message.and_then(|it| mind.serve(&mut self.scene(id), to, it));
            self.nodes[id.index()].mind = Some(mind);
            if let Some(Service::Checkpoint(claim, signature)) = &mut message {
                // Perhaps it is not what its driver has signed.
                let signer = &self.signers[id.index()];
                let signed = ready(signer.sign(KeyRole::Voting, claim.statement(&self.domain)));
                *signature = signed.expect("local signers never fail");
                let claim = *claim;
                self.tell_checkpoint(id, &claim);
            }
        }
        if let Some(message) = message {
            self.trace(id, || Happening::SentService {
                to: one(to),
                text: service(&message),
            });
            let frame = message.encode(&self.domain, id);
            self.send(id, to, &frame, Duration::ZERO);
        }
    }

    fn transmit(&mut self, id: ReplicaId, to: Destination, message: &Verified<P>, after: Duration) {
        self.trace(id, || Happening::Sent {
            to: one(to),
            message: Message::of(message.body()),
        });
        let statement = message.signed().signing().statement(&self.domain);
        self.tell(&Fact::Sent { by: id, statement });
        for signers in P::gathered(message.body()) {
            self.tell(&Fact::Gathered { by: id, signers });
        }
        let channel = match message.body().payload() {
            Some(_) => Channel::Blocks,
            None => Channel::Votes,
        };
        let frame = Frame {
            channel,
            kind: message.body().kind(),
            bytes: wire::encode(&self.domain, message.signed()),
        };
        self.send(id, to, &frame, after);
    }

    fn send(&mut self, id: ReplicaId, to: Destination, frame: &Frame, after: Duration) {
        let recipients = match to {
            Destination::Others => self.ids(),
            Destination::One(other) => vec![other],
        };
        for other in recipients {
            if other == id {
                continue;
            }
            let delays = self.network.route(id, other, self.now);
            for delay in delays.into_iter().flatten() {
                let arrives = What::Arrives(id, frame.clone());
                self.schedule(after + delay, other, arrives);
            }
        }
    }

    /// What an adversary makes of a message that it gets.
    pub(crate) fn hear(&mut self, id: ReplicaId, message: &Verified<P>) {
        if let Some(mut mind) = self.nodes[id.index()].mind.take() {
            let speeches = mind.hear(&mut self.scene(id), message);
            self.nodes[id.index()].mind = Some(mind);
            self.utter(id, speeches);
        }
    }
}
