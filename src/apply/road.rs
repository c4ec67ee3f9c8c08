//! The two roads that lead back from a deployment, and why there may be none.
//!
//! `StopServiceDeployment` restores the whole service revision, and touches no deployment but ours; `UpdateService` with
//! the revision that completed last is for a deployment that is over already, and is sent only while ours is the newest.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::sleep;

use super::facts::{Goal, is_complete, live, same_revision};
use super::{Outcome, What, update};
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::model::names::short_name;
use crate::plan::ServicePlan;

/// Pauses between looks for what a request without an answer may have done.
const LOOKS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];

/// The road that was taken.
#[derive(Debug)]
pub(super) enum Road {
    /// ECS rolls our deployment back.
    Ecs,
    /// A deployment of the earlier revision.
    Update(Goal),
    /// None: our deployment was completed in the meantime.
    Completed,
}

/// Why no road was taken.
#[derive(Debug)]
pub(super) enum NoWay {
    /// No revision completed before ours.
    Nowhere,
    /// The revision before is the same one.
    Same(String),
    /// The revision before cannot be deployed.
    Inactive(String),
    /// Another deployment, of this task definition, has begun.
    NotOurs(String),
    /// What is needed could not be read.
    Unread(CallError),
    /// The service is not there any more.
    Gone,
    /// AWS refused it.
    Refused(CallError),
}

impl fmt::Display for NoWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => write!(f, "no revision completed before it, so there is nothing to go back to"),
            Self::Same(arn) => write!(f, "the revision before is {} too", short_name(arn)),
            Self::Inactive(arn) => write!(f, "{}, which completed last, is INACTIVE", short_name(arn)),
            Self::NotOurs(arn) => {
                write!(f, "another deployment, of {}, began meanwhile and was left alone", short_name(arn))
            }
            Self::Unread(error) => write!(f, "{error}"),
            Self::Gone => write!(f, "the service is not there any more"),
            Self::Refused(error) if error.maybe_applied => {
                write!(f, "whether `{}` was carried out is not known: {}", error.action, error.message)
            }
            Self::Refused(error) if error.kind == CallErrorKind::Denied => write!(f, "{error}"),
            Self::Refused(error) => write!(f, "AWS refused `{}`: {}", error.action, error.message),
        }
    }
}

