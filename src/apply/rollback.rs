//! `mode: rollback` while a deployment is in progress: ECS itself goes back from it.

use serde_json::Value;

use super::facts::{Goal, live};
use super::road::{self, Road};
use super::{Outcome, What, update, way_back};
use crate::aws::Aws;
use crate::error::{Code, Error};
use crate::inputs::{Until, Wait};
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// Has ECS roll back the service deployment `arn`, and follows it; what is to be proven, when the service was updated
/// with `otherwise` instead.
///
/// # Errors
/// A call failed. `outcome.changed` is true when something may have been carried out all the same.
pub(super) async fn roll_back(
    arn: &str,
    otherwise: &Value,
    plan: &ServicePlan,
    (wait, aws): (&Wait, &Aws),
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<Option<Goal>, Error> {
    let Some(before) = &plan.service else { return Ok(None) };
    let leaving = Goal {
        previous_task_definition: outcome.task_definition_arn.clone(),
        ..update::goal_as_it_is(before, &before.task_definition)?
    };
    tell(What::Started(format!("asking ECS to roll back {}", short_name(&leaving.task_definition))));
    if let Some(Road::Ecs) = road::stop(arn, aws, outcome, tell).await {
        if !wait.enabled {
            tell(What::Finished("asked; the way back is not awaited".to_owned()));
            return Ok(None);
        }
        let wait = Wait { fail_fast_after: 0, until: Until::Stable, ..wait.clone() };
        let ended = way_back::follow(&leaving, None, plan, &wait, aws, tell).await;
        let back = way_back::prove(&leaving, ended, plan, aws).await?;
        // Completed before it was stopped, or stopped without going back: an update goes back from either.
        let left = matches!(back.verdict, Some(Verdict::Succeeded | Verdict::Failed));
        let gone = back.cause.as_ref().is_some_and(|cause| cause.code == Code::ServiceGone);
        if !left || gone {
            conclude(back, outcome, tell);
            return Ok(None);
        }
    }
    let names = [leaving.service.as_str()];
    let now = aws.describe_services(&plan.cluster, &names).await?.into_iter().next();
    outcome.live_task_definition_arn = now.as_ref().and_then(live).map(str::to_owned);
    let Some(now) = now.filter(|now| now.status == "ACTIVE") else {
        return Err(Error::new(
            Code::ServiceGone,
            format!("`{}` was deleted meanwhile, so nothing was gone back to.", leaving.service),
            "ECS does not list it any more.",
            "Create the service again, then run the job again.",
        ));
    };
    outcome.service = Some(now.clone());
    let newest = now.primary().filter(|primary| primary.id != leaving.deployment_id);
    if let Some(newest) = newest {
        outcome.superseded_by = Some(newest.task_definition.clone());
        return Err(Error::new(
            Code::Superseded,
            format!(
                "Another deployment of `{}`, of {}, began meanwhile, so the service was not updated.",
                leaving.service,
                short_name(&newest.task_definition)
            ),
            "The deployment that was to be rolled back is not the newest any more.",
            "Look at the service; run the rollback again, if it is still needed.",
        ));
    }
    let plan = ServicePlan { service: Some(now), ..plan.clone() };
    update::update(otherwise, &plan, aws, outcome, tell).await.map(Some)
}

fn conclude(back: Outcome, outcome: &mut Outcome, tell: &mut dyn FnMut(What)) {
    outcome.verdict = match back.verdict {
        Some(Verdict::RolledBack) => Some(Verdict::Succeeded),
        verdict => verdict,
    };
    if outcome.verdict == Some(Verdict::Succeeded) {
        // ECS knows best which revision completed last.
        outcome.task_definition_arn = back.live_task_definition_arn.clone().or(outcome.task_definition_arn.take());
        let serves = outcome.task_definition_arn.as_deref().map(short_name).unwrap_or_default();
        tell(What::Finished(format!("{serves} serves again")));
    } else {
        outcome.cause = back.cause;
    }
    outcome.deployment_id = back.service.as_ref().and_then(Service::primary).map(|primary| primary.id.clone());
    outcome.service_deployment_arn = back.service_deployment_arn;
    outcome.service_deployment = back.service_deployment;
    outcome.live_task_definition_arn = back.live_task_definition_arn;
    outcome.superseded_by = back.superseded_by;
    outcome.service = back.service;
}
