//! `circuit-breaker`: whether something ends a deployment that fails.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>

use serde_json::Value;

use super::{Finding, Ruling, Subject};
use crate::error::{Code, Error};

/// Judges the configuration that the service will have.
pub(super) fn judge(subject: &Subject<'_>) -> Ruling {
    let Some(service) = subject.plan.service.as_ref().filter(|service| service.controller() == "ECS") else {
        return Ruling::default();
    };
    let configuration = subject.plan.deployment_configuration();
    let is_on = |part: &str| {
        let part = configuration.and_then(|configuration| configuration.get(part));
        part.and_then(|part| part.get("enable")).and_then(Value::as_bool).unwrap_or(false)
    };
    if is_on("deploymentCircuitBreaker") || is_on("alarms") {
        return Ruling::default();
    }
    Ruling::found(Finding::new(Error::new(
        Code::CircuitBreakerOff,
        format!("Nothing in ECS ends a deployment of `{}` that fails.", service.service_name),
        "Its circuit breaker is off, and no alarms watch the deployment: ECS starts tasks that fail for ever, once this run \
         does not look any more.",
        "Give `deployment-configuration: '{\"deploymentCircuitBreaker\": {\"enable\": true, \"rollback\": true}}'`, or set \
         the same where the service is defined.",
    )))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;
    use crate::checks::tests::Story;

    #[test]
    fn a_breaker_or_an_alarm_is_enough_and_the_one_that_is_asked_for_counts() {
        let on = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}});
        let off = json!({"deploymentCircuitBreaker": {"enable": false}, "alarms": {"enable": false, "alarmNames": []}});
        let alarms = json!({"alarms": {"enable": true, "alarmNames": ["errors"]}});
        for (now, asked, findings) in [
            (None, None, 1),
            (Some(&off), None, 1),
            (Some(&on), None, 0),
            (Some(&alarms), None, 0),
            (Some(&off), Some(&on), 0),
            (Some(&on), Some(&off), 1),
        ] {
            let mut story = Story::default();
            story.service().deployment_configuration = now.cloned();
            story.asks_for(asked);
            assert_eq!(judge(&story.subject()).findings.len(), findings, "{now:?} {asked:?}");
        }
    }

    #[test]
    fn a_service_without_one_is_told_how_to_switch_it_on() {
        let mut story = Story::default();
        story.service().deployment_configuration = None;
        insta::assert_snapshot!(judge(&story.subject()).findings[0].error);
    }

    #[test]
    fn only_a_service_that_ecs_moves_needs_one() {
        let mut story = Story::default();
        story.service().deployment_controller =
            Some(crate::model::service::DeploymentController { kind: "CODE_DEPLOY".to_owned() });
        assert_eq!(judge(&story.subject()), Ruling::default());
        story.plan.service = None;
        assert_eq!(judge(&story.subject()), Ruling::default());
    }
}
