//! What else a deploy would do than its steps say: how many tasks run at once, what ends it, how it is awaited, what it
//! costs.

use serde_json::Value;

use super::cost;
use crate::inputs::{OnFailure, Until};
use crate::model::verdict::Verdict;
use crate::plan::pace::{Pace, is_on};
use crate::plan::{ServicePlan, Step};
use crate::report::Report;
use crate::report::markdown::{prose, table};

/// How long a pause hook waits where it does not say, in minutes.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHook.html>
const DAY: i64 = 1440;

pub(super) fn section(report: &Report) -> Option<String> {
    if !matches!(report.ending(), Some(Verdict::Planned | Verdict::Blocked)) {
        return None;
    }
    let rows = rows(report).into_iter().map(|(name, value)| [name.to_owned(), prose(&value)]);
    let rows: Vec<[String; 2]> = rows.chain(cost::rows(report)).collect();
    let [[first, value], rest @ ..] = rows.as_slice() else { return None };
    Some(table([first, value], rest.iter().cloned()))
}

/// What is decided before the first change, as name and sentence; names of things stand in backticks.
pub fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let Some(plan) = report.service_plan().filter(|plan| !plan.steps.is_empty()) else { return Vec::new() };
    let moves = plan.moves_tasks();
    let of_a_deployment = |row: Option<String>| row.filter(|_| moves);
    let rows = [
        ("Desired count", desired_count(plan)),
        ("Strategy", of_a_deployment(strategy(plan))),
        ("Tasks", of_a_deployment(tasks(plan))),
        ("Bake time", of_a_deployment(bake_time(plan))),
        ("Hooks", of_a_deployment(hooks(plan))),
        ("If it fails", of_a_deployment(failure(plan, report))),
        ("This run", of_a_deployment(wait(report))),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn desired_count(plan: &ServicePlan) -> Option<String> {
    let (now, then) = (plan.service.as_ref()?.desired_count, plan.desired_count());
    (now != then).then(|| format!("{now} → {then}"))
}

fn strategy(plan: &ServicePlan) -> Option<String> {
    if plan.service.as_ref()?.is_moved_by_code_deploy() {
        let config = plan.steps.iter().find_map(|step| match step {
            Step::CodeDeploy(deployment) => deployment.body.get("deploymentConfigName")?.as_str(),
            _ => None,
        });
        let by = config.map_or_else(|| "as its deployment group says".to_owned(), |config| format!("by `{config}`"));
        return Some(format!("CodeDeploy moves the traffic {by}"));
    }
    let number = |part: &str, field: &str, default: f64| {
        plan.deployment_setting(part).and_then(|part| part.get(field)).and_then(Value::as_f64).unwrap_or(default)
    };
    let strategy = plan.deployment_setting("strategy").and_then(Value::as_str).unwrap_or("ROLLING");
    let traffic = match strategy {
        "BLUE_GREEN" => ": all traffic moves at once".to_owned(),
        "LINEAR" => {
            let (step, pause) = ("stepPercent", "stepBakeTimeInMinutes");
            let (step, pause) = (number("linearConfiguration", step, 10.0), number("linearConfiguration", pause, 6.0));
            format!(": traffic moves in steps of {step} %, {} apart", minutes(pause))
        }
        "CANARY" => {
            let (share, pause) = ("canaryPercent", "canaryBakeTimeInMinutes");
            let (share, pause) =
                (number("canaryConfiguration", share, 5.0), number("canaryConfiguration", pause, 10.0));
            format!(": {share} % of the traffic moves first, the rest {} later", minutes(pause))
        }
        _ => String::new(),
    };
    Some(format!("`{strategy}`{traffic}"))
}

fn tasks(plan: &ServicePlan) -> Option<String> {
    let service = plan.service.as_ref()?;
    if service.is_daemon() {
        return Some("one on each container instance".to_owned());
    }
    let (now, then) = (service.desired_count, plan.desired_count());
    Some(match plan.pace()? {
        _ if then == 0 => "none runs: the desired count is 0".to_owned(),
        Pace::Beside if now == 0 => format!("{then} new {} start", noun(then)),
        Pace::Beside => {
            format!("{then} new {} start beside the {now} old: up to {} run at once", noun(then), now + then)
        }
        Pace::Within { at_least, at_most } if at_least >= then && at_most <= then => {
            format!("⚠️ of {then} none may stop, and none may start beside: ECS can replace no task")
        }
        Pace::Within { at_least, at_most } => {
            let (keep, run) = (if at_least == 1 { "keeps" } else { "keep" }, if at_most == 1 { "runs" } else { "run" });
            format!("of {then}, at least {at_least} {keep} running and at most {at_most} {run} at once")
        }
    })
}

fn noun(tasks: i64) -> &'static str {
    if tasks == 1 { "task" } else { "tasks" }
}

