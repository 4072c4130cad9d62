//! Views: entering them, and giving them up.

use crate::engine::{VOTES_KEPT, WINDOW};
use crate::{
    Advance, Body, CommitRule, Config, HotStuff, Record, SignedVote, TimedOut, Timeout,
    TimeoutCertificate,
};
use quorate_core::{
    Note, Outbox, Recipients, ReplicaId, Scheme, Threshold, Time, Timers, Verified, View,
};
use std::time::Duration;

/// The engine's deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The view is given up, or its timeout repeated.
    View,
    /// A leader stops waiting for a payload.
    Build,
    /// A missing block is asked for, again.
    Fetch,
}

/// Which view it is, and how long it may take.
#[derive(Debug)]
pub(crate) struct Pacemaker {
    pub(crate) view: View,
    pub(crate) timers: Timers<Timer>,
    /// Views given up since the last decision.
    failures: u32,
}

impl Pacemaker {
    pub(crate) fn new(view: View) -> Self {
        Self {
            view,
            timers: Timers::default(),
            failures: 0,
        }
    }

    /// A decision was made: views take their normal time again.
    pub(crate) fn progress(&mut self) {
        self.failures = 0;
    }

    /// How long this view may take: half as long again for each failure, up to the maximum.
    pub(crate) fn duration(&self, config: &Config) -> Duration {
        let mut duration = config.view_timeout;
        for _ in 0..self.failures {
            if duration >= config.timeout_max {
                break;
            }
            duration = duration.saturating_mul(3) / 2;
        }
        duration.min(config.timeout_max.max(config.view_timeout))
    }
}

impl<S: Scheme, R: CommitRule> HotStuff<S, R> {
    /// Moves to a later view. The caller has the certificate, or the timeouts, that justify it.
    pub(crate) fn enter(&mut self, now: Time, view: View, out: &mut Outbox<Self>) {
        if view <= self.pacemaker.view {
            return;
        }
        self.pacemaker.view = view;
        self.begin_view(now, out);
    }

    pub(crate) fn begin_view(&mut self, now: Time, out: &mut Outbox<Self>) {
        let view = self.pacemaker.view;
        self.proposer.abandon();
        self.checking = None;
        self.timeouts.prune(view);
        self.tally
            .keep_from(View(view.0.saturating_sub(VOTES_KEPT)));
        let duration = self.pacemaker.duration(&self.setup.config);
        self.pacemaker.timers.clear(Timer::Build);
        self.pacemaker.timers.set(Timer::View, now.after(duration));
        out.note(Note::Entered(self.tree.height().next(), view));
        self.try_build(now, out);
    }

    pub(crate) fn on_tick(&mut self, now: Time, out: &mut Outbox<Self>) {
        while let Some(timer) = self.pacemaker.timers.due(now) {
            match timer {
                Timer::View if self.safety.has_timed_out(self.pacemaker.view) => {
                    self.repeat_timeout(now, out);
                }
                Timer::View => self.give_up(now, out),
                Timer::Build => self.on_build_overdue(now, out),
                Timer::Fetch => self.on_fetch_due(now, out),
            }
        }
    }

    /// Gives up the current view: no vote and no proposal in it from here on.
    pub(crate) fn give_up(&mut self, now: Time, out: &mut Outbox<Self>) {
        let view = self.pacemaker.view;
        self.proposer.abandon();
        self.checking = None;
        self.safety.timed_out(view);
        self.pacemaker.failures = self.pacemaker.failures.saturating_add(1);
        let lock = *self.safety.lock();
        // DiemBFT's safe_to_timeout: this is what carries the lock of the two-chain rule.
        assert!(
            self.high_qc.view() >= lock.view,
            "a lock comes from a certificate, so one as high is here"
        );
        let carried = self.last_vote.as_ref().and_then(|last| {
            let recent = last.vote.view.next() >= view;
            let signature = last.signature.clone().filter(|_| recent)?;
            Some(SignedVote {
                by: self.setup.me,
                vote: last.vote,
                signature,
            })
        });
        let timeout = Timeout {
            view,
            high_qc: self.high_qc.clone(),
            vote: carried,
        };
        let record = TimedOut {
            timeout: timeout.clone(),
            entered: self.entered_by_timeout(),
            vote: self.last_vote.as_ref().map(|last| last.vote),
            lock,
        };
        let seq = out.promise(
            Record::TimedOut(Box::new(record)),
            Recipients::All,
            Body::Timeout(timeout.clone()),
        );
        self.promises.renewed(seq);
        self.last_timeout = Some((seq, timeout));
        out.note(Note::TimedOut(self.tree.height().next(), view));
        self.set_repeat(now);
    }

    fn set_repeat(&mut self, now: Time) {
        let again = self.pacemaker.duration(&self.setup.config);
        self.pacemaker.timers.set(Timer::View, now.after(again));
    }

    /// The highest certificate of timeouts, unless the highest certificate is above it.
    fn entered_by_timeout(&self) -> Option<TimeoutCertificate<S>> {
        let high_qc = self.high_qc.view();
        self.high_tc.clone().filter(|tc| tc.view > high_qc)
    }

