//! How Tendermint replicas can deceive.

use super::deceit::{Deceit, another_payload, pick, somewhere};
use super::recent::{Last, Recent};
use crate::SimulatedScheme;
use quorate_core::testing::Random;
use quorate_core::{
    Body as _, Digest, Height, Payload, Place, QuorumCertificate, ReplicaId, Verified, View,
    VoteSet,
};
use quorate_tendermint::{Body, Certificate, Phase, Polka, Proposal, Tendermint, Value, Vote};

/// What an adversary remembers of a Tendermint cluster.
#[derive(Debug)]
pub struct Memory<S: SimulatedScheme> {
    scheme: S,
    /// Prevotes, and precommits.
    votes: [Recent<Place, VoteSet<Tendermint<S>>>; 2],
    /// Polkas: made of prevotes, or shown.
    polkas: Recent<Place, (Value, QuorumCertificate<S>)>,
    /// Commit certificates.
    commits: Recent<Place, (Value, QuorumCertificate<S>)>,
    /// Payloads that were proposed.
    payloads: Last<Payload>,
    /// Values proposed in a round.
    proposed: Recent<Place, Vec<Value>>,
}

const fn index(phase: Phase) -> usize {
    match phase {
        Phase::Prevote => 0,
        Phase::Precommit => 1,
    }
}

impl<S: SimulatedScheme> Memory<S> {
    fn certify(
        &mut self,
        phase: Phase,
        place: Place,
        value: Value,
        certificate: QuorumCertificate<S>,
    ) {
        if value != Value::NIL {
            let known = match phase {
                Phase::Prevote => &mut self.polkas,
                Phase::Precommit => &mut self.commits,
            };
            known.keep(place, (value, certificate));
        }
    }

    fn vote(&mut self, phase: Phase, vote: Vote, message: &Verified<Tendermint<S>>) {
        let place = message.body().place();
        let validators = quorate_core::Scheme::validators(&self.scheme);
        let votes = self.votes[index(phase)].entry(place);
        let _ = votes.add(validators, message.clone());
        let digest = vote.value.digest();
        if votes.power(digest) >= validators.quorum().quorum() {
            let certificate = votes.certificate(&self.scheme, digest);
            self.certify(phase, place, vote.value, certificate);
        }
    }

    fn payload(&self, value: Value) -> Option<Payload> {
        let mut known = self.payloads.iter();
        known.find(|it| Value::of(*it.digest()) == value).cloned()
    }

    /// The polkas of a height below a round, with their payloads.
    fn polkas(&self, height: Height, below: View) -> Vec<(Payload, Polka<S>)> {
        let known = self.polkas.below(Place::new(height, below));
        let known = known.filter(|(place, _)| place.height == height);
        let known = known.filter_map(|(place, (value, certificate))| {
            let polka = Polka {
                round: place.view,
                certificate: certificate.clone(),
            };
            Some((self.payload(*value)?, polka))
        });
        known.collect()
    }

    /// Another value that could be voted for at a place.
    fn rival(&self, place: Place, than: Value, random: &mut Random) -> Value {
        let known = self.proposed.get(&place).into_iter().flatten().copied();
        let older = self.polkas(place.height, place.view).into_iter();
        let older = older.map(|(payload, _)| Value::of(*payload.digest()));
        let mut rivals: Vec<_> = known.chain(older).chain([Value::NIL]).collect();
        rivals.retain(|value| *value != than);
        pick(&rivals, random).copied().unwrap_or_else(|| {
            let nothing = Digest::builder("quorate simulator rival");
            Value::of(nothing.digest(than.digest()).finish())
        })
    }
}

impl<S: SimulatedScheme> Deceit for Tendermint<S> {
    type Memory = Memory<S>;

    fn memory(scheme: &S) -> Memory<S> {
        Memory {
            scheme: scheme.clone(),
            votes: [Recent::new(32), Recent::new(32)],
            polkas: Recent::new(32),
            commits: Recent::new(32),
            payloads: Last::new(32),
            proposed: Recent::new(32),
        }
    }

