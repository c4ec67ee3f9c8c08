//! Has CodeDeploy deploy the revision, exactly once although its API knows no token for that, and follows its deployment.

pub mod cancel;
mod failing;
pub mod follow;
pub mod judge;
mod limit;
mod once;
mod room;
pub mod settle;
mod watch;
pub mod words;

#[cfg(test)]
mod tests;

use serde_json::Value;
use tokio::time::Instant;

use super::facts::live;
use super::{Outcome, What};
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::error::{Code, Error};
use crate::inputs::{Until, Wait};
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::plan::ServicePlan;
use crate::plan::codedeploy::CodeDeploy;

use self::judge::Goal;
use self::once::Request;
use self::words::busy;

/// The call that begins a deployment.
pub(super) const CREATE: &str = "codedeploy:CreateDeployment";

/// The call that ends one, and has CodeDeploy go back.
pub(super) const STOP: &str = "codedeploy:StopDeployment";

/// Makes the deployment of the revision in `outcome`; what is to be proven then.
///
/// # Errors
/// CodeDeploy refused, or was busy until the limit. `outcome.changed` is true when it may have been carried out all the
/// same.
pub async fn create(
    step: &CodeDeploy,
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<Goal, Error> {
    let service = plan.service.clone().unwrap_or_default();
    let arn = outcome.task_definition_arn.clone().unwrap_or_else(|| service.task_definition.clone());
    let request = Request::new(step, &arn);
    let deadline = Instant::now() + wait.limit;
    if let Some(other) = &step.replaces {
        room::replace(other, step, plan, (wait, deadline), aws, outcome, tell).await?;
    }
    let id = loop {
        tell(What::Started(format!("having CodeDeploy deploy {} to `{}`", short_name(&arn), service.service_name)));
        let changed = std::mem::replace(&mut outcome.changed, true);
        outcome.unanswered = Some(CREATE);
        let sent = request.send(step, plan, aws, tell).await;
        outcome.unanswered = None;
        match sent {
            Ok(id) => break id,
            // Somebody else was quicker.
            Err(error) if is_busy(&error) && !error.maybe_applied && step.is_patient() => {
                outcome.changed = changed;
                room::others_end(step, plan, (wait, deadline), aws, outcome, tell).await?;
            }
            Err(error) => {
                outcome.changed = changed || error.maybe_applied;
                return Err(refused(error, step, &service.service_name));
            }
        }
    };
    tell(What::Finished(format!("CodeDeploy began {id} with {}", short_name(&arn))));
    outcome.codedeploy_deployment_id = Some(id.clone());
    let before = outcome.service.as_ref().filter(|service| !service.task_sets.is_empty()).unwrap_or(&service);
    Ok(Goal { goes_back: step.goes_back, patience: step.limit, ..goal(before, &id, &arn, &wait.until) })
}

/// What is to be proven of a deployment that is on its way with the revision already, begun by somebody else.
pub fn joined(id: &str, plan: &ServicePlan, wait: &Wait, outcome: &mut Outcome) -> Goal {
    let service = plan.service.clone().unwrap_or_default();
    let arn = outcome.task_definition_arn.clone().unwrap_or_else(|| service.task_definition.clone());
    outcome.codedeploy_deployment_id = Some(id.to_owned());
    let own = |set: &crate::model::service::TaskSet| set.external_id.as_deref() == Some(id);
    let before = Service { task_sets: service.task_sets.iter().filter(|set| !own(set)).cloned().collect(), ..service };
    goal(&before, id, &arn, &wait.until)
}

/// What is to be proven of a deployment, by the service as it was before.
fn goal(before: &Service, id: &str, arn: &str, until: &Until) -> Goal {
    Goal {
        service: before.service_name.clone(),
        cluster: short_name(&before.cluster_arn).to_owned(),
        deployment_id: id.to_owned(),
        previous_task_definition: live(before).map(str::to_owned),
        task_sets_before: before.task_sets.iter().map(|set| set.id.clone()).collect(),
        task_definition: arn.to_owned(),
        until: until.clone(),
        ..Goal::default()
    }
}

/// Changes settings of the service, which deploys nothing.
///
/// # Errors
/// The call failed. `outcome.changed` is true when it may have been carried out all the same.
pub async fn update_settings(
    body: &Value,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    tell(What::Started("updating the service's settings".to_owned()));
    let changed = std::mem::replace(&mut outcome.changed, true);
    outcome.unanswered = Some("ecs:UpdateService");
    let sent = aws.update_service(body).await;
    outcome.unanswered = None;
    match sent {
        Ok(service) => {
            tell(What::Finished(format!("`{}` has the settings asked for", service.service_name)));
            outcome.live_task_definition_arn = live(&service).map(str::to_owned);
            outcome.service = Some(service);
            Ok(())
        }
        Err(error) => {
            outcome.changed = changed || error.maybe_applied;
            Err(error.into())
        }
    }
}

/// Stops our deployment and lets CodeDeploy go back; whether it was, or may have been, in progress still. `outcome` knows
/// at every moment what was asked.
///
/// # Errors
/// CodeDeploy refused.
async fn stop(id: &str, aws: &Aws, outcome: &mut Outcome) -> Result<bool, CallError> {
    let before = outcome.way_back;
    (outcome.unanswered, outcome.way_back) = (Some(STOP), Some(STOP));
    let asked = aws.stop_deployment(id).await;
    outcome.unanswered = None;
    match asked {
        // What it is now tells whether it was carried out.
        Err(error) if error.maybe_applied => Ok(true),
        asked => {
            if !matches!(asked, Ok(true)) {
                outcome.way_back = before;
            }
            asked
        }
    }
}

fn is_busy(error: &CallError) -> bool {
    error.code.as_deref() == Some("DeploymentLimitExceededException")
}

fn refused(error: CallError, step: &CodeDeploy, service: &str) -> Error {
    if is_busy(&error) && !error.maybe_applied {
        let mut told = busy(None, step, service, None);
        told.why = format!("CodeDeploy says: {}", error.message);
        return told;
    }
    let is_unsure = error.maybe_applied;
    let mut error = Error::from(error);
    if is_unsure {
        error.what = format!("{} Whether a deployment of `{service}` was begun is not known.", error.what);
    } else if error.code == Code::RequestRefused {
        error.what = format!("CodeDeploy does not deploy `{service}`. {}", error.what);
    }
    error
}
