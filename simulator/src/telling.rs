//! States what happens as facts, for the oracles.

use crate::fact::{Certificate, Fact, Said};
use crate::trace::Happening;
use crate::{Engine, World};
use quorate_core::{
    Application, Body, CHECKPOINT_KIND, Checkpoint, CheckpointClaim, Claim, Claims, Decision,
    Digest, Evidence, Place, Proof, ReplicaId, RequestId, Requests, Signing, Threshold, Verified,
    View,
};

/// Bodies of requests, and payloads' bytes, are named by this.
pub(crate) fn body_digest(body: &[u8]) -> Digest {
    Digest::builder("quorate simulator request body")
        .bytes(body)
        .finish()
}

pub(crate) const fn said(signing: &Signing) -> Said {
    Said {
        kind: signing.slot.kind,
        place: signing.slot.place,
        digest: signing.digest,
    }
}

fn certificate<S: quorate_core::Scheme>(claim: &Claim<'_, S>) -> Certificate {
    match claim {
        Claim::Signed { by, statement, .. } => Certificate {
            statement: *statement,
            signers: vec![*by],
            threshold: Threshold::Any,
        },
        Claim::Certified {
            by,
            threshold,
            statement,
            ..
        } => Certificate {
            statement: *statement,
            signers: by.iter().collect(),
            threshold: *threshold,
        },
    }
}

impl<P: Engine> World<P> {
    /// States a fact. The first that an oracle objects to ends the run.
    pub(crate) fn tell(&mut self, fact: &Fact) {
        if self.violation.is_none()
            && let Err(violation) = self.oracles.observe(self.now, fact)
        {
            self.trace_all(|| Happening::Violation {
                oracle: violation.oracle.into(),
                message: violation.message.clone(),
            });
            self.violation = Some(violation);
        }
    }

    /// Somebody has signed.
    pub(crate) fn tell_signed(
        &mut self,
        by: ReplicaId,
        body: &P::Body,
        record: Option<quorate_core::Seq>,
    ) {
        for block in P::blocks(body) {
            self.tell(&Fact::Proposed(block));
        }
        let signing = body.signing();
        self.tell(&Fact::Signed {
            by,
            statement: signing.statement(&self.domain),
            said: said(&signing),
            about: P::about(body),
            exclusive: signing.exclusive,
            binds: body.binds(),
            record,
        });
    }

    /// Somebody takes a message as authentic, with everything that it carries.
    pub(crate) fn tell_relied(&mut self, by: ReplicaId, message: &Verified<P>) {
        for block in P::blocks(message.body()) {
            self.tell(&Fact::Proposed(block));
        }
        let mut claims = Claims::default();
        message.signed().claim(&self.domain, &mut claims);
        let certificates: Vec<_> = claims.iter().map(certificate).collect();
        for certificate in certificates {
            self.tell(&Fact::Relied { by, certificate });
        }
    }

    /// Somebody decides.
    pub(crate) fn tell_decided(&mut self, by: ReplicaId, decision: &Decision<P>) {
        let mut claims = Claims::default();
        let digest = decision.payload.digest();
        // A proof without the right form has no claims, and then no support.
        let _ = decision
            .proof
            .claims(&self.domain, decision.height, digest, &mut claims);
        let certificates = claims.iter().map(certificate).collect();
        let requests: Option<Vec<(RequestId, Digest)>> = Requests::new(decision.payload.bytes())
            .map(|request| Some(request.ok()?).map(|it| (it.id, body_digest(it.body))))
            .collect();
        self.tell(&Fact::Decided {
            by,
            height: decision.height,
            payload: *digest,
            requests,
            certificates,
        });
    }

    /// A checkpoint is stable.
    pub(crate) fn tell_stable(&mut self, by: ReplicaId, checkpoint: &Checkpoint<P::Scheme>) {
        let statement = checkpoint.claim.statement(&self.domain);
        self.tell(&Fact::Stable {
            by,
            height: checkpoint.claim.height,
            certificate: Certificate {
                statement,
                signers: checkpoint.certificate.signers.iter().collect(),
                threshold: Threshold::Quorum,
            },
        });
    }

    /// Somebody accuses.
    pub(crate) fn tell_accused(&mut self, by: ReplicaId, evidence: &Evidence<P>) {
        self.tell(&Fact::Accused {
            by,
            culprit: evidence.first.by,
            first: said(&evidence.first.signing()),
            second: said(&evidence.second.signing()),
            holds: evidence.check(&self.domain, &self.scheme).is_ok(),
        });
    }

    /// Somebody vouches for a state.
    pub(crate) fn tell_checkpoint(&mut self, by: ReplicaId, claim: &CheckpointClaim) {
        let said = Said {
            kind: CHECKPOINT_KIND,
            place: Place::new(claim.height, View::ZERO),
            digest: claim.state,
        };
        self.tell(&Fact::Signed {
            by,
            statement: claim.statement(&self.domain),
            said,
            about: claim.state,
            exclusive: true,
            binds: false,
            record: None,
        });
    }

    /// What the application has executed since it was last asked, and its state then.
    pub(crate) fn tell_executed(&mut self, by: ReplicaId) {
        let Some(running) = &self.nodes[by.index()].running else {
            return;
        };
        let executed = std::mem::take(&mut *running.executed.lock().expect("one thread"));
        let height = running.executor.height();
        let application = running.executor.application();
        let own = application.read().expect("no panic before").digest();
        // An application without a digest is known by its replies.
        let state = own.unwrap_or_else(|| running.executor.state_digest());
        for (height, request) in executed {
            self.tell(&Fact::Executed {
                by,
                height,
                request,
            });
        }
        self.tell(&Fact::State { by, height, state });
    }

    /// Where a replica stands after an event, and what it waits for.
    pub(crate) fn tell_standing(&mut self, by: ReplicaId) {
        let Some(running) = &mut self.nodes[by.index()].running else {
            return;
        };
        let place = running.driver.status().place;
        let lock = running.driver.engine().lock();
        let outstanding = running.outstanding;
        let deadline = running.driver.deadline();
        let stands = Some((place, lock));
        let moved = running.stood != stands;
        running.stood = stands;
        if moved {
            self.tell(&Fact::Stands { by, place, lock });
        }
        self.tell_holdings(by);
        if deadline.is_none() {
            self.tell(&Fact::Waits {
                by,
                deadline,
                outstanding,
            });
        }
    }
}
