//! The replicas' clocks.

use quorate_core::Time;
use std::time::Duration;

/// Millionths.
const MILLION: u128 = 1_000_000;

/// How a replica's clock differs from virtual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// What it shows when the replica starts.
    pub offset: Duration,
    /// How many microseconds a second it gains, or loses if negative; more than -1,000,000.
    pub drift: i32,
}

impl Clock {
    /// Parts per million that it goes.
    fn rate(self) -> u128 {
        let rate = 1_000_000 + i64::from(self.drift);
        u128::try_from(rate)
            .ok()
            .filter(|rate| *rate > 0)
            .expect("no clock stands still or goes backwards")
    }

    /// What it shows at a virtual time, if it was started at another.
    pub(crate) fn local(self, started: Time, now: Time) -> Time {
        let elapsed = now.since(started).as_nanos() * self.rate() / MILLION;
        Time::ZERO.after(self.offset).after(nanos(elapsed))
    }

    /// The first virtual time at which it shows this.
    pub(crate) fn global(self, started: Time, local: Time) -> Time {
        let elapsed = local.since(Time::ZERO.after(self.offset)).as_nanos();
        started.after(nanos((elapsed * MILLION).div_ceil(self.rate())))
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_has_come_when_its_virtual_time_has() {
        for drift in [-50_000, -1, 0, 1, 37, 50_000] {
            let offset = Duration::from_secs(5);
            let clock = Clock { offset, drift };
            let started = Time::from_millis(1_234);
            for elapsed in [0, 1, 999, 1_000_003, 77_777_777_777] {
                let local = Time(5_000_000_000 + elapsed);
                let global = clock.global(started, local);
                assert!(clock.local(started, global) >= local);
                if elapsed > 0 {
                    assert!(clock.local(started, Time(global.0 - 1)) < local);
                }
            }
        }
    }

    #[test]
    fn drift_makes_a_clock_gain_or_lose() {
        let after = |drift| {
            let offset = Duration::from_millis(7);
            let clock = Clock { offset, drift };
            clock.local(Time::ZERO, Time::from_millis(100_000))
        };
        assert_eq!(after(0), Time::from_millis(100_007));
        assert_eq!(after(20_000), Time::from_millis(102_007));
        assert_eq!(after(-20_000), Time::from_millis(98_007));
    }
}