    fn learn(memory: &mut Memory<S>, message: &Verified<Self>) {
        match message.body() {
            Body::Proposal(it) => {
                let value = Value::of(*it.payload.digest());
                memory.payloads.keep(it.payload.clone());
                let known = memory.proposed.entry(Place::new(it.height, it.round));
                if !known.contains(&value) && known.len() < 4 {
                    known.push(value);
                }
                if let Some(polka) = &it.polka {
                    let place = Place::new(it.height, polka.round);
                    let certificate = polka.certificate.clone();
                    memory.certify(Phase::Prevote, place, value, certificate);
                }
            }
            Body::Prevote(vote) => memory.vote(Phase::Prevote, *vote, message),
            Body::Precommit(vote) => memory.vote(Phase::Precommit, *vote, message),
            Body::Certificate(it) => {
                let place = Place::new(it.vote.height, it.vote.round);
                memory.certify(it.phase, place, it.vote.value, it.certificate.clone());
            }
        }
    }

    fn contradict(body: &Body<S>, memory: &Memory<S>, random: &mut Random) -> Option<Body<S>> {
        match body {
            Body::Proposal(it) => {
                let heard = memory.payloads.iter().filter(|it| !it.is_empty()).cloned();
                let payload = another_payload(&it.payload, heard, random)?;
                let polka = None;
                Some(Body::Proposal(Proposal {
                    payload,
                    polka,
                    ..it.clone()
                }))
            }
            Body::Prevote(it) => Some(Body::Prevote(Vote {
                value: memory.rival(body.place(), it.value, random),
                ..*it
            })),
            Body::Precommit(it) => Some(Body::Precommit(Vote {
                value: memory.rival(body.place(), it.value, random),
                ..*it
            })),
            Body::Certificate(_) => None,
        }
    }

    fn lie(body: &Body<S>, _: ReplicaId, memory: &Memory<S>, random: &mut Random) -> Vec<Body<S>> {
        let lie = match body {
            Body::Proposal(it) => {
                let polkas = memory.polkas(it.height, it.round);
                let older = polkas.into_iter().filter(|(payload, polka)| {
                    *payload != it.payload || Some(polka.round) != it.valid_round()
                });
                let older: Vec<_> = older.collect();
                // With an old polka, or as if there were none.
                let (payload, polka) = match pick(&older, random).cloned() {
                    Some((payload, polka)) if random.chance(700) => (Some(payload), Some(polka)),
                    _ if it.polka.is_none() => (None, None),
                    _ => {
                        let heard = memory.payloads.iter().cloned();
                        (another_payload(&it.payload, heard, random), None)
                    }
                };
                payload.map(|payload| {
                    Body::Proposal(Proposal {
                        payload,
                        polka,
                        ..it.clone()
                    })
                })
            }
            Body::Prevote(it) => {
                let value = memory.rival(body.place(), it.value, random);
                Some(Body::Prevote(Vote { value, ..*it }))
            }
            // As if there had been no polka; or one, where there was none.
            Body::Precommit(it) => {
                let value = memory.rival(body.place(), it.value, random);
                let value = [Value::NIL, value][random.below(2) as usize];
                (value != it.value).then_some(Body::Precommit(Vote { value, ..*it }))
            }
            Body::Certificate(it) => {
                let known = match it.phase {
                    Phase::Prevote => &memory.polkas,
                    Phase::Precommit => &memory.commits,
                };
                let known: Vec<_> = known.iter().collect();
                pick(&known, random).map(|(place, (value, certificate))| {
                    let vote = Vote {
                        height: place.height,
                        round: place.view,
                        value: *value,
                    };
                    Body::Certificate(Certificate {
                        phase: it.phase,
                        vote,
                        certificate: certificate.clone(),
                    })
                })
            }
        };
        lie.into_iter().collect()
    }

    fn nonsense(body: &Body<S>, random: &mut Random) -> Option<Body<S>> {
        let here = body.place();
        let round = View(somewhere(here.view.0, random));
        let height = Height(somewhere(here.height.0, random));
        let height = [here.height, height][random.below(2) as usize];
        let vote = |it: &Vote| Vote {
            round,
            height,
            ..*it
        };
        Some(match body {
            Body::Proposal(it) => Body::Proposal(Proposal {
                round,
                height,
                polka: it.polka.clone().map(|mut polka| {
                    // Sometimes one whose prevotes are of another round.
                    if random.chance(300) {
                        polka.round = View(somewhere(polka.round.0, random));
                    }
                    polka
                }),
                ..it.clone()
            }),
            Body::Prevote(it) => Body::Prevote(vote(it)),
            Body::Precommit(it) => Body::Precommit(vote(it)),
            Body::Certificate(_) => return None,
        })
    }

    fn is_worth_hiding(body: &Body<S>) -> bool {
        matches!(
            body,
            Body::Prevote(_) | Body::Precommit(_) | Body::Certificate(_)
        )
    }
}
