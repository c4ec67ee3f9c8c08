//! What the wait may end well for before the deployment is finished: `wait-until`. Pure.

use jiff::Timestamp;

use super::facts::{Facts, Goal};
use super::health;
use crate::inputs::{STAGES, Until};
use crate::model::names::short_name;
use crate::model::service::{LifecycleHook, ServiceDeployment};

/// What was waited for, and is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Reached {
    /// All our tasks are up and healthy.
    Healthy,
    /// The stage asked for, or one after it.
    Stage(String),
    /// A pause, at a stage.
    Pause(Box<LifecycleHook>, Option<String>),
}

/// What is reached, while our deployment goes forward. Only our own service deployment tells stages and pauses.
pub(super) fn reached(facts: &Facts, goal: &Goal) -> Option<Reached> {
    // An older read may show a deployment on its way that was already seen to fail.
    let deployment = facts.service_deployment.as_ref();
    let deployment = deployment.filter(|deployment| deployment.status == "IN_PROGRESS" && !facts.fell);
    match &goal.until {
        Until::Stable => None,
        Until::Healthy => health::is_proven(facts, goal).then_some(Reached::Healthy),
        Until::Stage(asked) => {
            let at = deployment?.lifecycle_stage.as_deref()?;
            (place(at)? >= place(asked)?).then(|| Reached::Stage(at.to_owned()))
        }
        Until::Paused => pause(deployment?),
    }
}

fn pause(deployment: &ServiceDeployment) -> Option<Reached> {
    let hook = deployment.pauses().next()?;
    Some(Reached::Pause(Box::new(hook.clone()), deployment.lifecycle_stage.clone()))
}

/// Where a stage is in their order; nothing for one that nobody knows yet.
fn place(stage: &str) -> Option<usize> {
    STAGES.iter().position(|known| *known == stage)
}

/// How somebody goes on with a deployment that waits.
/// <https://docs.aws.amazon.com/cli/latest/reference/ecs/continue-service-deployment.html>
pub fn continuing(deployment: &ServiceDeployment, hook: &LifecycleHook) -> String {
    format!(
        "aws ecs continue-service-deployment --service-deployment-arn {} --hook-id {} --action CONTINUE",
        deployment.service_deployment_arn, hook.hook_id
    )
}

/// What is there, in a sentence without its full stop.
pub fn sentence(reached: &Reached, facts: &Facts, goal: &Goal) -> String {
    let revision = format!("`{}`", short_name(&goal.task_definition));
    match reached {
        Reached::Healthy => {
            let tasks = facts.ours(goal).map_or(0, |ours| ours.running_count);
            format!("all {tasks} tasks of {revision} are up and healthy, as asked; old tasks may still drain")
        }
        Reached::Stage(stage) => {
            format!("the deployment of {revision} is at {stage}, as asked; ECS goes on with it")
        }
        Reached::Pause(hook, stage) => {
            let stage = stage.as_deref().unwrap_or("its pause");
            format!("the deployment of {revision} waits at {stage}{}", timeout(hook))
        }
    }
}

/// What a pause says while it is waited through.
pub fn pause_line(deployment: &ServiceDeployment, hook: &LifecycleHook) -> String {
    let stage = deployment.lifecycle_stage.as_deref().unwrap_or("a pause hook");
    let how = continuing(deployment, hook);
    format!("the deployment waits for somebody at {stage}{}. Continue it by `{how}`", timeout(hook))
}

/// ` until 13:05 UTC on 2026-11-21, when ECS rolls it back`
fn timeout(hook: &LifecycleHook) -> String {
    let then = match hook.timeout_action.as_deref() {
        Some("ROLLBACK") => ", when ECS rolls it back",
        Some("CONTINUE") => ", when ECS goes on by itself",
        _ => "",
    };
    #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 fit")]
    let time = hook.expires_at.and_then(|at| Timestamp::from_second(at as i64).ok());
    time.map(|time| format!(" until {}{then}", time.strftime("%H:%M UTC on %Y-%m-%d"))).unwrap_or_default()
}
