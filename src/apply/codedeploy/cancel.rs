//! What a signal leaves behind where CodeDeploy moves the tasks.

use tokio::time::{Instant, timeout_at};

use super::once::{Found, Request};
use super::{CREATE, STOP, stop};
use crate::apply::{Outcome, What};
use crate::aws::Aws;
use crate::model::names::short_name;
use crate::plan::codedeploy::CodeDeploy;
use crate::plan::{ServicePlan, Step};

/// Looks once for our deployment, where whether it was begun is not known.
pub(in crate::apply) async fn look(plan: &ServicePlan, aws: &Aws, outcome: &mut Outcome) {
    let (Some(step), Some(CREATE)) = (step(plan), outcome.unanswered) else { return };
    let Some(arn) = outcome.task_definition_arn.clone() else { return };
    if let Ok(Found::Ours(id)) = Request::new(step, &arn).find(step, plan, aws).await {
        outcome.unanswered = None;
        outcome.codedeploy_deployment_id = Some(id);
    }
}

fn step(plan: &ServicePlan) -> Option<&CodeDeploy> {
    plan.steps.iter().find_map(|step| match step {
        Step::CodeDeploy(step) => Some(step.as_ref()),
        _ => None,
    })
}

/// Where the deployment stands, in sentences.
pub(in crate::apply) fn stand(plan: &ServicePlan, outcome: &Outcome) -> Vec<String> {
    let mut told = Vec::new();
    let service = plan.service.as_ref().map(|service| service.service_name.as_str()).unwrap_or_default();
    let revision = outcome.task_definition_arn.as_deref().map_or("the revision", short_name);
    if let Some(id) = &outcome.codedeploy_deployment_id {
        let seen = outcome.code_deployment.as_ref();
        let status = seen.map(|seen| format!(", {}", seen.status)).unwrap_or_default();
        told.push(format!("CodeDeploy was deploying {revision} to `{service}` ({id}{status})."));
        told.extend(seen.and_then(|seen| seen.rollback_id()).map(|back| format!("It goes back by {back}.")));
    } else if outcome.unanswered.is_none() && outcome.changed {
        let registered = plan.reuse.is_none() && outcome.task_definition_arn.is_some();
        let registered = if registered { format!("{revision} was registered; no") } else { "No".to_owned() };
        told.push(format!("{registered} deployment of `{service}` was begun."));
    }
    told.extend(outcome.replaced.iter().map(|other| format!("{other}, which was in progress, was stopped for it.")));
    match outcome.unanswered {
        Some(CREATE) => {
            told.push(format!(
                "Whether a deployment of `{service}` was begun is not known: `{CREATE}` had not answered."
            ));
        }
        Some("ecs:RegisterTaskDefinition") => told.push(
            "Whether a revision was registered is not known: `ecs:RegisterTaskDefinition` had not answered.".to_owned(),
        ),
        Some(STOP) if outcome.codedeploy_deployment_id.is_none() => {
            told.push(format!("Whether the other deployment was stopped is not known: `{STOP}` had not answered."));
        }
        Some(STOP) => told.push(format!("Whether it goes back is not known: `{STOP}` had not answered.")),
        Some(action) => {
            told.push(format!("Whether `{service}` was updated is not known: `{action}` had not answered."));
        }
        None if outcome.way_back.is_some() => {
            told.push(format!("The way back was asked for (`{STOP}`), and its end was not awaited."));
        }
        None => {}
    }
    told
}

/// Has CodeDeploy go back from our deployment, while it is in progress; what came of it, as a sentence.
pub(in crate::apply) async fn go_back(
    plan: &ServicePlan,
    aws: &Aws,
    outcome: &mut Outcome,
    until: Instant,
    tell: &mut dyn FnMut(What),
) -> Option<String> {
    // A deployment that is merely followed is somebody else's.
    if outcome.way_back.is_some() || step(plan).is_none() {
        return None;
    }
    let Some(id) = outcome.codedeploy_deployment_id.clone() else {
        let unknown = outcome.unanswered == Some(CREATE);
        return unknown.then(|| "Nothing was rolled back: no deployment of this run is known.".to_owned());
    };
    Some(match timeout_at(until, stop(&id, aws, outcome)).await {
        Ok(Ok(true)) => {
            tell(What::Progress(format!("CodeDeploy was asked to stop {id} and to go back")));
            format!("The way back was asked for (`{STOP}`, `on-cancel: rollback`), and its end was not awaited.")
        }
        Ok(Ok(false)) => format!("{id} had ended already, so it was not stopped."),
        Ok(Err(error)) => format!("It was not rolled back: {error}."),
        Err(_) => format!("Whether it is rolled back is not known: `{STOP}` had not answered."),
    })
}