fn bake_time(plan: &ServicePlan) -> Option<String> {
    let time = plan.deployment_setting("bakeTimeInMinutes").and_then(Value::as_f64).filter(|time| *time > 0.0)?;
    let shifts =
        plan.deployment_setting("strategy").and_then(Value::as_str).is_some_and(|strategy| strategy != "ROLLING");
    let watched = plan.deployment_setting("alarms").is_some_and(is_on);
    match (shifts, watched) {
        (true, _) => Some(format!("{}, in which the old tasks still run", minutes(time))),
        (false, true) => Some(format!("{}, in which the alarms are watched", minutes(time))),
        (false, false) => None,
    }
}

fn hooks(plan: &ServicePlan) -> Option<String> {
    let hook = |hook: &Value| {
        let text = |field: &str| hook.get(field).and_then(Value::as_str);
        let stages = hook.get("lifecycleStages").and_then(Value::as_array).into_iter().flatten();
        let stages: Vec<String> = stages.filter_map(Value::as_str).map(|stage| format!("`{stage}`")).collect();
        let what = if text("targetType") == Some("PAUSE") {
            let timeout = hook.get("timeoutConfiguration");
            let limit = timeout.and_then(|it| it.get("timeoutInMinutes")).and_then(Value::as_f64);
            let then = timeout.and_then(|it| it.get("action")).and_then(Value::as_str).unwrap_or("ROLLBACK");
            #[expect(clippy::cast_precision_loss, reason = "a day has few minutes")]
            let limit = minutes(limit.unwrap_or(DAY as f64));
            format!("waits for somebody, {limit} at most, then `{then}`")
        } else {
            let name = text("hookTargetArn").and_then(|arn| arn.rsplit(':').next()).unwrap_or("a function");
            format!("calls `{name}`")
        };
        format!("{} {what}", stages.join(", "))
    };
    let hooks: Vec<String> = plan.deployment_setting("lifecycleHooks")?.as_array()?.iter().map(hook).collect();
    (!hooks.is_empty()).then(|| hooks.join("; "))
}

/// What ends a deployment that fails, and who goes back then.
fn failure(plan: &ServicePlan, report: &Report) -> Option<String> {
    // Who does not wait for the end does not see it fail.
    let waits = report.inputs.as_ref().is_some_and(|inputs| inputs.wait.enabled);
    let ours = match plan.on_failure {
        OnFailure::Rollback if waits => "this run goes back",
        _ => "nobody goes back",
    };
    if plan.service.as_ref()?.is_moved_by_code_deploy() {
        return Some(match plan.on_failure {
            OnFailure::Rollback => "CodeDeploy goes back".to_owned(),
            OnFailure::None => "as the deployment group says".to_owned(),
        });
    }
    let then = |guard: &Value| match guard.get("rollback").and_then(Value::as_bool) {
        Some(true) => "ECS goes back",
        _ => ours,
    };
    let breaker = plan.deployment_setting("deploymentCircuitBreaker").filter(|breaker| is_on(breaker)).map(|breaker| {
        let is_total = breaker.get("resetOnHealthyTask").and_then(Value::as_bool) == Some(false);
        let how = if is_total { " in all" } else { " in a row" };
        match plan.failures_allowed() {
            Some(1) => format!("after 1 failed task, {}", then(breaker)),
            Some(count) => format!("after {count} failed tasks{how}, {}", then(breaker)),
            None => format!("when the circuit breaker says so, {}", then(breaker)),
        }
    });
    let alarms = plan.deployment_setting("alarms").filter(|alarms| is_on(alarms)).map(|alarms| {
        let names = alarms.get("alarmNames").and_then(Value::as_array).into_iter().flatten();
        let names: Vec<String> = names.filter_map(Value::as_str).map(|name| format!("`{name}`")).collect();
        let noun = if names.len() == 1 { "the alarm" } else { "one of the alarms" };
        format!("when {noun} {} fires, {}", names.join(", "), then(alarms))
    });
    let guards: Vec<String> = breaker.into_iter().chain(alarms).collect();
    Some(if guards.is_empty() { format!("nothing in ECS ends it; {ours}") } else { guards.join("; ") })
}

