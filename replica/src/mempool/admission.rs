//! What is admitted to a mempool.

use super::{Arrival, Held, Known, Mempool};
use quorate_core::{ReplicaId, Request, Time};

/// What a mempool holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolLimits {
    /// Bytes of all requests together, each counted as it is encoded in a batch plus
    /// [`Self::HELD_OVERHEAD`]. Forwarded requests may fill half of it, so that peers never crowd
    /// out the clients of this replica. Default 64 MiB.
    pub bytes: usize,
    /// Bytes that the requests forwarded by one peer may take. Default 8 MiB.
    pub forwarded_bytes: usize,
    /// Longest request, encoded. Default 256 KiB.
    pub request_bytes: usize,
    /// Longest batch. At least [`Self::request_bytes`]. Default 256 KiB.
    pub batch_bytes: usize,
    /// Most requests in a batch. Default 8,192.
    pub batch_requests: usize,
}

impl MempoolLimits {
    /// What a held request costs beyond its encoding, rounded up: without it a flood of empty
    /// requests would take many times the memory that it is charged for.
    pub const HELD_OVERHEAD: usize = 192;
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            forwarded_bytes: 8 << 20,
            request_bytes: 256 << 10,
            batch_bytes: 256 << 10,
            batch_requests: 8192,
        }
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client of this replica.
    Local,
    /// Another replica, whose client it is.
    Forwarded(ReplicaId),
}

/// Why a request is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionError {
    /// It is here already.
    #[error("the request is waiting already")]
    Duplicate,
    /// It was decided not long ago. The reply table has the reply, or will have it.
    #[error("the request has been decided already")]
    Decided,
    /// Longer than [`MempoolLimits::request_bytes`].
    #[error("the request takes {len} bytes of at most {limit}")]
    TooLong {
        /// Its encoded length.
        len: usize,
        /// The most that is admitted.
        limit: usize,
    },
    /// Back-pressure: there is no room now. Try again when requests have been decided.
    #[error("the mempool is full: {held} of {limit} bytes")]
    Full {
        /// Bytes charged for what is held.
        held: usize,
        /// The most that is held.
        limit: usize,
    },
    /// A peer has forwarded more than its share. Its own clients wait there.
    #[error("replica {by} has forwarded {held} bytes of at most {limit}")]
    Quota {
        /// The peer.
        by: ReplicaId,
        /// Bytes charged to it, or to all peers together.
        held: usize,
        /// The most that is held.
        limit: usize,
    },
}

impl Mempool {
    /// Takes a request in. The caller has asked the application and the reply table.
    ///
    /// A request that a peer has forwarded, and that now comes from a local client, counts as
    /// local from now on and joins the end of the queue, so that this replica forwards it too; the
    /// answer is [`AdmissionError::Duplicate`] all the same.
    ///
    /// # Errors
    ///
    /// If it is here already, too long, or there is no room for it. The request comes back.
    pub fn admit(
        &mut self,
        now: Time,
        request: Request,
        origin: Origin,
    ) -> Result<(), (Request, AdmissionError)> {
        match self.check(now, &request, origin) {
            Ok(()) => {
                self.hold(now, request, origin);
                Ok(())
            }
            Err(error) => Err((request, error)),
        }
    }

    fn check(
        &mut self,
        now: Time,
        request: &Request,
        origin: Origin,
    ) -> Result<(), AdmissionError> {
        let len = request.encoded_len();
        if len > self.limits.request_bytes {
            return Err(AdmissionError::TooLong {
                len,
                limit: self.limits.request_bytes,
            });
        }
        match self.known.get(&request.id) {
            Some(known) if known.decided => return Err(AdmissionError::Decided),
            Some(Known {
                held: Some(arrival),
                ..
            }) => {
                let arrival = *arrival;
                self.adopt(now, arrival, origin);
                return Err(AdmissionError::Duplicate);
            }
            _ => {}
        }
        self.check_room(len + MempoolLimits::HELD_OVERHEAD, origin)
    }

    fn check_room(&self, charge: usize, origin: Origin) -> Result<(), AdmissionError> {
        if self.charged + charge > self.limits.bytes {
            return Err(AdmissionError::Full {
                held: self.charged,
                limit: self.limits.bytes,
            });
        }
        let Origin::Forwarded(by) = origin else {
            return Ok(());
        };
        let own = self.charged_by.get(&by).copied().unwrap_or(0);
        let shares = [
            (own, self.limits.forwarded_bytes),
            (self.charged_forwarded, self.limits.bytes / 2),
        ];
        shares
            .into_iter()
            .find(|(held, limit)| held + charge > *limit)
            .map_or(Ok(()), |(held, limit)| {
                Err(AdmissionError::Quota { by, held, limit })
            })
    }

    fn hold(&mut self, now: Time, request: Request, origin: Origin) {
        // Times follow the order of arrival even if the caller's clock does not.
        self.last_received = self.last_received.max(now);
        self.charge(&request, origin);
        let id = request.id;
        let arrival = self.held.push(Held {
            request,
            received: self.last_received,
            origin,
        });
        self.known.entry(id).or_default().held = Some(arrival);
    }

    fn charge(&mut self, request: &Request, origin: Origin) {
        let charge = request.encoded_len() + MempoolLimits::HELD_OVERHEAD;
        self.encoded += request.encoded_len();
        self.charged += charge;
        if let Origin::Forwarded(by) = origin {
            self.charged_forwarded += charge;
            *self.charged_by.entry(by).or_default() += charge;
        }
    }

    fn discharge(&mut self, request: &Request, origin: Origin) {
        let charge = request.encoded_len() + MempoolLimits::HELD_OVERHEAD;
        self.encoded -= request.encoded_len();
        self.charged -= charge;
        if let Origin::Forwarded(by) = origin {
            self.charged_forwarded -= charge;
            *self.charged_by.entry(by).or_default() -= charge;
        }
    }

    /// Makes a forwarded request that a local client has sent too a local one.
    fn adopt(&mut self, now: Time, arrival: Arrival, origin: Origin) {
        let held = self.held.get(arrival).expect("known requests are held");
        if origin == Origin::Local && held.origin != Origin::Local {
            let held = self.take(arrival);
            self.hold(now, held.request, Origin::Local);
        }
    }

    pub(super) fn take(&mut self, arrival: Arrival) -> Held {
        let held = self.held.remove(arrival).expect("known requests are held");
        self.returned.remove(&arrival);
        self.discharge(&held.request, held.origin);
        held
    }
}