/// Asks for the way back by the best road there is. `outcome` knows at every moment what was asked.
pub(super) async fn ask(
    goal: &Goal,
    plan: &ServicePlan,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<Road, NoWay> {
    // What cannot be told does not stop ECS, which knows where to go back to.
    if matches!(earlier(goal, plan, aws).await, Ok(None)) {
        return Err(NoWay::Nowhere);
    }
    let known = outcome.service_deployment.clone().filter(|deployment| goal.owns(deployment));
    if let Some(deployment) = known {
        let arn = &deployment.service_deployment_arn;
        match road_of(&deployment.status) {
            Some(road) => return Ok(road),
            None if deployment.is_closed() => {}
            None => {
                if let Some(road) = stop(arn, aws, outcome, tell).await {
                    return Ok(road);
                }
            }
        }
    }
    ask_update(goal, plan, aws, outcome, tell).await
}

/// The road that a service deployment is on already.
fn road_of(status: &str) -> Option<Road> {
    match status {
        "SUCCESSFUL" => Some(Road::Completed),
        "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" | "ROLLBACK_SUCCESSFUL" => Some(Road::Ecs),
        _ => None,
    }
}

/// Asks ECS to roll a service deployment back; nothing, when it is not to be had that way.
pub(super) async fn stop(arn: &str, aws: &Aws, outcome: &mut Outcome, tell: &mut dyn FnMut(What)) -> Option<Road> {
    let (changed, way_back) = (outcome.changed, outcome.way_back);
    outcome.changed = true;
    outcome.unanswered = Some("ecs:StopServiceDeployment");
    outcome.way_back = Some("ecs:StopServiceDeployment");
    let asked = aws.stop_service_deployment(arn).await;
    outcome.unanswered = None;
    let Err(error) = asked else {
        tell(What::Progress("ECS was asked to roll the deployment back".to_owned()));
        return Some(Road::Ecs);
    };
    outcome.changed = changed || error.maybe_applied;
    if !error.maybe_applied {
        outcome.way_back = way_back;
    }
    // A conflict may be the answer to a request that was sent twice, or somebody else was quicker: what there is now
    // decides. Reads lag, so what may have been carried out is looked for more than once.
    let mut now = aws.describe_service_deployment(arn).await.ok().flatten();
    for pause in LOOKS.iter().filter(|_| error.maybe_applied) {
        if now.as_ref().is_some_and(|now| road_of(&now.status).is_some() || now.is_closed()) {
            break;
        }
        sleep(*pause).await;
        now = aws.describe_service_deployment(arn).await.ok().flatten().or(now);
    }
    let road = now.as_ref().and_then(|now| road_of(&now.status));
    if let Some(now) = now {
        outcome.service_deployment = Some(now);
    }
    // Whoever asked for it, ECS goes back.
    let is_going = matches!(road, Some(Road::Ecs));
    outcome.way_back = if is_going { Some("ecs:StopServiceDeployment") } else { way_back };
    if road.is_none() {
        tell(What::Warned(format!("the service is updated instead: {error}")));
    }
    road
}

/// Updates the service with the revision that completed last, while our deployment is the newest.
pub(super) async fn ask_update(
    goal: &Goal,
    plan: &ServicePlan,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<Road, NoWay> {
    let names = [goal.service.as_str()];
    let services = aws.describe_services(&plan.cluster, &names).await.map_err(NoWay::Unread)?;
    let Some(service) = services.into_iter().next().filter(|service| service.status == "ACTIVE") else {
        return Err(NoWay::Gone);
    };
    outcome.live_task_definition_arn = live(&service).map(str::to_owned);
    outcome.service = Some(service.clone());
    match service.primary() {
        Some(primary) if primary.id == goal.deployment_id => {
            if primary.rollout_state.as_deref() == Some("COMPLETED") {
                return Ok(Road::Completed);
            }
        }
        // Whoever asked for it, the service is on its way back already: that deployment tells how it ends, not ours.
        Some(primary) if Some(&primary.id) == goal.previous_deployment_id.as_ref() => {
            return update::goal_as_it_is(&service, &primary.task_definition)
                .map(Road::Update)
                .map_err(|_| NoWay::Gone);
        }
        Some(primary) => return Err(NoWay::NotOurs(primary.task_definition.clone())),
        None => return Err(NoWay::Gone),
    }
    let arn = earlier(goal, plan, aws).await.map_err(NoWay::Unread)?.ok_or(NoWay::Nowhere)?;
    if same_revision(&arn, &goal.task_definition) {
        return Err(NoWay::Same(arn));
    }
    if aws.describe_task_definition(&arn).await.is_ok_and(|registered| !registered.is_active()) {
        return Err(NoWay::Inactive(arn));
    }
    let body: Map<String, Value> = [
        ("cluster", plan.cluster.as_str()),
        ("service", service.service_name.as_str()),
        ("taskDefinition", arn.as_str()),
    ]
    .map(|(name, value)| (name.to_owned(), value.into()))
    .into_iter()
    .collect();
    let changed = std::mem::replace(&mut outcome.changed, true);
    outcome.unanswered = Some("ecs:UpdateService");
    outcome.way_back = Some("ecs:UpdateService");
    let sent = update::send(&Value::Object(body), &service, &plan.cluster, &arn, aws, outcome, tell).await;
    outcome.unanswered = None;
    match sent {
        Ok(answer) => {
            let back = update::goal(&service, &answer, &arn).map_err(|_| NoWay::Gone)?;
            tell(What::Progress(format!("the service is updated with {}", short_name(&arn))));
            Ok(Road::Update(back))
        }
        Err(error) => {
            outcome.changed = changed || error.maybe_applied;
            outcome.way_back = None;
            Err(NoWay::Refused(error))
        }
    }
}

/// The task definition that completed last before our deployment.
async fn earlier(goal: &Goal, plan: &ServicePlan, aws: &Aws) -> Result<Option<String>, CallError> {
    let Some(before) = &plan.service else { return Ok(None) };
    if let Some(primary) = before.primary().filter(|primary| is_complete(primary, before)) {
        return Ok(Some(primary.task_definition.clone()));
    }
    match aws.history(&plan.cluster, &goal.service).await {
        Ok(history) => Ok(history.completed_before(&goal.deployment_id).map(str::to_owned)),
        Err(error) => {
            let known = before.deployments.iter().filter(|other| other.rollout_state.as_deref() == Some("COMPLETED"));
            let newest =
                known.max_by(|one, other| one.created_at.partial_cmp(&other.created_at).unwrap_or(Ordering::Equal));
            newest.map(|newest| Some(newest.task_definition.clone())).ok_or(error)
        }
    }
}