    /// Says the last timeout again as it was, because messages are lost, and beside it what lets
    /// others catch up with us.
    pub(crate) fn repeat_timeout(&mut self, now: Time, out: &mut Outbox<Self>) {
        if let Some((seq, timeout)) = &self.last_timeout {
            out.repeat(*seq, Recipients::All, Body::Timeout(timeout.clone()));
            let advance = Advance {
                high_qc: self.high_qc.clone(),
                timeout: self.entered_by_timeout(),
            };
            out.send(Recipients::All, Body::Advance(advance));
        }
        self.set_repeat(now);
    }

    pub(crate) fn on_timeout(
        &mut self,
        now: Time,
        message: Verified<Self>,
        out: &mut Outbox<Self>,
    ) {
        let by = message.by();
        let signature = message.signature().clone();
        let Body::Timeout(timeout) = message.into_signed().body else {
            return;
        };
        if let Err(fault) = timeout.check(by, &self.genesis) {
            out.blame(by, fault);
            return;
        }
        let Timeout {
            view,
            high_qc,
            vote,
        } = timeout;
        self.on_certificate(now, &high_qc, out);
        let furthest = self.pacemaker.view.0.saturating_add(WINDOW);
        if view.0 > furthest {
            return;
        }
        // The votes first: a certificate of the view before serves the next leader.
        if let Some(vote) = vote {
            let before = self.pacemaker.view;
            self.count_vote(now, vote, out);
            if self.pacemaker.view > before && self.safety.has_timed_out(before) {
                self.hurry(now);
            }
        }
        if view < self.pacemaker.view {
            return;
        }
        self.timeouts.add(by, view, high_qc.view(), &signature);
        if let Some(certificate) = self.timeouts.certificate(&self.setup.scheme, view) {
            self.on_timeout_certificate(now, certificate, out);
        }
        self.join(now, out);
    }

    /// This view was entered by a certificate that its leader has swallowed: the votes were sent to
    /// it, and everybody had to wait for a timeout to see them. It has had one chance, so it gets a
    /// quarter of the time for the other. A correct leader whom the votes did not reach has them
    /// now, and if it is too far away for that, the view after it has its full time.
    fn hurry(&mut self, now: Time) {
        if !self.leads(self.pacemaker.view) {
            let duration = self.pacemaker.duration(&self.setup.config) / 4;
            self.pacemaker.timers.set(Timer::View, now.after(duration));
        }
    }

    /// Gives up a view because replicas have of which one is correct: if it is right, so are we.
    fn join(&mut self, now: Time, out: &mut Outbox<Self>) {
        let validators = &self.setup.validators;
        let Some(view) = self.timeouts.reached(validators, Threshold::Weak) else {
            return;
        };
        self.enter(now, view, out);
        if view == self.pacemaker.view && !self.safety.has_timed_out(view) {
            self.give_up(now, out);
        }
    }

    /// Takes in a well-formed certificate of timeouts.
    pub(crate) fn on_timeout_certificate(
        &mut self,
        now: Time,
        certificate: TimeoutCertificate<S>,
        out: &mut Outbox<Self>,
    ) {
        let view = certificate.view;
        let known = self.high_tc.as_ref().map_or(View::ZERO, |tc| tc.view);
        if view > known {
            self.high_tc = Some(certificate);
        }
        if view >= self.pacemaker.view && view.0 < u64::MAX {
            self.enter(now, view.next(), out);
        } else if view > known {
            // We came to this view without it, and may lead it.
            self.try_build(now, out);
        }
    }

    pub(crate) fn on_advance(
        &mut self,
        now: Time,
        by: ReplicaId,
        advance: &Advance<S>,
        out: &mut Outbox<Self>,
    ) {
        if let Err(fault) = self.check_advance(advance) {
            out.blame(by, fault);
            return;
        }
        self.on_certificate(now, &advance.high_qc, out);
        if let Some(timeout) = &advance.timeout {
            self.on_timeout_certificate(now, timeout.clone(), out);
        }
    }

    /// Whoever has a certificate of timeouts has a certificate as high as its signers had.
    fn check_advance(&self, advance: &Advance<S>) -> Result<(), quorate_core::Fault> {
        advance.high_qc.check(&self.genesis)?;
        let Some(timeout) = &advance.timeout else {
            return Ok(());
        };
        timeout.check(&self.setup.validators)?;
        let high = advance.high_qc.view();
        if high >= timeout.highest() && high < timeout.view {
            Ok(())
        } else {
            Err(quorate_core::Fault::Inconsistent)
        }
    }

    /// Why the next deadline is when it is.
    pub(crate) fn waiting_for(&self) -> &'static str {
        let view = self.pacemaker.view;
        if self.safety.has_timed_out(view) {
            "others to give up the view"
        } else if self.proposer.is_building() {
            "a payload to propose"
        } else if self.checking.is_some() {
            "the application to check a payload"
        } else if self.leads(view.next()) && !self.safety.vote_is_free(view) {
            "votes"
        } else {
            "a proposal"
        }
    }
}
