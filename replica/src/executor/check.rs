//! Whether a proposed payload may be ordered.

use super::read;
use crate::MempoolLimits;
use quorate_core::{Application, Payload, Refusal, Request, RequestRef, Requests};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, RwLock};

/// Why a payload is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadRefusal {
    /// It is not a batch, to the last byte.
    #[error(transparent)]
    Malformed(#[from] quorate_core::MalformedBatch),
    /// The batch is longer than any replica builds.
    #[error("the batch of {0} bytes is too long")]
    TooLong(usize),
    /// The batch has more requests than any replica builds.
    #[error("the batch has more than {0} requests")]
    TooMany(usize),
    /// A request is longer than any replica admits.
    #[error("a request of {0} bytes is too long")]
    RequestTooLong(usize),
    /// A request is in it twice.
    #[error("a request is in the batch twice")]
    Repeated,
    /// The application refuses a request.
    #[error(transparent)]
    Application(#[from] Refusal),
}

/// Checks proposed payloads, on any thread.
///
/// The verdict is a pure function of the payload, of limits that all replicas share, and of
/// [`Application::check`], which is a pure function of the request. That a request is stale or was
/// executed is not its business: execution skips it. All replicas must have equal limits, or one
/// that refuses what another proposed blames an honest leader.
///
/// The application's lock is held for reading for one request at a time: a check waits for at most
/// one execution, and execution for at most one check in each thread.
pub struct PayloadCheck<A> {
    application: Arc<RwLock<A>>,
    limits: MempoolLimits,
}

impl<A> Clone for PayloadCheck<A> {
    fn clone(&self) -> Self {
        Self {
            application: Arc::clone(&self.application),
            limits: self.limits,
        }
    }
}

impl<A> fmt::Debug for PayloadCheck<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "payload check with {:?}", self.limits)
    }
}

impl<A: Application> PayloadCheck<A> {
    pub(super) const fn new(application: Arc<RwLock<A>>, limits: MempoolLimits) -> Self {
        Self {
            application,
            limits,
        }
    }

    /// Whether the payload may be ordered.
    ///
    /// # Errors
    ///
    /// With the first reason found, if it may not. Form is checked before the application is
    /// asked about any request.
    pub fn check(&self, payload: &Payload) -> Result<(), PayloadRefusal> {
        if payload.len() > self.limits.batch_bytes {
            return Err(PayloadRefusal::TooLong(payload.len()));
        }
        let mut names = BTreeSet::new();
        for (index, request) in Requests::new(payload.bytes()).enumerate() {
            let request = request?;
            if index >= self.limits.batch_requests {
                return Err(PayloadRefusal::TooMany(self.limits.batch_requests));
            }
            let len = encoded_len(request);
            if len > self.limits.request_bytes {
                return Err(PayloadRefusal::RequestTooLong(len));
            }
            if !names.insert(request.id) {
                return Err(PayloadRefusal::Repeated);
            }
        }
        Requests::new(payload.bytes())
            .flatten()
            .try_for_each(|request| Ok(self.check_request(request)?))
    }

    /// Whether the application accepts a request, for admission.
    ///
    /// # Errors
    ///
    /// With the application's reason.
    pub fn check_request(&self, request: RequestRef<'_>) -> Result<(), Refusal> {
        read(&self.application).check(request)
    }
}

fn encoded_len(request: RequestRef<'_>) -> usize {
    let head = Request {
        id: request.id,
        body: Vec::new(),
    };
    head.encoded_len() + request.body.len()
}
