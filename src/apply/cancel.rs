//! What a signal leaves behind: found out and told, and gone back from where that was asked for, in the little time
//! that the runner gives.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation>

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::facts::{live, same_revision};
use super::road::{self, Road};
use super::{Outcome, What, codedeploy, update};
use crate::aws::Aws;
use crate::error::{Code, Error};
use crate::inputs::OnCancel;
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::plan::ServicePlan;

/// How long it may take. The report needs the rest of the 7.5 s.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ends a run that `signal` cancelled in the middle of `plan`: what was done is looked up where an answer is not in, and
/// undone with `on-cancel: rollback`. The error says where the deployment stands.
pub async fn cancel(
    signal: &str,
    plan: Option<&ServicePlan>,
    aws: Option<&Aws>,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Error {
    let until = Instant::now() + PATIENCE;
    let mut why = vec![format!("The runner sent {signal}.")];
    if let (Some(plan), Some(aws)) = (plan, aws) {
        // What was asked of AWS is said as it was before this look: a second answer does not make the first one known.
        let by_code_deploy = plan.service.as_ref().is_some_and(Service::is_moved_by_code_deploy);
        if by_code_deploy {
            let _ = timeout_at(until, codedeploy::cancel::look(plan, aws, outcome)).await;
            why.extend(codedeploy::cancel::stand(plan, outcome));
        } else {
            let _ = timeout_at(until, look(plan, aws, outcome)).await;
            why.extend(stand(plan, outcome));
        }
        if plan.on_cancel == OnCancel::Rollback {
            why.extend(if by_code_deploy {
                codedeploy::cancel::go_back(plan, aws, outcome, until, tell).await
            } else {
                go_back(plan, aws, outcome, until, tell).await
            });
        }
    }
    let fix = match (outcome.way_back, &outcome.goal, outcome.changed) {
        (Some(_), _, _) => "Look at the service until the way back has ended.",
        _ if outcome.codedeploy_deployment_id.is_some() => {
            "CodeDeploy goes on with the deployment: look at it, or run the job again when it has ended."
        }
        (None, Some(_), _) => "ECS goes on with the deployment: look at the service, or run the job again.",
        (None, None, true) => "Look at the service, then run the job again.",
        (None, None, false) => "Run the job again.",
    };
    Error::new(Code::Cancelled, "The run was cancelled.", why.join(" "), fix)
}

/// Looks once at the service, where what was done to it is not known.
async fn look(plan: &ServicePlan, aws: &Aws, outcome: &mut Outcome) {
    let Some(before) = &plan.service else { return };
    let updating = outcome.goal.is_none() && outcome.unanswered == Some("ecs:UpdateService");
    if !updating && outcome.way_back.is_none() {
        return;
    }
    let Ok(services) = aws.describe_services(&plan.cluster, &[before.service_name.as_str()]).await else { return };
    let Some(service) = services.into_iter().next() else { return };
    if updating
        && let Some(primary) = service.primary()
        && let Some(arn) = outcome.task_definition_arn.clone()
        && before.primary().is_none_or(|before| before.id != primary.id)
        && same_revision(&primary.task_definition, &arn)
        && let Ok(goal) = update::goal(before, &service, &arn)
    {
        outcome.unanswered = None;
        outcome.deployment_id = Some(goal.deployment_id.clone());
        outcome.goal = Some(goal);
    }
    outcome.live_task_definition_arn = live(&service).map(str::to_owned);
    outcome.service = Some(service);
}

/// Where the deployment stands, in sentences.
fn stand(plan: &ServicePlan, outcome: &Outcome) -> Vec<String> {
    let mut told = Vec::new();
    let service = plan.service.as_ref().map(|service| service.service_name.as_str()).unwrap_or_default();
    let revision = outcome.task_definition_arn.as_deref().map_or("the revision", short_name);
    if let Some(goal) = &outcome.goal {
        let deployments = outcome.service.iter().flat_map(|service| &service.deployments);
        let ours = deployments.into_iter().find(|deployment| deployment.id == goal.deployment_id);
        let counts = ours.map(|ours| format!(", {} of {} tasks ran", ours.running_count, ours.desired_count));
        let counts = counts.unwrap_or_default();
        told.push(format!("{revision} was being rolled out to `{service}` ({}{counts}).", goal.deployment_id));
    } else if outcome.changed && outcome.unanswered.is_none() && outcome.way_back.is_none() {
        told.push(format!("{revision} was registered; `{service}` was not updated."));
    }
    match (outcome.unanswered, outcome.way_back) {
        (Some(action), Some(_)) => {
            told.push(format!("Whether it is rolled back is not known: `{action}` had not answered."));
        }
        (Some(action @ "ecs:RegisterTaskDefinition"), _) => {
            told.push(format!("Whether a revision was registered is not known: `{action}` had not answered."));
        }
        (Some(action), None) => {
            told.push(format!("Whether `{service}` was updated is not known: `{action}` had not answered."));
        }
        (None, Some(action)) => {
            told.push(format!("The way back was asked for (`{action}`), and its end was not awaited."));
        }
        (None, None) => {}
    }
    told
}

/// Asks for the way back from our deployment, while it is the active one; what came of it, as a sentence.
async fn go_back(
    plan: &ServicePlan,
    aws: &Aws,
    outcome: &mut Outcome,
    until: Instant,
    tell: &mut dyn FnMut(What),
) -> Option<String> {
    if outcome.way_back.is_some() {
        return None;
    }
    let Some(goal) = outcome.goal.clone().filter(super::facts::Goal::may_be_undone) else {
        let unknown = outcome.unanswered == Some("ecs:UpdateService");
        return unknown.then(|| "Nothing was rolled back: no deployment of this run is known.".to_owned());
    };
    let asked = timeout_at(until, road::ask(&goal, plan, aws, outcome, tell)).await;
    Some(match asked {
        Ok(Ok(Road::Completed)) => "It was completed already, so nothing was rolled back.".to_owned(),
        Ok(Ok(Road::Ecs | Road::Update(_))) => {
            let action = *outcome.way_back.get_or_insert("ecs:StopServiceDeployment");
            format!("The way back was asked for (`{action}`, `on-cancel: rollback`), and its end was not awaited.")
        }
        Ok(Err(no_way)) => format!("It was not rolled back: {no_way}."),
        Err(_) => match outcome.unanswered {
            Some(action) => format!("Whether it is rolled back is not known: `{action}` had not answered."),
            None => "It was not rolled back: AWS did not answer in time.".to_owned(),
        },
    })
}
