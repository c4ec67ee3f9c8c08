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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_reached_is_told_in_words() {
        let goal =
            Goal { deployment_id: "ecs-svc/2".to_owned(), task_definition: "x/web:8".to_owned(), ..Goal::default() };
        let mut facts = Facts::default();
        let service = json!({ "deployments": [{ "id": "ecs-svc/2", "runningCount": 2 }] });
        facts.read_service(serde_json::from_value(service).unwrap(), &goal);
        let deployment = json!({ "serviceDeploymentArn": "arn", "lifecycleStage": "POST_SCALE_UP" });
        facts.read_service_deployment(serde_json::from_value(deployment).unwrap());
        let pause = |action: Option<&str>, expires: Option<f64>| {
            let hook = json!({ "hookId": "h", "timeoutAction": action, "expiresAt": expires });
            let hook = Box::new(serde_json::from_value::<LifecycleHook>(hook).unwrap());
            let line = pause_line(facts.service_deployment.as_ref().unwrap(), &hook);
            format!("{}\n{line}", sentence(&Reached::Pause(hook, Some("POST_SCALE_UP".to_owned())), &facts, &goal))
        };
        let told = [
            sentence(&Reached::Healthy, &facts, &goal),
            sentence(&Reached::Stage("BAKE_TIME".to_owned()), &facts, &goal),
            pause(Some("ROLLBACK"), Some(1_795_276_800.0)),
            pause(Some("CONTINUE"), Some(1_795_276_800.5)),
            pause(Some("SING"), Some(1_795_276_800.0)),
            pause(Some("ROLLBACK"), None),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        all 2 tasks of `web:8` are up and healthy, as asked; old tasks may still drain
        the deployment of `web:8` is at BAKE_TIME, as asked; ECS goes on with it
        the deployment of `web:8` waits at POST_SCALE_UP until 16:00 UTC on 2026-11-21, when ECS rolls it back
        the deployment waits for somebody at POST_SCALE_UP until 16:00 UTC on 2026-11-21, when ECS rolls it back. Continue it by `aws ecs continue-service-deployment --service-deployment-arn arn --hook-id h --action CONTINUE`
        the deployment of `web:8` waits at POST_SCALE_UP until 16:00 UTC on 2026-11-21, when ECS goes on by itself
        the deployment waits for somebody at POST_SCALE_UP until 16:00 UTC on 2026-11-21, when ECS goes on by itself. Continue it by `aws ecs continue-service-deployment --service-deployment-arn arn --hook-id h --action CONTINUE`
        the deployment of `web:8` waits at POST_SCALE_UP until 16:00 UTC on 2026-11-21
        the deployment waits for somebody at POST_SCALE_UP until 16:00 UTC on 2026-11-21. Continue it by `aws ecs continue-service-deployment --service-deployment-arn arn --hook-id h --action CONTINUE`
        the deployment of `web:8` waits at POST_SCALE_UP
        the deployment waits for somebody at POST_SCALE_UP. Continue it by `aws ecs continue-service-deployment --service-deployment-arn arn --hook-id h --action CONTINUE`
        ");
    }
}
