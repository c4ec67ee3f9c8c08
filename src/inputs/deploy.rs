//! Where to deploy, and what to change about the service.

use serde_json::{Value, json};

use super::given::{Remarks, given};
use super::raw::RawInputs;

/// Where to deploy, and what to change about the service.
#[derive(Debug, Clone)]
pub struct Deploy {
    /// `mode`.
    pub mode: Mode,
    /// `service`, a name or ARN; none: register only.
    pub service: Option<String>,
    /// `cluster`, a name or ARN.
    pub cluster: String,
    /// `desired-count`.
    pub desired_count: Option<u32>,
    /// `force-new-deployment`.
    pub force_new_deployment: Option<bool>,
    /// `enable-ecs-managed-tags`.
    pub enable_ecs_managed_tags: Option<bool>,
    /// `propagate-tags`: `SERVICE`, `TASK_DEFINITION` or `NONE`.
    pub propagate_tags: Option<String>,
    /// `service-managed-ebs-volume-name` and `service-managed-ebs-volume`, as one entry of `volumeConfigurations`.
    pub volume_configuration: Option<Value>,
    /// `deployment-configuration`, whole.
    pub deployment_configuration: Option<Value>,
    /// What `codedeploy-*` says.
    pub code_deploy: CodeDeploy,
    /// `on-failure`.
    pub on_failure: OnFailure,
    /// `on-cancel`.
    pub on_cancel: OnCancel,
    /// `on-concurrent`.
    pub on_concurrent: OnConcurrent,
}

/// What `codedeploy-*` says, for services with the `CODE_DEPLOY` controller.
#[derive(Debug, Clone, Default)]
pub struct CodeDeploy {
    /// `codedeploy-appspec`: a path relative to the workspace.
    pub appspec: Option<String>,
    /// `codedeploy-application`.
    pub application: Option<String>,
    /// `codedeploy-deployment-group`.
    pub deployment_group: Option<String>,
    /// `codedeploy-deployment-description`.
    pub description: Option<String>,
    /// `codedeploy-deployment-config`.
    pub config: Option<String>,
}

impl CodeDeploy {
    /// Whether any of them was given.
    pub fn is_given(&self) -> bool {
        let Self { appspec, application, deployment_group, description, config } = self;
        [appspec, application, deployment_group, description, config].into_iter().any(Option::is_some)
    }
}

/// `on-failure`: what to do about a deployment that failed, where ECS does not go back by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Go back to the revision before.
    #[default]
    Rollback,
    /// Nothing.
    None,
}

/// `on-cancel`: what to do about a deployment under way when the run is cancelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnCancel {
    /// ECS goes on with it.
    #[default]
    Leave,
    /// Go back to the revision before.
    Rollback,
}

/// `on-concurrent`: what to do about another deployment that is in progress at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConcurrent {
    /// Ours takes its place.
    Replace,
    /// Ours begins when it has ended.
    Wait,
    /// Ours does not begin.
    Fail,
}

/// `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Deploy.
    Deploy,
    /// The same run, stopped before the first write.
    Plan,
    /// Back to the last revision that completed, or to `task-definition-arn`.
    Rollback,
}

const MODE: &[(&str, Mode)] = &[("deploy", Mode::Deploy), ("plan", Mode::Plan), ("rollback", Mode::Rollback)];

const ON_FAILURE: &[(&str, OnFailure)] = &[("rollback", OnFailure::Rollback), ("none", OnFailure::None)];

const ON_CANCEL: &[(&str, OnCancel)] = &[("leave", OnCancel::Leave), ("rollback", OnCancel::Rollback)];

const ON_CONCURRENT: &[(&str, OnConcurrent)] =
    &[("replace", OnConcurrent::Replace), ("wait", OnConcurrent::Wait), ("fail", OnConcurrent::Fail)];

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
const PROPAGATE_TAGS: &[(&str, &str)] =
    &[("SERVICE", "SERVICE"), ("TASK_DEFINITION", "TASK_DEFINITION"), ("NONE", "NONE")];

pub(super) fn parse(raw: &RawInputs, remarks: &mut Remarks) -> Deploy {
    Deploy {
        mode: given!(raw.mode).word(MODE, remarks).unwrap_or(Mode::Deploy),
        service: given!(raw.service).items().first().map(|&service| service.to_owned()),
        cluster: given!(raw.cluster).text().unwrap_or("default").to_owned(),
        // The API's number is a signed one of 32 bits.
        desired_count: given!(raw.desired_count).number(0..=i32::MAX.unsigned_abs(), remarks),
        force_new_deployment: given!(raw.force_new_deployment).boolean(remarks),
        enable_ecs_managed_tags: given!(raw.enable_ecs_managed_tags).boolean(remarks),
        propagate_tags: given!(raw.propagate_tags).word(PROPAGATE_TAGS, remarks).map(str::to_owned),
        volume_configuration: volume_configuration(raw, remarks),
        deployment_configuration: given!(raw.deployment_configuration).object(remarks),
        code_deploy: CodeDeploy {
            appspec: given!(raw.codedeploy_appspec).owned(),
            application: given!(raw.codedeploy_application).owned(),
            deployment_group: given!(raw.codedeploy_deployment_group).owned(),
            description: given!(raw.codedeploy_deployment_description).owned(),
            config: given!(raw.codedeploy_deployment_config).owned(),
        },
        on_failure: given!(raw.on_failure).word(ON_FAILURE, remarks).unwrap_or(OnFailure::Rollback),
        on_cancel: given!(raw.on_cancel).word(ON_CANCEL, remarks).unwrap_or(OnCancel::Leave),
        on_concurrent: given!(raw.on_concurrent).word(ON_CONCURRENT, remarks).unwrap_or(OnConcurrent::Replace),
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceVolumeConfiguration.html>
fn volume_configuration(raw: &RawInputs, remarks: &mut Remarks) -> Option<Value> {
    let (name, body) = (given!(raw.service_managed_ebs_volume_name), given!(raw.service_managed_ebs_volume));
    if body.text().is_none() {
        if name.text().is_some() {
            remarks.warnings.push(
                "`service-managed-ebs-volume-name` has no effect without `service-managed-ebs-volume`.".to_owned(),
            );
        }
        return None;
    }
    let volume = body.object(remarks)?;
    let empty = volume.as_object().is_some_and(serde_json::Map::is_empty);
    if empty && name.text().is_none() {
        return None;
    }
    if name.text().is_none() {
        remarks.missing(
            name,
            "`service-managed-ebs-volume` does not say which volume of the task definition it configures",
        );
    }
    if volume.is_object() && !volume.get("roleArn").is_some_and(Value::is_string) {
        let allowed = "ECS creates the volume with the role of the field `roleArn`";
        remarks.wrong(body, "has no `roleArn`", allowed, "Add `roleArn:` with the ARN of the infrastructure role.");
    }
    Some(json!({ "name": name.text(), "managedEBSVolume": volume }))
}
