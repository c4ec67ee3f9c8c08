//! The steps of a service whose tasks CodeDeploy moves: its own deployment instead of an update of the service.
//!
//! ECS takes a desired count and tags for such a service by `UpdateService`, and nothing that would start tasks.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>

use serde_json::{Map, Value, json};

use super::Step;
use super::appspec::AppSpec;
use super::steps::{asks_for_more, body as settings};
use crate::error::{Code, Error};
use crate::inputs::{Inputs, OnConcurrent, OnFailure, Until};
use crate::model::code_deploy::AutoRollback;
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::model::task_definition::TaskDefinition;
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
    /// Whether to let another deployment of the group end first.
    pub waits: bool,
    /// Whether to stop it when its time is up, so that CodeDeploy goes back.
    pub goes_back: bool,
    /// The group's newest deployment before ours.
    pub newest: Option<String>,
}

impl CodeDeploy {
    /// A name in the request.
    pub fn name(&self, field: &str) -> &str {
        self.body.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Adds the steps that are needed. `is_current`: the service runs the revision already.
///
/// # Errors
/// Everything that cannot be had where CodeDeploy moves the tasks; another deployment that is in the way.
pub(super) fn decide(
    inputs: &Inputs,
    service: &Service,
    seen: &Seen,
    definition: &TaskDefinition,
    is_current: bool,
    steps: &mut Vec<Step>,
    warnings: &mut Vec<String>,
) -> Result<(), Vec<Error>> {
    let deploy = &inputs.deploy;
    let mut mistakes = conflicts(inputs, service);
    let appspec = AppSpec::read(&seen.appspec, definition).map_err(|error| mistakes.push(error)).ok();
    let needed = !is_current || deploy.force_new_deployment == Some(true) || seen.other.is_some();
    if needed && deploy.on_concurrent != OnConcurrent::Wait {
        mistakes.extend(busy(service, seen));
    }
    let Some(appspec) = appspec.filter(|_| mistakes.is_empty()) else { return Err(mistakes) };
    if asks_for_more(deploy, service) {
        let mut body = settings(deploy, service);
        body.remove("forceNewDeployment");
        steps.push(Step::UpdateSettings { body: Value::Object(body) });
    }
    if needed {
        let body = Value::Object(request(inputs, seen, warnings));
        let newest = seen.group.as_ref().and_then(|group| group.last_attempted_deployment.as_ref());
        let newest = newest.map(|last| last.deployment_id.clone());
        let waits = deploy.on_concurrent == OnConcurrent::Wait;
        let goes_back = deploy.on_failure == OnFailure::Rollback;
        steps.push(Step::CodeDeploy(Box::new(CodeDeploy { body, appspec, waits, goes_back, newest })));
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

/// Another deployment has the group. CodeDeploy cannot replace it: it could only be stopped, and that is for its owner
/// to say.
fn busy(service: &Service, seen: &Seen) -> Option<Error> {
    let other = seen.other.as_ref()?;
    let id = &other.deployment_id;
    let made = service.task_sets.iter().find(|set| set.external_id.as_ref() == Some(id));
    let what = made.map_or_else(
        || format!("`{}` is being deployed by CodeDeploy already, in {id}.", service.service_name),
        |set| {
            let revision = short_name(&set.task_definition);
            format!("{revision} is being deployed to `{}` by CodeDeploy already, in {id}.", service.service_name)
        },
    );
    let stage = if other.instance_termination_wait_time_started {
        " It serves production, and waits to remove the tasks before it."
    } else {
        ""
    };
    Some(Error::new(
        Code::DeploymentInProgress,
        what,
        format!(
            "The deployment group `{}` takes one deployment at a time, and cannot replace {id}, which is {}.{stage}",
            seen.group_name, other.status
        ),
        format!("Write `on-concurrent: wait`, or stop it first: `aws deploy stop-deployment --deployment-id {id}`."),
    ))
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
    let group = seen.group.as_ref().filter(|_| inputs.deploy.on_failure == OnFailure::Rollback)?;
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
