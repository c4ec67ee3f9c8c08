//! How a deployment goes: how many tasks run at once meanwhile, and what ends it.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>

use serde_json::Value;

use super::{ServicePlan, Step};

/// How many of the service's tasks run at once while they are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Old tasks are stopped and new ones started within these bounds.
    Within {
        /// As many keep running: `minimumHealthyPercent`, rounded up.
        at_least: i64,
        /// No more run at once: `maximumPercent`, rounded down.
        at_most: i64,
    },
    /// All new tasks start beside the old ones, which stop when the traffic has moved.
    Beside,
}

impl ServicePlan {
    /// How many tasks the service is to run.
    pub fn desired_count(&self) -> i64 {
        let had = self.service.as_ref().map_or(0, |service| service.desired_count);
        self.sent("desiredCount").and_then(Value::as_i64).unwrap_or(had)
    }

    /// Whether new tasks take the place of the old ones; settings alone move none.
    pub fn moves_tasks(&self) -> bool {
        let is_new = match &self.reuse {
            Some(reuse) => Some(&reuse.arn) != self.previous_task_definition_arn.as_ref(),
            None => true,
        };
        let sent = |field: &str| self.sent(field).is_some_and(|value| *value != Value::Bool(false));
        self.steps.iter().any(|step| match step {
            Step::UpdateService { .. } => is_new || sent("forceNewDeployment") || sent("volumeConfigurations"),
            Step::CodeDeploy(_) => true,
            _ => false,
        })
    }

    /// How many tasks run at once; nothing where that is not known, as for daemons.
    pub fn pace(&self) -> Option<Pace> {
        let service = self.service.as_ref().filter(|service| !service.is_daemon())?;
        if service.is_moved_by_code_deploy() {
            return Some(Pace::Beside);
        }
        let percent =
            |name: &str, default: i64| self.deployment_setting(name).and_then(Value::as_i64).unwrap_or(default);
        match self.deployment_setting("strategy").and_then(Value::as_str).unwrap_or("ROLLING") {
            "ROLLING" => {
                let of = |percent: i64| self.desired_count().saturating_mul(percent);
                let at_least = of(percent("minimumHealthyPercent", 100)).saturating_add(99) / 100;
                Some(Pace::Within { at_least, at_most: of(percent("maximumPercent", 200)) / 100 })
            }
            "BLUE_GREEN" | "LINEAR" | "CANARY" => Some(Pace::Beside),
            _ => None,
        }
    }

    /// How many failed tasks end the deployment; nothing where the circuit breaker is off.
    pub fn failures_allowed(&self) -> Option<i64> {
        let breaker = self.deployment_setting("deploymentCircuitBreaker").filter(|breaker| is_on(breaker))?;
        let threshold = breaker.get("thresholdConfiguration");
        let kind = threshold.and_then(|threshold| threshold.get("type")).and_then(Value::as_str);
        let value = threshold.and_then(|threshold| threshold.get("value")).and_then(Value::as_i64).unwrap_or(50);
        let share = self.desired_count().saturating_mul(value).saturating_add(99) / 100;
        match kind.unwrap_or("BOUNDED_PERCENT") {
            "BOUNDED_PERCENT" => Some(share.clamp(3, 200)),
            "UNBOUNDED_PERCENT" => Some(share),
            "COUNT" => Some(value),
            _ => None,
        }
    }

    /// What an update of the service carries.
    fn sent(&self, field: &str) -> Option<&Value> {
        self.steps.iter().find_map(|step| match step {
            Step::UpdateService { body } | Step::UpdateSettings { body } => body.get(field),
            _ => None,
        })
    }
}

