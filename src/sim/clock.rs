//! Time on stage: what the wire says it is, and what makes a rollout move.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// What a tick of a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Each read of a service (`DescribeServices`, `DescribeServiceDeployments`) is one tick: stories take no time.
    Requests,
    /// A tick each time so much time has gone by: for a demo that moves by itself.
    Wall(Duration),
}

/// The time of day on stage, following tokio's clock so that virtual time works.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    epoch: f64,
    begun: Instant,
    /// Seconds by which the stage's clock differs from the client's.
    pub skew: f64,
}

impl Default for Calendar {
    fn default() -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        Self { epoch, begun: Instant::now(), skew: 0.0 }
    }
}

impl Calendar {
    /// Seconds since 1970, to the millisecond as AWS writes them.
    #[must_use]
    pub fn now(&self) -> f64 {
        let exact = self.epoch + self.begun.elapsed().as_secs_f64() + self.skew;
        (exact * 1000.0).round() / 1000.0
    }
}

fn timestamp(seconds: f64) -> jiff::Timestamp {
    let duration = jiff::SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
    jiff::Timestamp::from_duration(duration).unwrap_or_default()
}

/// `2026-11-21T08:55:00Z`, as STS and GitHub write times.
#[must_use]
pub fn iso(seconds: f64) -> String {
    timestamp(seconds).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `Sat, 21 Nov 2026 08:55:00 GMT`, as in a `Date` header.
#[must_use]
pub fn http_date(seconds: f64) -> String {
    timestamp(seconds).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Whole seconds since 1970, as in a web token's claims.
#[must_use]
pub fn whole(seconds: f64) -> i64 {
    timestamp(seconds).as_second()
}

/// Whole milliseconds since 1970, as in log events.
#[must_use]
pub fn millis(seconds: f64) -> i64 {
    timestamp(seconds).as_millisecond()
}
