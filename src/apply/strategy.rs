//! The times that a deployment's strategy itself takes, from its settings. Pure.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>

use std::time::Duration;

use serde_json::Value;

use super::progress::minutes;
use crate::inputs::{Until, Wait};

/// How long a deployment stands still on purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// After all traffic moved (ROLLING: while the alarms are watched).
    pub bake: Duration,
    /// After each step of traffic but the last.
    pub step: Duration,
    /// Steps that are followed by such a pause.
    pub steps: u32,
}

impl Times {
    /// Of a service's or a service deployment's `deploymentConfiguration`.
    pub fn of(configuration: Option<&Value>) -> Self {
        let Some(configuration) = configuration else { return Self::default() };
        let number = |part: &Value, key: &str, unset: f64| part.get(key).and_then(Value::as_f64).unwrap_or(unset);
        let wait = |part: &Value, key: &str, unset: f64| {
            Duration::from_secs_f64(number(part, key, unset).clamp(0.0, 100_000.0) * 60.0)
        };
        let part = |key: &str| configuration.get(key).unwrap_or(&Value::Null);
        let (step, steps) = match configuration.get("strategy").and_then(Value::as_str) {
            Some("LINEAR") => {
                let linear = part("linearConfiguration");
                (wait(linear, "stepBakeTimeInMinutes", 6.0), steps(number(linear, "stepPercent", 10.0)))
            }
            Some("CANARY") => (wait(part("canaryConfiguration"), "canaryBakeTimeInMinutes", 10.0), 1),
            _ => (Duration::ZERO, 0),
        };
        Self { bake: wait(configuration, "bakeTimeInMinutes", 0.0), step, steps }
    }

    /// A remark, when these times alone are longer than the wait may be.
    pub fn warning(&self, wait: &Wait) -> Option<String> {
        let total = self.bake + self.step * self.steps;
        let to_the_end = matches!(wait.until, Until::Stable | Until::Paused);
        (to_the_end && total > wait.limit).then(|| {
            format!(
                "the deployment's bake times alone take {}, but `wait-for-minutes` ends the wait after {}: raise it, or \
                 end the wait earlier by `wait-until: healthy` or `wait-until: stage:BAKE_TIME`",
                minutes(total),
                minutes(wait.limit)
            )
        })
    }
}

/// Steps of so many percent before the one that makes it 100.
fn steps(percent: f64) -> u32 {
    (1..100).find(|step| f64::from(*step) * percent >= 100.0).unwrap_or(100) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_bake_times_are_those_of_the_strategy() {
        let told = |configuration: Value| {
            let times = Times::of(Some(&configuration));
            (times.bake.as_secs() / 60, times.step.as_secs() / 60, times.steps)
        };
        assert_eq!(told(json!({})), (0, 0, 0));
        assert_eq!(told(json!({ "strategy": "ROLLING", "bakeTimeInMinutes": 3 })), (3, 0, 0));
        assert_eq!(told(json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5 })), (5, 0, 0));
        assert_eq!(told(json!({ "strategy": "LINEAR", "bakeTimeInMinutes": 5 })), (5, 6, 9));
        let linear = json!({ "stepPercent": 30.0, "stepBakeTimeInMinutes": 2 });
        assert_eq!(told(json!({ "strategy": "LINEAR", "linearConfiguration": linear })), (0, 2, 3));
        assert_eq!(told(json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 100 } })), (0, 6, 0));
        assert_eq!(told(json!({ "strategy": "CANARY", "bakeTimeInMinutes": 1 })), (1, 10, 1));
        let canary = json!({ "canaryPercent": 5.0, "canaryBakeTimeInMinutes": 30 });
        assert_eq!(told(json!({ "strategy": "CANARY", "canaryConfiguration": canary })), (0, 30, 1));
        assert_eq!(Times::of(None), Times::default());
    }

    #[test]
    fn a_wait_that_cannot_be_long_enough_is_told_at_its_start() {
        let wait = |minutes, until| Wait { limit: Duration::from_mins(minutes), until, ..Wait::default() };
        let times = Times::of(Some(&json!({ "strategy": "LINEAR", "bakeTimeInMinutes": 5 })));
        let told = times.warning(&wait(58, Until::Stable)).unwrap_or_default();
        assert!(told.contains("take 59 min,") && told.contains("after 58 min"), "{told}");
        assert_eq!(times.warning(&wait(59, Until::Stable)), None);
        assert_eq!(times.warning(&wait(1, Until::Stage("BAKE_TIME".to_owned()))), None);
    }
}
