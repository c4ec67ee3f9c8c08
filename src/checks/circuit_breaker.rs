//! `circuit-breaker`: whether something ends a deployment that fails, and leads back from it.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>

use serde_json::Value;

use super::{Finding, Ruling, Subject};
use crate::error::{Code, Error};
use crate::inputs::{Mode, OnFailure};
use crate::model::service::Service;

/// Judges the configuration that the service will have; nothing where ECS does not go by it. Going back is no time for
/// remarks about it.
pub(super) fn judge(subject: &Subject<'_>) -> Option<Ruling> {
    if subject.inputs.deploy.mode == Mode::Rollback {
        return None;
    }
    subject.moved_by_ecs().map(|service| what_ends_it(subject, service))
}

fn what_ends_it(subject: &Subject<'_>, service: &Service) -> Ruling {
    let Subject { inputs, plan, .. } = subject;
    let name = &service.service_name;
    let says = |part: &str, field: &str| {
        plan.deployment_setting(part).and_then(|part| part.get(field)).and_then(Value::as_bool).unwrap_or(false)
    };
    let watching = ["deploymentCircuitBreaker", "alarms"].map(|part| (part, says(part, "enable")));
    if !watching.iter().any(|(_, is_on)| *is_on) {
        return Ruling::found(Finding::new(Error::new(
            Code::CircuitBreakerOff,
            format!("Nothing in ECS ends a deployment of `{name}` that fails."),
            "Its circuit breaker is off, and no alarms watch the deployment: ECS starts tasks that fail for ever, once this \
             run does not look any more.",
            "Give `deployment-configuration: '{\"deploymentCircuitBreaker\": {\"enable\": true, \"rollback\": true}}'`, or \
             set the same where the service is defined.",
        )));
    }
    // A run that waits goes back itself, unless it was told not to.
    let is_left = inputs.deploy.on_failure == OnFailure::Rollback && !inputs.wait.enabled;
    if is_left && !watching.iter().any(|(part, is_on)| *is_on && says(part, "rollback")) {
        return Ruling::found(Finding::new(Error::new(
            Code::RollbackOff,
            format!("Nothing goes back from a deployment of `{name}` that fails."),
            "ECS ends it and leaves it as it is (`rollback: false`), and this run does not wait for its end.",
            "Set `rollback: true` there, or let the run wait: `wait-for-service-stability: true`.",
        )));
    }
    Ruling::default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;
    use crate::checks::tests::Story;

    fn found(story: &Story) -> Ruling {
        judge(&story.subject()).expect("it is asked")
    }

    #[test]
    fn a_breaker_or_an_alarm_is_enough_and_the_one_that_is_asked_for_counts() {
        let on = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}});
        let off = json!({"deploymentCircuitBreaker": {"enable": false}, "alarms": {"enable": false, "alarmNames": []}});
        let alarms = json!({"alarms": {"enable": true, "alarmNames": ["errors"]}});
        let other = json!({"strategy": "BLUE_GREEN", "maximumPercent": 150});
        for (now, asked, findings) in [
            (None, None, 1),
            (Some(&off), None, 1),
            (Some(&on), None, 0),
            (Some(&alarms), None, 0),
            (Some(&off), Some(&on), 0),
            (Some(&on), Some(&off), 1),
            // What is not sent stays as it is.
            (Some(&on), Some(&other), 0),
            (Some(&off), Some(&other), 1),
        ] {
            let mut story = Story::default();
            story.service().deployment_configuration = now.cloned();
            story.asks_for(asked);
            assert_eq!(found(&story).findings.len(), findings, "{now:?} {asked:?}");
        }
    }

    #[test]
    fn a_service_without_one_is_told_how_to_switch_it_on() {
        let mut story = Story::default();
        story.service().deployment_configuration = None;
        insta::assert_snapshot!(found(&story).findings[0].error);
    }

    #[test]
    fn one_that_leads_nowhere_is_told_where_nobody_waits_to_go_back() {
        let mut story = Story::with(
            json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "web:after"}]}),
            &[("wait-for-service-stability", "false")],
        );
        let breaker = |rollback: bool| json!({"deploymentCircuitBreaker": {"enable": true, "rollback": rollback}});
        story.service().deployment_configuration = Some(breaker(true));
        assert_eq!(found(&story), Ruling::default());
        story.service().deployment_configuration = Some(breaker(false));
        insta::assert_snapshot!(found(&story).findings[0].error);
        story.inputs.deploy.on_failure = OnFailure::None;
        assert_eq!(found(&story), Ruling::default(), "it is what was asked for");
        story.inputs.deploy.on_failure = OnFailure::Rollback;
        story.inputs.wait.enabled = true;
        assert_eq!(found(&story), Ruling::default(), "the run goes back itself");
    }

    #[test]
    fn only_a_service_that_ecs_moves_forward_needs_one() {
        let mut story = Story::default();
        story.service().deployment_configuration = None;
        story.inputs.deploy.mode = Mode::Rollback;
        assert_eq!(judge(&story.subject()), None);
        story.inputs.deploy.mode = Mode::Deploy;
        assert_eq!(found(&story).findings.len(), 1);
        story.moved_by_code_deploy();
        assert_eq!(judge(&story.subject()), None);
        story.plan.service = None;
        assert_eq!(judge(&story.subject()), None);
    }
}
