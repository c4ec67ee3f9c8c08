//! Has CodeDeploy deploy the revision, exactly once although its API knows no token for that, and follows its deployment.

pub mod follow;
pub mod judge;
pub mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::facts::live;
use super::{Outcome, What};
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::error::{Code, Error};
use crate::inputs::Wait;
use crate::model::code_deploy::CodeDeployment;
use crate::model::names::short_name;
use crate::plan::ServicePlan;
use crate::plan::appspec::sha256;
use crate::plan::codedeploy::CodeDeploy;

use self::judge::Goal;
use self::words::busy;

/// Requests without an answer before giving up.
const ATTEMPTS: u32 = 3;

/// The shortest pause between two looks at a busy group.
const SHORTEST: Duration = Duration::from_millis(50);

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
    let content = step.appspec.content(&arn);
    let sha = sha256(&content);
    let mut body = step.body.clone();
    if let Some(body) = body.as_object_mut() {
        let appspec = json!({ "content": content, "sha256": sha });
        body.insert("revision".into(), json!({ "revisionType": "AppSpecContent", "appSpecContent": appspec }));
    }
    let deadline = Instant::now() + wait.limit;
    let id = loop {
        if step.waits {
            let waited = others_end(step, wait, deadline, aws, tell).await;
            waited.map_err(|other| busy(other.as_ref(), step, &service.service_name, Some(wait.limit)))?;
        }
        tell(What::Started(format!("having CodeDeploy deploy {} to `{}`", short_name(&arn), service.service_name)));
        let changed = std::mem::replace(&mut outcome.changed, true);
        match send(&body, step, &sha, aws, tell).await {
            Ok(id) => break id,
            // Somebody else was quicker.
            Err(error) if is_busy(&error) && step.waits && Instant::now() < deadline => {
                outcome.changed = changed;
                sleep(wait.max_delay.max(SHORTEST)).await;
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
    Ok(Goal {
        service: service.service_name.clone(),
        cluster: short_name(&service.cluster_arn).to_owned(),
        deployment_id: id,
        previous_task_definition: live(before).map(str::to_owned),
        task_sets_before: before.task_sets.iter().map(|set| set.id.clone()).collect(),
        task_definition: arn,
        until: wait.until.clone(),
        goes_back: step.goes_back,
    })
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
    match aws.update_service(body).await {
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

/// Stops a deployment of CodeDeploy and lets it go back.
///
/// # Errors
/// The call failed.
pub async fn stop(id: &str, aws: &Aws) -> Result<(), CallError> {
    aws.stop_deployment(id).await
}

/// Waits until no deployment of the group is in progress.
///
/// # Errors
/// The one that is, at the limit.
async fn others_end(
    step: &CodeDeploy,
    wait: &Wait,
    deadline: Instant,
    aws: &Aws,
    tell: &mut dyn FnMut(What),
) -> Result<(), Option<CodeDeployment>> {
    let (application, group) = (step.name("applicationName"), step.name("deploymentGroupName"));
    let mut told = String::new();
    loop {
        // What cannot be read is found out by trying.
        let ids = aws.code_deployments_in_progress(application, group).await.unwrap_or_default();
        let Some(id) = ids.first() else { return Ok(()) };
        let other = aws.code_deployment(id).await.ok();
        let status = other.as_ref().map_or("in progress", |other| other.status.as_str());
        let line = format!("waiting until {id} has ended: {status}");
        if line != told {
            tell(What::Progress(line.clone()));
            told = line;
        }
        if Instant::now() >= deadline {
            return Err(other);
        }
        sleep(wait.max_delay.max(SHORTEST)).await;
    }
}

/// Sends the request; when its answer is lost, looks whether it was carried out before sending it again.
async fn send(
    body: &Value,
    step: &CodeDeploy,
    sha: &str,
    aws: &Aws,
    tell: &mut dyn FnMut(What),
) -> Result<String, CallError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let error = match aws.create_deployment(body).await {
            Ok(id) => return Ok(id),
            // Busy after a lost answer: most likely with ours.
            Err(error) if is_busy(&error) && attempt > 1 => CallError { maybe_applied: true, ..error },
            // A later refusal does not take back what an earlier, unanswered request may have done.
            Err(error) if !error.maybe_applied => return Err(CallError { maybe_applied: attempt > 1, ..error }),
            Err(error) => error,
        };
        tell(What::Warned(format!("`{}` brought no answer; looking whether it was carried out", error.action)));
        // Reads lag: give the deployment a moment to show.
        sleep(Duration::from_secs(1 << attempt)).await;
        match find(step, sha, aws).await {
            Ok(Some(id)) => return Ok(id),
            Ok(None) if attempt < ATTEMPTS => {}
            _ => return Err(error),
        }
    }
}

/// Our deployment among the group's: in progress, or its newest, and with our `AppSpec`.
async fn find(step: &CodeDeploy, sha: &str, aws: &Aws) -> Result<Option<String>, CallError> {
    let (application, group) = (step.name("applicationName"), step.name("deploymentGroupName"));
    let mut ids = aws.code_deployments_in_progress(application, group).await?;
    // A deployment that failed at once is not in progress any more.
    if let Ok(group) = aws.deployment_group(application, group).await {
        ids.extend(group.last_attempted_deployment.map(|last| last.deployment_id));
    }
    for id in ids.into_iter().filter(|id| step.newest.as_ref() != Some(id)) {
        let deployment = aws.code_deployment(&id).await?;
        if is_ours(&deployment, sha) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn is_ours(deployment: &CodeDeployment, sha: &str) -> bool {
    let revision = deployment.revision.as_ref().and_then(|revision| revision.app_spec_content.as_ref());
    let by_user = deployment.creator.as_deref().is_none_or(|creator| creator == "user");
    by_user && revision.and_then(|content| content.sha256.as_deref()) == Some(sha)
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