fn wait(report: &Report) -> Option<String> {
    let wait = &report.inputs.as_ref()?.wait;
    if !wait.enabled {
        return Some("does not wait for the end".to_owned());
    }
    let until = match &wait.until {
        Until::Stable => "the deployment is finished".to_owned(),
        Until::Healthy => "the new tasks are healthy".to_owned(),
        Until::Stage(stage) => format!("the stage `{stage}`"),
        Until::Paused => "a hook waits for somebody".to_owned(),
    };
    Some(format!("waits until {until}, {} at most", minutes(wait.limit.as_secs_f64() / 60.0)))
}

/// A time as people say it: `1 minute`, `30 minutes`, `24 hours`.
fn minutes(minutes: f64) -> String {
    let (amount, unit) =
        if minutes >= 120.0 && minutes % 60.0 == 0.0 { (minutes / 60.0, "hour") } else { (minutes, "minute") };
    #[expect(clippy::float_cmp, reason = "exactly one is said in the singular")]
    let plural = if amount == 1.0 { "" } else { "s" };
    format!("{amount} {unit}{plural}")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::stories;

    /// What is told of a deployment by these settings.
    fn told(configuration: &Value, change: impl FnOnce(&mut Report)) -> String {
        let mut report = stories::planned();
        let plan = &mut report.plan.as_mut().unwrap().services[0];
        plan.service.as_mut().unwrap().deployment_configuration = Some(configuration.clone());
        change(&mut report);
        rows(&report).into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
    }

    fn plan_of(report: &mut Report) -> &mut ServicePlan {
        &mut report.plan.as_mut().unwrap().services[0]
    }

    #[test]
    fn each_strategy_is_told_in_its_own_words() {
        let hooks = json!([
            {"hookTargetArn": "arn:aws:lambda:eu-central-1:123456789012:function:check", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]},
            {"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]},
        ]);
        let on = json!({"enable": true, "rollback": true});
        let told = [
            told(&json!({"minimumHealthyPercent": 50, "maximumPercent": 150}), |_| {}),
            told(&json!({"minimumHealthyPercent": 100, "maximumPercent": 100, "deploymentCircuitBreaker": on}), |_| {}),
            told(&json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10, "lifecycleHooks": hooks}), |_| {}),
            told(
                &json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 12.5, "stepBakeTimeInMinutes": 1}}),
                |_| {},
            ),
            told(
                &json!({"strategy": "CANARY", "deploymentCircuitBreaker": {"enable": true, "rollback": false, "resetOnHealthyTask": false}}),
                |_| {},
            ),
            told(
                &json!({"strategy": "ROLLING", "bakeTimeInMinutes": 120, "alarms": {"enable": true, "rollback": true, "alarmNames": ["5xx", "slow"]}}),
                |_| {},
            ),
            told(&json!({}), |report| {
                plan_of(report).service.as_mut().unwrap().scheduling_strategy = Some("DAEMON".to_owned());
                plan_of(report).on_failure = OnFailure::None;
                report.inputs.as_mut().unwrap().wait.enabled = false;
            }),
            told(&json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}}), |report| {
                report.inputs.as_mut().unwrap().wait.enabled = false;
            }),
            told(&json!({}), |report| {
                let steps = &mut plan_of(report).steps;
                steps.retain(|step| matches!(step, Step::UpdateService { .. }));
                steps[0] = Step::UpdateService { body: json!({"desiredCount": 5}) };
                report.inputs.as_mut().unwrap().wait.until = Until::Stage("BAKE_TIME".to_owned());
            }),
            told(&json!({}), |report| {
                let arn = stories::planned().previous_arn().unwrap().to_owned();
                let document = json!({});
                plan_of(report).reuse = Some(crate::model::task_definition::Registered {
                    arn,
                    status: "ACTIVE".to_owned(),
                    document,
                    tags: Vec::new(),
                });
                plan_of(report).steps = vec![Step::UpdateService { body: json!({"desiredCount": 0}) }];
            }),
            told(&json!({}), |report| plan_of(report).steps.clear()),
        ];
        insta::assert_snapshot!(told.join("\n\n"));
    }
}
