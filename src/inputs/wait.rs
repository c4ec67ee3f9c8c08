//! How long to follow the rollout.

use std::time::Duration;

use super::given::{Remarks, given};
use super::raw::RawInputs;

/// The longest `wait-for-minutes`: six hours, the longest job GitHub's own runners take.
const LONGEST_MINUTES: u32 = 360;

/// How long to follow the rollout.
#[derive(Debug, Clone)]
pub struct Wait {
    /// `wait-for-service-stability`.
    pub enabled: bool,
    /// `wait-for-minutes`.
    pub limit: Duration,
    /// `wait-max-delay-seconds`.
    pub max_delay: Duration,
}

pub(super) fn parse(raw: &RawInputs, remarks: &mut Remarks) -> Wait {
    let minutes = given!(raw.wait_for_minutes).capped(1..=LONGEST_MINUTES, remarks).unwrap_or(30);
    Wait {
        enabled: given!(raw.wait_for_service_stability).boolean(remarks).unwrap_or(true),
        limit: Duration::from_mins(u64::from(minutes)),
        max_delay: Duration::from_secs(u64::from(
            given!(raw.wait_max_delay_seconds).number(0..=3600, remarks).unwrap_or(5),
        )),
    }
}
