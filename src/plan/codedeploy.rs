//! The steps of a service whose tasks CodeDeploy moves: its own deployment instead of an update of the service.
//!
//! ECS takes a desired count and tags for such a service by `UpdateService`, and nothing that would start tasks.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Step;
use super::appspec::AppSpec;
use super::steps::{asks_for_more, body as settings};
use crate::error::{Code, Error};
use crate::inputs::{Inputs, Mode, OnConcurrent, OnFailure, Until};
use crate::model::code_deploy::{AutoRollback, CodeDeployment};
use crate::model::names::short_name;
use crate::model::service::{Service, TaskSet};
use crate::model::task_definition::{Registered, TaskDefinition};
use crate::observe::codedeploy::CodeDeploy as Seen;

/// The longest description that CodeDeploy takes, in characters.
const LONGEST_DESCRIPTION: usize = 512;

/// A deployment to be made by CodeDeploy.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeDeploy {
    /// CreateDeployment's request without `revision`, which is made when the task definition's ARN is known.
    pub body: Value,
    /// What is deployed, and how.
    pub appspec: AppSpec,
    /// Another deployment of the group, in progress.
    pub other: Option<Other>,
    /// Whether to let another deployment of the group end first.
    pub waits: bool,
    /// The id of the other one, where it is to be stopped for ours.
    pub replaces: Option<String>,
    /// Whether to stop it when it fails or its time is up, so that CodeDeploy goes back.
    pub goes_back: bool,
    /// How long it is given before that.
    pub limit: Duration,
    /// The group's newest deployment before ours.
    pub newest: Option<String>,
}

/// Somebody else's deployment, in progress.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// The deployment.
    pub deployment: CodeDeployment,
    /// The ARN of the task definition that it deploys, once its task set is there.
    pub task_definition: Option<String>,
}

impl CodeDeploy {
    /// Whether a group that is busy all the same is waited for.
    pub fn is_patient(&self) -> bool {
        self.waits || self.replaces.is_some()
    }

    /// A name in the request.
    pub fn name(&self, field: &str) -> &str {
        self.body.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Adds the steps that are needed. `reuse`: the revision, where it is registered already.
///
/// # Errors
/// Everything that cannot be had where CodeDeploy moves the tasks.
pub(super) fn decide(
    inputs: &Inputs,
    service: &Service,
    seen: &Seen,
    definition: &TaskDefinition,
    reuse: Option<&Registered>,
    steps: &mut Vec<Step>,
    warnings: &mut Vec<String>,
) -> Result<(), Vec<Error>> {
    let deploy = &inputs.deploy;
    let is_current = reuse.is_some_and(|reuse| reuse.arn == service.task_definition);
    let mut mistakes = conflicts(inputs, service);
    let appspec = AppSpec::read(&seen.appspec, definition).map_err(|error| mistakes.push(error)).ok();
    let other = seen.other.clone().map(|deployment| Other {
        task_definition: made_by(service, &deployment.deployment_id).map(|set| set.task_definition.clone()),
        deployment,
    });
    let forced = deploy.force_new_deployment == Some(true);
    let failed = is_current.then(|| failed(service, seen)).flatten();
    let needed = !is_current || forced || other.is_some() || failed.is_some();
    let Some(appspec) = appspec.filter(|_| mistakes.is_empty()) else { return Err(mistakes) };
    if asks_for_more(deploy, service) {
        let mut body = settings(deploy, service);
        body.remove("forceNewDeployment");
        steps.push(Step::UpdateSettings { body: Value::Object(body) });
    }
    // The very revision is on its way already.
    let joins = other.as_ref().filter(|other| !forced && is_same(other, reuse));
    if let Some(other) = joins {
        steps.push(Step::JoinCodeDeploy { deployment_id: other.deployment.deployment_id.clone() });
    } else if needed {
        warnings.extend(failed);
        let body = Value::Object(request(inputs, seen, warnings));
        let newest = seen.group.as_ref().and_then(|group| group.last_attempted_deployment.as_ref());
        let newest = newest.map(|last| last.deployment_id.clone());
        let waits = deploy.on_concurrent == OnConcurrent::Wait;
        let replaces = other.as_ref().filter(|_| deploy.on_concurrent == OnConcurrent::Replace);
        let replaces = replaces.map(|other| other.deployment.deployment_id.clone());
        let (goes_back, limit) = (goes_back(inputs), inputs.wait.limit);
        let step = CodeDeploy { body, appspec, other, waits, replaces, goes_back, limit, newest };
        steps.push(Step::CodeDeploy(Box::new(step)));
    }
    if inputs.wait.enabled && !steps.is_empty() {
        steps.push(Step::AwaitRollout);
    }
    Ok(())
}

/// What was asked for and neither CodeDeploy nor ECS would do.
fn conflicts(inputs: &Inputs, service: &Service) -> Vec<Error> {
    let deploy = &inputs.deploy;
    let given = [
        (
            "deployment-configuration",
            deploy.deployment_configuration.is_some(),
            "The strategy, the alarms and the waits of such a service are those of its deployment group; a circuit \
             breaker is never asked.",
            "Remove it, and change the deployment group; how traffic is shifted is `codedeploy-deployment-config`.",
        ),
        (
            "service-managed-ebs-volume",
            deploy.volume_configuration.is_some(),
            "ECS takes the volume of a service by an update that it refuses where CodeDeploy moves the tasks.",
            "Remove it, or move the service to ECS's own blue/green deployments (deployment controller ECS).",
        ),
        (
            "wait-until",
            matches!(inputs.wait.until, Until::Stage(_)),
            "It names a stage of ECS's own deployments, which a deployment of CodeDeploy does not have.",
            "Write `stable`, `healthy` or `paused`.",
        ),
    ];
    let told = |(input, is_given, why, fix): (&str, bool, &str, &str)| {
        let what = format!("`{input}` cannot be had for `{}`: CodeDeploy moves its tasks.", service.service_name);
        is_given.then(|| Error::new(Code::InputConflict, what, why, fix))
    };
    given.into_iter().filter_map(told).collect()
}

/// The task set that a deployment of CodeDeploy made.
fn made_by<'a>(service: &'a Service, deployment_id: &str) -> Option<&'a TaskSet> {
    service.task_sets.iter().find(|set| set.external_id.as_deref() == Some(deployment_id))
}

