//! How the rollout went by its settings: rows among the facts.

use serde_json::Value;

use crate::apply::progress::minutes;
use crate::apply::strategy::Times;
use crate::model::names::short_name;
use crate::model::service::ServiceDeployment;
use crate::report::Report;
use crate::report::markdown::{code, text};

/// What is known of strategy, stage, traffic, hooks, circuit breaker and alarms.
pub fn rows(report: &Report) -> Vec<(&'static str, Option<String>)> {
    let deployment = report.outcome.service_deployment.as_ref();
    vec![
        ("Strategy", strategy(report)),
        ("Stage", stage(report)),
        ("Hooks", deployment.and_then(hooks)),
        ("Circuit breaker", breaker(report)),
        ("Alarms", alarms(report)),
    ]
}

fn settings(report: &Report) -> Option<&Value> {
    let of_deployment = report.outcome.service_deployment.as_ref().and_then(|it| it.deployment_configuration.as_ref());
    of_deployment.or(report.outcome.service.as_ref()?.deployment_configuration.as_ref())
}

fn name(report: &Report) -> Option<&str> {
    settings(report)?.get("strategy").and_then(Value::as_str)
}

/// Only where it is not the plain one that everybody has.
fn strategy(report: &Report) -> Option<String> {
    let settings = settings(report)?;
    let name = name(report).filter(|name| *name != "ROLLING");
    let times = Times::of(Some(settings));
    let steps = match times.steps {
        0 => None,
        1 => Some(format!("one step of {}", minutes(times.step))),
        steps => Some(format!("{steps} steps of {}", minutes(times.step))),
    };
    let bake = (!times.bake.is_zero()).then(|| format!("bake time {}", minutes(times.bake)));
    let parts: Vec<String> = name.map(code).into_iter().chain(steps).chain(bake).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// With the share of the traffic, where the strategy shifts it.
fn stage(report: &Report) -> Option<String> {
    let deployment = report.outcome.service_deployment.as_ref()?;
    let stage = deployment.lifecycle_stage.as_deref().filter(|stage| !stage.is_empty()).map(code);
    let shifts = name(report).is_some_and(|name| name != "ROLLING");
    let target = deployment.target_service_revision.as_ref().filter(|_| shifts);
    let traffic = target.and_then(|target| target.requested_production_traffic_weight);
    let traffic = traffic.map(|new| format!("{new} % of the traffic on the new revision"));
    let test = target.and_then(|target| target.requested_test_traffic_weight).filter(|weight| *weight > 0.0);
    let test = test.map(|new| format!("{new} % of the test traffic"));
    let parts: Vec<String> = stage.into_iter().chain(traffic).chain(test).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The hooks that have not ended well.
fn hooks(deployment: &ServiceDeployment) -> Option<String> {
    let open = deployment.lifecycle_hook_details.iter().filter(|hook| hook.status != "SUCCEEDED");
    let told: Vec<String> = open
        .take(5)
        .map(|hook| {
            let name = hook.target_arn.as_deref().map_or_else(|| text(&hook.target_type), |arn| code(short_name(arn)));
            format!("{name} {}", code(&hook.status))
        })
        .collect();
    (!told.is_empty()).then(|| told.join("<br>"))
}

fn breaker(report: &Report) -> Option<String> {
    if report.ending()?.is_green() {
        return None;
    }
    let of_deployment = || report.outcome.service_deployment.as_ref()?.deployment_circuit_breaker.as_ref();
    let breaker = report.evidence().and_then(|evidence| evidence.breaker.as_ref()).or_else(of_deployment)?;
    let counted = format!("{} of {} failures", breaker.failure_count, breaker.threshold);
    match (breaker.status.as_str(), breaker.failure_count) {
        ("DISABLED", _) => Some("off".to_owned()),
        ("TRIGGERED", _) => Some(format!("tripped: {counted}")),
        (_, 0) => None,
        _ => Some(counted),
    }
}

fn alarms(report: &Report) -> Option<String> {
    let names: Vec<String> = report.evidence()?.alarms.iter().take(10).map(|name| code(name)).collect();
    (!names.is_empty()).then(|| format!("{} fired", names.join(", ")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::stories;

    fn told(deployment: serde_json::Value, alarms: &[&str]) -> String {
        let mut report = stories::bad_image();
        report.outcome.service_deployment = serde_json::from_value(deployment).unwrap();
        let evidence = report.outcome.evidence.as_mut().unwrap();
        evidence.breaker = None;
        evidence.alarms = alarms.iter().map(|&name| name.to_owned()).collect();
        let rows = rows(&report).into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", value?)));
        rows.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_strategy_is_told_with_its_times_its_traffic_and_what_ended_it() {
        let weights = json!({ "requestedProductionTrafficWeight": 0.0 });
        let plain = json!({ "deploymentConfiguration": { "strategy": "ROLLING" }, "targetServiceRevision": weights });
        assert_eq!(told(plain, &[]), "");
        let linear = json!({
            "lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT",
            "targetServiceRevision": { "requestedProductionTrafficWeight": 30.0 },
            "deploymentConfiguration": { "strategy": "LINEAR", "bakeTimeInMinutes": 5,
                "linearConfiguration": { "stepPercent": 30.0, "stepBakeTimeInMinutes": 2 } },
            "deploymentCircuitBreaker": { "status": "MONITORING", "failureCount": 1, "threshold": 3 },
        });
        insta::assert_snapshot!(told(linear, &["web-5xx", "web-latency"]), @r"
        Strategy: `LINEAR`, 3 steps of 2 min, bake time 5 min
        Stage: `PRODUCTION_TRAFFIC_SHIFT`, 30 % of the traffic on the new revision
        Circuit breaker: 1 of 3 failures
        Alarms: `web-5xx`, `web-latency` fired
        ");
        let hooked = json!({
            "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
            "deploymentConfiguration": { "strategy": "BLUE_GREEN" },
            "lifecycleHookDetails": [
                { "targetType": "AWS_LAMBDA", "status": "SUCCEEDED", "targetArn": "arn:aws:lambda:r:1:function:warm" },
                { "targetType": "AWS_LAMBDA", "status": "FAILED", "targetArn": "arn:aws:lambda:r:1:function:smoke" },
            ],
            "deploymentCircuitBreaker": { "status": "DISABLED" },
        });
        insta::assert_snapshot!(told(hooked, &[]), @r"
        Strategy: `BLUE_GREEN`
        Stage: `POST_TEST_TRAFFIC_SHIFT`
        Hooks: `arn:aws:lambda:r:1:function:smoke` `FAILED`
        Circuit breaker: off
        ");
    }
}
