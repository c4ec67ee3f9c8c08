//! Lifecycle hooks: functions that are asked, and pauses that wait for somebody.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>

use serde_json::{Value, json};

use super::course::minutes;
use super::{Deployment, Service};
use crate::sim::clock::Clock;
use crate::sim::rollout::Lambda;
use crate::sim::wire::{list, text, texts};
use crate::sim::world::World;

/// One hook at one stage, once.
#[derive(Debug, Clone)]
pub struct Hook {
    /// `ecs-pause-…`, or empty for a function.
    pub id: String,
    /// The function's ARN; none for a pause.
    pub target: Option<String>,
    /// The stage it holds.
    pub stage: String,
    /// `AWAITING_ACTION`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED` or `TIMED_OUT`.
    pub status: String,
    /// Ticks so far.
    pub age: u32,
    /// When it began.
    pub since: f64,
    /// Minutes until it times out.
    pub minutes: u32,
    /// `CONTINUE` or `ROLLBACK`: what happens then.
    pub timeout_action: String,
}

/// What the hooks of a stage make of it.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// They are not through.
    pub waits: bool,
    /// One of them failed: `statusReason`.
    pub falls: Option<String>,
    /// Somebody answered a pause with ROLLBACK.
    pub requested: bool,
}

/// The hooks of a stage begin, each with a new id.
pub(super) fn begin(world: &mut World, deployment: &mut Deployment, stage: &str, at: f64) {
    let configured = deployment.configuration.get("lifecycleHooks").cloned().unwrap_or_default();
    for hook in configured.as_array().into_iter().flatten() {
        if !texts(hook, "lifecycleStages").iter().any(|one| one == stage) {
            continue;
        }
        let pause = text(hook, "targetType") == Some("PAUSE");
        let timeout = hook.get("timeoutConfiguration").unwrap_or(&Value::Null);
        deployment.hooks.push(Hook {
            id: if pause { format!("ecs-pause-{}", world.dice.letters(43)) } else { String::new() },
            target: text(hook, "hookTargetArn").filter(|_| !pause).map(str::to_owned),
            stage: stage.into(),
            status: if pause { "AWAITING_ACTION" } else { "IN_PROGRESS" }.into(),
            age: 0,
            since: at,
            minutes: minutes(timeout, "timeoutInMinutes", 1440),
            timeout_action: text(timeout, "action").unwrap_or("ROLLBACK").into(),
        });
    }
}

/// One tick of the hooks: functions answer, people come, time runs out.
pub(super) fn turn(service: &mut Service, deployment: &mut Deployment, at: f64, clock: Clock) -> Held {
    let mut held = Held { requested: deployment.status == "ROLLBACK_REQUESTED", ..Held::default() };
    for hook in &mut deployment.hooks {
        hook.age += 1;
        let failed = format!("Service deployment rolled back because {} lifecycle hook(s) failed.", hook.stage);
        match (hook.status.as_str(), &hook.target) {
            ("IN_PROGRESS", Some(target)) => match service.lambdas.get(target) {
                Some(Lambda::Slow(ticks)) if hook.age < *ticks => held.waits = true,
                Some(Lambda::Fails(words)) => {
                    hook.status = "FAILED".into();
                    held.falls = Some(format!("{failed} {words}"));
                }
                _ => hook.status = "SUCCEEDED".into(),
            },
            ("AWAITING_ACTION", _) => {
                let due = service.answers.front().is_some_and(|(after, _)| hook.age >= *after);
                if let Some((_, action)) = due.then(|| service.answers.pop_front()).flatten() {
                    held.requested |= act(hook, &action);
                } else if expired(hook, at, clock) {
                    hook.status = "TIMED_OUT".into();
                    if hook.timeout_action == "ROLLBACK" {
                        let because =
                            format!("Service deployment rolled back because {} pause hook timed out.", hook.stage);
                        held.falls = Some(because);
                    }
                } else {
                    held.waits = true;
                }
            }
            _ => {}
        }
    }
    held
}

fn expired(hook: &Hook, at: f64, clock: Clock) -> bool {
    at - hook.since >= f64::from(hook.minutes) * 60.0 || (clock == Clock::Requests && hook.age >= hook.minutes)
}

/// Somebody answers a pause; whether they want to go back.
pub(super) fn act(hook: &mut Hook, action: &str) -> bool {
    let back = action == "ROLLBACK";
    hook.status = if back { "FAILED" } else { "SUCCEEDED" }.into();
    back
}

/// `lifecycleHookDetails` of a service deployment; none when no hook ever began.
pub(super) fn shown(deployment: &Deployment) -> Option<Value> {
    let details = deployment.hooks.iter().map(|hook| match &hook.target {
        Some(target) => json!({"targetType": "AWS_LAMBDA", "targetArn": target, "status": hook.status}),
        None => json!({
            "hookId": hook.id, "targetType": "PAUSE", "status": hook.status,
            "expiresAt": hook.since + f64::from(hook.minutes) * 60.0, "timeoutAction": hook.timeout_action,
        }),
    });
    (!deployment.hooks.is_empty()).then(|| details.collect())
}

/// Why ECS refuses a configuration's hooks, if it does.
pub(super) fn refused(configuration: &Value) -> Option<&'static str> {
    let wrong = list(configuration, "lifecycleHooks").iter().any(|hook| {
        text(hook, "targetType") == Some("PAUSE")
            && texts(hook, "lifecycleStages")
                .iter()
                .any(|stage| ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"].contains(&stage.as_str()))
    });
    wrong.then_some("Invalid lifecycle stage provided for Pause Hook")
}