/// Whether a part of the settings is switched on.
pub fn is_on(part: &Value) -> bool {
    part.get("enable").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Map, json};

    use super::*;
    use crate::inputs::{OnCancel, OnFailure};
    use crate::model::task_definition::{Registered, TaskDefinition};

    /// An update of a service of so many tasks.
    fn plan(desired: i64, had: &Value, sent: Value) -> ServicePlan {
        ServicePlan {
            service: Some(
                serde_json::from_value(json!({"desiredCount": desired, "deploymentConfiguration": had})).unwrap(),
            ),
            cluster: "prod".to_owned(),
            definition: TaskDefinition(Map::new()),
            reuse: None,
            previous_task_definition_arn: Some("web:7".to_owned()),
            changes: Vec::new(),
            images: Vec::new(),
            steps: vec![Step::UpdateService { body: sent }],
            cost: None,
            on_failure: OnFailure::None,
            on_cancel: OnCancel::Leave,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn the_least_is_rounded_up_and_the_most_rounded_down() {
        for (desired, min, max, at_least, at_most) in [
            (4, 100, 200, 4, 8),
            (3, 50, 125, 2, 3),
            (2, 75, 100, 2, 2),
            (1, 0, 100, 0, 1),
            (0, 100, 200, 0, 0),
            (10, 33, 155, 4, 15),
        ] {
            let had = json!({"minimumHealthyPercent": min, "maximumPercent": max});
            assert_eq!(
                plan(desired, &had, json!({})).pace(),
                Some(Pace::Within { at_least, at_most }),
                "{desired} {had}"
            );
        }
        assert_eq!(plan(3, &json!({}), json!({})).pace(), Some(Pace::Within { at_least: 3, at_most: 6 }));
    }

    #[test]
    fn what_is_sent_counts_and_what_is_not_sent_stays() {
        let had = json!({"minimumHealthyPercent": 50, "maximumPercent": 150, "strategy": "ROLLING"});
        let sent = json!({"desiredCount": 10, "deploymentConfiguration": {"maximumPercent": 110}});
        assert_eq!(plan(4, &had, sent).pace(), Some(Pace::Within { at_least: 5, at_most: 11 }));
        let sent = json!({"deploymentConfiguration": {"strategy": "CANARY"}});
        assert_eq!(plan(4, &had, sent).pace(), Some(Pace::Beside));
    }

    #[test]
    fn nobody_knows_how_many_daemons_there_will_be() {
        let mut plan = plan(4, &json!({}), json!({}));
        plan.service.as_mut().unwrap().scheduling_strategy = Some("DAEMON".to_owned());
        assert_eq!(plan.pace(), None);
    }

    #[test]
    fn the_circuit_breaker_counts_as_ecs_does() {
        let allowed = |desired, threshold: Value| {
            let breaker = json!({"enable": true, "rollback": true, "thresholdConfiguration": threshold});
            plan(desired, &json!({"deploymentCircuitBreaker": breaker}), json!({})).failures_allowed()
        };
        assert_eq!(allowed(2, json!(null)), Some(3));
        assert_eq!(allowed(9, json!(null)), Some(5));
        assert_eq!(allowed(1000, json!(null)), Some(200));
        assert_eq!(allowed(1000, json!({"type": "UNBOUNDED_PERCENT", "value": 50})), Some(500));
        assert_eq!(allowed(1000, json!({"type": "COUNT", "value": 7})), Some(7));
        assert_eq!(
            plan(2, &json!({"deploymentCircuitBreaker": {"enable": false}}), json!({})).failures_allowed(),
            None
        );
    }

    #[test]
    fn settings_alone_move_no_task() {
        let mut plan = plan(2, &json!({}), json!({"desiredCount": 4}));
        assert!(plan.moves_tasks());
        let reuse = |arn: &str| {
            Some(Registered { arn: arn.to_owned(), status: "ACTIVE".to_owned(), document: json!({}), tags: Vec::new() })
        };
        plan.reuse = reuse("web:7");
        assert!(!plan.moves_tasks());
        plan.reuse = reuse("web:6");
        assert!(plan.moves_tasks());
        plan.reuse = reuse("web:7");
        for (sent, moves) in [
            (json!({"forceNewDeployment": true}), true),
            (json!({"forceNewDeployment": false}), false),
            (json!({"volumeConfigurations": [{"name": "data"}]}), true),
        ] {
            plan.steps = vec![Step::UpdateService { body: sent.clone() }];
            assert_eq!(plan.moves_tasks(), moves, "{sent}");
        }
    }
}
