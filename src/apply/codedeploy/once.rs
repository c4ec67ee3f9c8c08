//! `CreateDeployment`, carried out once: an answer that is lost is looked for before anything is sent again.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::is_busy;
use crate::apply::What;
use crate::apply::facts::same_revision;
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::model::code_deploy::CodeDeployment;
use crate::plan::ServicePlan;
use crate::plan::appspec::sha256;
use crate::plan::codedeploy::CodeDeploy;

/// Requests without an answer before giving up.
const ATTEMPTS: u32 = 3;

/// The request, and what its deployment is known by.
#[derive(Debug)]
pub(super) struct Request {
    body: Value,
    task_definition: String,
    sha256: String,
}

/// What the group shows after an answer was lost.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Our deployment.
    Ours(String),
    /// There may be ours: a deployment that was not there before tells no digest, or not all can be read.
    Doubtful,
    /// No deployment that could be ours.
    Nothing,
}

impl Request {
    /// CreateDeployment's request for a task definition.
    pub(super) fn new(step: &CodeDeploy, task_definition: &str) -> Self {
        let content = step.appspec.content(task_definition);
        let sha256 = sha256(&content);
        let mut body = step.body.clone();
        if let Some(body) = body.as_object_mut() {
            let appspec = json!({ "content": content, "sha256": sha256 });
            body.insert("revision".into(), json!({ "revisionType": "AppSpecContent", "appSpecContent": appspec }));
        }
        Self { body, task_definition: task_definition.to_owned(), sha256 }
    }

    /// Sends it; when the answer is lost, looks whether it was carried out before sending it again.
    pub(super) async fn send(
        &self,
        step: &CodeDeploy,
        plan: &ServicePlan,
        aws: &Aws,
        tell: &mut dyn FnMut(What),
    ) -> Result<String, CallError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match aws.create_deployment(&self.body).await {
                Ok(id) => return Ok(id),
                // Busy after a lost answer, most likely with ours, which may only now be visible. And a later refusal
                // does not take back what an earlier, unanswered request may have done.
                Err(error) if !error.maybe_applied && attempt == 1 => return Err(error),
                Err(error) if !error.maybe_applied && !is_busy(&error) => {
                    return Err(CallError { maybe_applied: true, ..error });
                }
                Err(error) => CallError { maybe_applied: true, ..error },
            };
            tell(What::Warned(format!("`{}` brought no answer; looking whether it was carried out", error.action)));
            // Reads lag: give the deployment a moment to show.
            sleep(Duration::from_secs(1 << attempt)).await;
            match self.find(step, plan, aws).await {
                Ok(Found::Ours(id)) => return Ok(id),
                Ok(Found::Nothing) if attempt < ATTEMPTS && !is_busy(&error) => {}
                _ => return Err(error),
            }
        }
    }

    /// Our deployment among the group's that were not there before: in progress, or its newest.
    pub(super) async fn find(&self, step: &CodeDeploy, plan: &ServicePlan, aws: &Aws) -> Result<Found, CallError> {
        let (application, group) = (step.name("applicationName"), step.name("deploymentGroupName"));
        let mut ids = aws.code_deployments_in_progress(application, group).await?;
        // A deployment that failed at once is not in progress any more.
        let newest = aws.deployment_group(application, group).await.map(|group| group.last_attempted_deployment);
        // Where the newest cannot be read, nothing proves that there is none.
        let mut doubtful = newest.is_err();
        ids.extend(newest.ok().flatten().map(|last| last.deployment_id));
        let before = [step.newest.as_ref(), step.replaces.as_ref()];
        while let Some(id) = ids.pop() {
            if before.contains(&Some(&id)) {
                continue;
            }
            let deployment = aws.code_deployment(&id).await?;
            // One that failed at once may be hidden behind its way back.
            ids.extend(deployment.triggered_by().map(str::to_owned));
            match self.made(&deployment) {
                Some(true) => return Ok(Found::Ours(id)),
                Some(false) => {}
                None if self.has_task_set(&id, plan, aws).await => return Ok(Found::Ours(id)),
                None => doubtful = true,
            }
        }
        Ok(if doubtful { Found::Doubtful } else { Found::Nothing })
    }

    /// Whether this request made a deployment, as far as its digest tells.
    fn made(&self, deployment: &CodeDeployment) -> Option<bool> {
        if deployment.creator.as_deref().is_some_and(|creator| creator != "user") {
            return Some(false);
        }
        let revision = deployment.revision.as_ref().and_then(|revision| revision.app_spec_content.as_ref());
        let told = revision.and_then(|content| content.sha256.as_deref()).filter(|told| !told.is_empty());
        told.map(|told| told == self.sha256)
    }

    /// Whether a deployment made a task set of our revision, where nothing ran that revision before.
    async fn has_task_set(&self, id: &str, plan: &ServicePlan, aws: &Aws) -> bool {
        let Some(before) = &plan.service else { return false };
        if before.task_sets.iter().any(|set| same_revision(&set.task_definition, &self.task_definition)) {
            return false;
        }
        let services = aws.describe_services(&plan.cluster, &[before.service_name.as_str()]).await;
        services.into_iter().flatten().flat_map(|service| service.task_sets).any(|set| {
            set.external_id.as_deref() == Some(id) && same_revision(&set.task_definition, &self.task_definition)
        })
    }
}