/// Whether another deployment deploys the very revision.
fn is_same(other: &Other, reuse: Option<&Registered>) -> bool {
    let is_way_back = other.deployment.creator.as_deref().is_some_and(|creator| creator != "user");
    !is_way_back && reuse.is_some_and(|reuse| other.task_definition.as_deref() == Some(&reuse.arn))
}

/// Why what serves is deployed again: its deployment did not end well, and CodeDeploy did not go back.
fn failed(service: &Service, seen: &Seen) -> Option<String> {
    let last = seen.group.as_ref()?.last_attempted_deployment.as_ref()?;
    let set = made_by(service, &last.deployment_id).filter(|set| set.status == "PRIMARY")?;
    matches!(last.status.as_str(), "Failed" | "Stopped").then(|| {
        let (id, status) = (&last.deployment_id, &last.status);
        format!("{} serves although {id} is {status}, so it is deployed again.", short_name(&set.task_definition))
    })
}

/// Whether the way back from a failure is to be taken. A way back itself leads nowhere else.
fn goes_back(inputs: &Inputs) -> bool {
    inputs.deploy.on_failure == OnFailure::Rollback && inputs.deploy.mode != Mode::Rollback
}

/// CreateDeployment's request, as far as it is known.
/// <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_CreateDeployment.html>
fn request(inputs: &Inputs, seen: &Seen, warnings: &mut Vec<String>) -> Map<String, Value> {
    let asked = &inputs.deploy.code_deploy;
    let given = [
        ("applicationName", Some(seen.application.as_str().into())),
        ("deploymentGroupName", Some(seen.group_name.as_str().into())),
        ("deploymentConfigName", asked.config.clone().map(Value::from)),
        ("description", asked.description.as_deref().map(|text| shortened(text).into())),
        ("autoRollbackConfiguration", way_back(inputs, seen, warnings)),
    ];
    given.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))).collect()
}

/// As the official action shortens it.
fn shortened(description: &str) -> String {
    if description.chars().count() <= LONGEST_DESCRIPTION {
        return description.to_owned();
    }
    description.chars().take(LONGEST_DESCRIPTION - 1).chain(['…']).collect()
}

/// Has CodeDeploy go back by itself, even when this run is gone by then, where its group does not say so already.
fn way_back(inputs: &Inputs, seen: &Seen, warnings: &mut Vec<String>) -> Option<Value> {
    const FAILURE: &str = "DEPLOYMENT_FAILURE";
    let group = seen.group.as_ref().filter(|_| goes_back(inputs))?;
    let of_group = group.auto_rollback_configuration.as_ref().filter(|rollback| rollback.enabled);
    let mut events = of_group.map(|rollback: &AutoRollback| rollback.events.clone()).unwrap_or_default();
    if events.iter().any(|event| event == FAILURE) {
        return None;
    }
    events.insert(0, FAILURE.to_owned());
    warnings.push(format!(
        "The deployment group `{}` does not go back when a deployment fails; this deployment is told to. \
         `on-failure: none` prevents it.",
        seen.group_name
    ));
    Some(json!({ "enabled": true, "events": events }))
}

#[cfg(test)]
#[path = "codedeploy_tests.rs"]
mod tests;
