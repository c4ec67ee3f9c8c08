//! How long to follow the rollout.

use std::time::Duration;

use super::given::{Given, Remarks, given};
use super::raw::RawInputs;
use super::suggest::nearest;

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
    /// `wait-until`.
    pub until: Until,
    /// `fail-fast-after`: identical deterministic failures that end the wait; 0 is never.
    pub fail_fast_after: u32,
}

impl Default for Wait {
    /// As when no input is given.
    fn default() -> Self {
        Self {
            enabled: true,
            limit: Duration::from_mins(30),
            max_delay: Duration::from_secs(5),
            until: Until::Stable,
            fail_fast_after: 3,
        }
    }
}

/// `wait-until`: what ends the wait well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Until {
    /// ECS calls our deployment finished.
    #[default]
    Stable,
    /// Our tasks run and are healthy; old ones may still drain.
    Healthy,
    /// Our deployment is at this lifecycle stage, or past it.
    Stage(String),
    /// A pause hook waits for somebody.
    Paused,
}

/// The stages of a deployment, in their order.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>
pub const STAGES: &[&str] = &[
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
];

pub(super) fn parse(raw: &RawInputs, remarks: &mut Remarks) -> Wait {
    let minutes = given!(raw.wait_for_minutes).capped(1..=LONGEST_MINUTES, remarks).unwrap_or(30);
    Wait {
        enabled: given!(raw.wait_for_service_stability).boolean(remarks).unwrap_or(true),
        limit: Duration::from_mins(u64::from(minutes)),
        max_delay: Duration::from_secs(u64::from(
            given!(raw.wait_max_delay_seconds).number(0..=3600, remarks).unwrap_or(5),
        )),
        until: until(given!(raw.wait_until), remarks),
        fail_fast_after: given!(raw.fail_fast_after).number(0..=1000, remarks).unwrap_or(3),
    }
}

fn until(input: Given<'_>, remarks: &mut Remarks) -> Until {
    let Some(text) = input.text() else { return Until::Stable };
    if let Some((word, stage)) = text.split_once(':')
        && word.trim().eq_ignore_ascii_case("stage")
    {
        let stage = stage.trim().to_ascii_uppercase();
        if !STAGES.contains(&stage.as_str()) {
            let fix = nearest(&stage, STAGES.iter().copied())
                .map_or_else(|| "Write one of these.".to_owned(), |near| format!("Did you mean `stage:{near}`?"));
            remarks.invalid(input, &format!("The stages are {}", STAGES.join(", ")), &fix);
        }
        return Until::Stage(stage);
    }
    let words = [("stable", 0), ("healthy", 1), ("paused", 2), ("stage:<LIFECYCLE_STAGE>", 0)];
    match input.word(&words, remarks) {
        Some(1) => Until::Healthy,
        Some(2) => Until::Paused,
        _ => Until::Stable,
    }
}
