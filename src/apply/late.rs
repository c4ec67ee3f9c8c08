//! The words for a wait that reached its limit: what it waited for, whether it moved, and what to do. Pure.

use std::time::Duration;

use super::facts::{Facts, Goal, Tracking};
use super::progress::minutes;
use super::rollout::Phase;
use super::strategy::Times;
use super::until::continuing;
use crate::inputs::Until;
use crate::model::names::short_name;
use crate::model::service::ServiceDeployment;

/// What happened, in one sentence or two.
pub(super) fn what(phase: Option<Phase>, facts: &Facts, goal: &Goal, limit: Duration) -> String {
    let (service, ours) = (&goal.service, short_name(&goal.task_definition));
    let sought = match &goal.until {
        Until::Stable => "was not stable".to_owned(),
        Until::Healthy => format!("did not have all tasks of {ours} healthy"),
        Until::Stage(stage) => format!("did not get to {stage}"),
        Until::Paused => "did not get to a pause that waits for somebody".to_owned(),
    };
    let moved = facts.movement.sentence(facts.now);
    let doing = match phase {
        Some(Phase::Back) => format!("ECS was still going back from {ours}. {moved}"),
        Some(Phase::Unseen) => format!("ECS still did not show the deployment of {ours}."),
        Some(Phase::Settling) => {
            format!("the deployment of {ours} was being stopped, and what follows it was not seen.")
        }
        _ => match stands(facts) {
            Some(Stands::Paused(stage)) => format!("the deployment of {ours} waits for somebody at {stage}."),
            Some(Stands::Baking(bake)) => {
                format!("{ours} has the traffic and is in its bake time of {}.", minutes(bake))
            }
            Some(Stands::Stepping(step)) => {
                format!("the traffic moves to {ours} in steps of {} each. {moved}", minutes(step))
            }
            None => format!("{ours} was still being rolled out. {moved}"),
        },
    };
    let blind = match goal.until {
        Until::Stage(_) | Until::Paused if facts.tracking == Tracking::Absent => {
            " Stages and pauses are told by the service deployment alone, which could not be followed."
        }
        _ => "",
    };
    format!("`{service}` {sought} after {}: {doing}{blind}", minutes(limit))
}

/// The one thing to do.
pub(super) fn fix(facts: &Facts) -> String {
    let deployment = facts.service_deployment.as_ref();
    match (stands(facts), deployment) {
        (Some(Stands::Paused(_)), Some(deployment)) => {
            let how = deployment.pauses().next().map(|hook| continuing(deployment, hook)).unwrap_or_default();
            format!("Continue it by `{how}`; `wait-until: paused` ends a run at its pause.")
        }
        (Some(Stands::Baking(_)), _) => {
            "ECS goes on by itself. Raise `wait-for-minutes` over the bake time, or write `wait-until: stage:BAKE_TIME`."
                .to_owned()
        }
        (Some(Stands::Stepping(_)), _) => {
            "ECS goes on by itself. Raise `wait-for-minutes` over the steps' bake times.".to_owned()
        }
        _ if facts.movement.is_recent(facts.now) => {
            "ECS goes on by itself. Raise `wait-for-minutes`: the rollout is only slow.".to_owned()
        }
        _ => "ECS goes on by itself. Read in the service's events and stopped tasks what holds it up.".to_owned(),
    }
}

/// What a deployment waits for on purpose.
enum Stands {
    Paused(String),
    Baking(Duration),
    Stepping(Duration),
}

fn stands(facts: &Facts) -> Option<Stands> {
    let deployment: &ServiceDeployment = facts.service_deployment.as_ref()?;
    let stage = deployment.lifecycle_stage.as_deref().unwrap_or_default();
    if deployment.pauses().next().is_some() {
        return Some(Stands::Paused(stage.to_owned()));
    }
    let times = Times::of(deployment.deployment_configuration.as_ref());
    match stage {
        "BAKE_TIME" if !times.bake.is_zero() => Some(Stands::Baking(times.bake)),
        "PRODUCTION_TRAFFIC_SHIFT" | "PRE_PRODUCTION_TRAFFIC_SHIFT" if times.steps > 0 && !times.step.is_zero() => {
            Some(Stands::Stepping(times.step))
        }
        _ => None,
    }
}
