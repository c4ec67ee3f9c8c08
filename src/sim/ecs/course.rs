//! The stages a strategy goes through, in order, with the traffic and the time of each.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-blue-green.html>

use std::collections::VecDeque;

use serde_json::Value;

/// One stage, once.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// `lifecycleStage`.
    pub stage: &'static str,
    /// The percentage of test traffic at the new revision from here on.
    pub test: f64,
    /// The percentage of production traffic at the new revision from here on.
    pub production: f64,
    /// How long it bakes.
    pub minutes: u32,
}

/// The way of a `deploymentConfiguration`; empty for `ROLLING`, which has no stages. A running deployment beside the
/// one that is replaced is reconciled first.
pub(super) fn course(configuration: &Value, crowded: bool) -> VecDeque<Step> {
    let shifts = match configuration.get("strategy").and_then(Value::as_str) {
        Some("BLUE_GREEN") => vec![(100.0, 0)],
        Some("LINEAR") => linear(configuration.get("linearConfiguration")),
        Some("CANARY") => canary(configuration.get("canaryConfiguration")),
        _ => return VecDeque::new(),
    };
    let mut steps = VecDeque::new();
    let mut step = |stage, test, production, minutes| steps.push_back(Step { stage, test, production, minutes });
    if crowded {
        step("RECONCILE_SERVICE", 0.0, 0.0, 0);
    }
    for stage in ["PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP"] {
        step(stage, 0.0, 0.0, 0);
    }
    for stage in ["TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT"] {
        step(stage, 100.0, 0.0, 0);
    }
    let mut before = 0.0;
    for (percent, minutes) in shifts {
        step("PRE_PRODUCTION_TRAFFIC_SHIFT", 100.0, before, 0);
        step("PRODUCTION_TRAFFIC_SHIFT", 100.0, percent, minutes);
        before = percent;
    }
    step("POST_PRODUCTION_TRAFFIC_SHIFT", 100.0, 100.0, 0);
    step("BAKE_TIME", 100.0, 100.0, minutes(configuration, "bakeTimeInMinutes", 0));
    step("CLEAN_UP", 100.0, 100.0, 0);
    steps
}

/// Equal steps, each with its bake; none after the last.
fn linear(settings: Option<&Value>) -> Vec<(f64, u32)> {
    let settings = settings.unwrap_or(&Value::Null);
    let percent = number(settings, "stepPercent", 10.0).max(3.0);
    let bake = minutes(settings, "stepBakeTimeInMinutes", 6);
    let mut shifts = Vec::new();
    let mut reached = percent;
    while reached < 99.95 {
        shifts.push(((reached * 10.0).round() / 10.0, bake));
        reached += percent;
    }
    shifts.push((100.0, 0));
    shifts
}

fn canary(settings: Option<&Value>) -> Vec<(f64, u32)> {
    let settings = settings.unwrap_or(&Value::Null);
    let percent = number(settings, "canaryPercent", 5.0);
    vec![(percent, minutes(settings, "canaryBakeTimeInMinutes", 10)), (100.0, 0)]
}

fn number(settings: &Value, key: &str, usual: f64) -> f64 {
    settings.get(key).and_then(Value::as_f64).unwrap_or(usual)
}

pub(super) fn minutes(settings: &Value, key: &str, usual: u32) -> u32 {
    settings.get(key).and_then(Value::as_u64).and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or(usual)
}
