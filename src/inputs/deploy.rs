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
}

/// `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Deploy.
    Deploy,
    /// The same run, stopped before the first write.
    Plan,
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
const PROPAGATE_TAGS: &[(&str, &str)] =
    &[("SERVICE", "SERVICE"), ("TASK_DEFINITION", "TASK_DEFINITION"), ("NONE", "NONE")];

pub(super) fn parse(raw: &RawInputs, remarks: &mut Remarks) -> Deploy {
    Deploy {
        // Other words than these two are refused in `later`.
        mode: if given!(raw.mode).text().is_some_and(|mode| mode.eq_ignore_ascii_case("plan")) {
            Mode::Plan
        } else {
            Mode::Deploy
        },
        service: given!(raw.service).items().first().map(|&service| service.to_owned()),
        cluster: given!(raw.cluster).text().unwrap_or("default").to_owned(),
        // The API's number is a signed one of 32 bits.
        desired_count: given!(raw.desired_count).number(0..=i32::MAX.unsigned_abs(), remarks),
        force_new_deployment: given!(raw.force_new_deployment).boolean(remarks),
        enable_ecs_managed_tags: given!(raw.enable_ecs_managed_tags).boolean(remarks),
        propagate_tags: given!(raw.propagate_tags).word(PROPAGATE_TAGS, remarks).map(str::to_owned),
        volume_configuration: volume_configuration(raw, remarks),
        deployment_configuration: given!(raw.deployment_configuration).object(remarks),
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
