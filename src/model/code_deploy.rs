//! CodeDeploy's deployments of an ECS service, as its JSON tells them.
//!
//! A bare `Deployment` is always ECS's; CodeDeploy's own is a [`CodeDeployment`]. Enumerations stay strings: an unknown
//! value means "keep waiting, print it as it is".
//! <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentInfo.html>

use serde::{Deserialize, Serialize};

/// A CodeDeploy deployment.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct CodeDeployment {
    /// `d-` and letters.
    pub deployment_id: String,
    /// The application that it belongs to.
    pub application_name: Option<String>,
    /// The deployment group that it belongs to.
    pub deployment_group_name: Option<String>,
    /// How it moves traffic: the name of its configuration.
    pub deployment_config_name: Option<String>,
    /// Created, Queued, InProgress, Baking, Ready, Succeeded, Failed or Stopped.
    pub status: String,
    /// Who made it: `user`, `codeDeployRollback`, …
    pub creator: Option<String>,
    /// Its description. Text from outside.
    pub description: Option<String>,
    /// What it deploys; the `AppSpec`'s text is left out of answers.
    pub revision: Option<RevisionLocation>,
    /// Why it ended badly.
    pub error_information: Option<ErrorInformation>,
    /// The way back, once there is one.
    pub rollback_info: Option<RollbackInfo>,
    /// When CodeDeploy goes back by itself.
    pub auto_rollback_configuration: Option<AutoRollback>,
    /// How long it waits before and after traffic is shifted.
    pub blue_green_deployment_configuration: Option<BlueGreen>,
    /// Production is on the new tasks, and the old ones wait for their end.
    pub instance_termination_wait_time_started: bool,
    /// When it was created.
    pub create_time: Option<f64>,
}

/// What a deployment deploys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct RevisionLocation {
    /// The `AppSpec`.
    pub app_spec_content: Option<AppSpecContent>,
}

/// An `AppSpec` in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct AppSpecContent {
    /// The digest of its bytes, in lower-case hex.
    pub sha256: Option<String>,
}

/// Why a deployment ended badly.
/// <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ErrorInformation.html>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorInformation {
    /// `HOOK_EXECUTION_FAILURE`, `ALARM_ACTIVE`, `ECS_UPDATE_ERROR`, …
    pub code: String,
    /// CodeDeploy's sentence. Text from outside.
    pub message: String,
}

/// The way back from a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct RollbackInfo {
    /// The deployment that goes back.
    pub rollback_deployment_id: Option<String>,
    /// The deployment from which this one goes back.
    pub rollback_triggering_deployment_id: Option<String>,
    /// CodeDeploy's sentence. Text from outside.
    pub rollback_message: Option<String>,
}

/// When CodeDeploy goes back by itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct AutoRollback {
    /// Whether it does at all.
    pub enabled: bool,
    /// `DEPLOYMENT_FAILURE`, `DEPLOYMENT_STOP_ON_ALARM`, `DEPLOYMENT_STOP_ON_REQUEST`.
    pub events: Vec<String>,
}

/// The waits of a blue/green deployment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreen {
    /// Before traffic is shifted.
    pub deployment_ready_option: Option<ReadyOption>,
    /// Before the old tasks are removed.
    pub terminate_blue_instances_on_deployment_success: Option<Termination>,
}

/// The wait before traffic is shifted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ReadyOption {
    /// `CONTINUE_DEPLOYMENT` (no wait) or `STOP_DEPLOYMENT`.
    pub action_on_timeout: Option<String>,
    /// How long it waits for ContinueDeployment.
    pub wait_time_in_minutes: u32,
}

/// The wait before the old tasks are removed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Termination {
    /// TERMINATE or `KEEP_ALIVE`.
    pub action: Option<String>,
    /// How long they are kept.
    pub termination_wait_time_in_minutes: u32,
}

/// How a deployment configuration moves traffic; by neither of the two, all of it at once.
/// <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_TrafficRoutingConfig.html>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct TrafficRouting {
    /// In two steps.
    pub time_based_canary: Option<Canary>,
    /// In equal steps.
    pub time_based_linear: Option<Linear>,
}

/// Some traffic first, the rest later.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Canary {
    /// Minutes between the two.
    pub canary_interval: u32,
}

/// So many percent of the traffic at a time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Linear {
    /// Percent of each step.
    pub linear_percentage: u32,
    /// Minutes between two steps.
    pub linear_interval: u32,
}

/// The target of a deployment on ECS: the service.
/// <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ECSTarget.html>
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct EcsTarget {
    /// What was done and what is to do, in order.
    pub lifecycle_events: Vec<LifecycleEvent>,
    /// The task sets, old and new.
    pub task_sets_info: Vec<TaskSetInfo>,
}

/// One event of a deployment's lifecycle.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct LifecycleEvent {
    /// `BeforeInstall`, `Install`, …
    pub lifecycle_event_name: String,
    /// Pending, InProgress, Succeeded, Failed, Skipped or Unknown.
    pub status: String,
    /// What its hook said.
    pub diagnostics: Option<Diagnostics>,
}

/// What a hook said. Texts from outside.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Diagnostics {
    /// CodeDeploy's sentence.
    pub message: Option<String>,
}

/// A task set, as CodeDeploy tells it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskSetInfo {
    /// `ecs-svc/<digits>`; the API spells it so.
    pub identifer: String,
    /// Blue (before) or Green (new).
    pub task_set_label: Option<String>,
    /// PRIMARY (production), ACTIVE or DRAINING.
    pub status: String,
    /// Share of production traffic, in percent.
    pub traffic_weight: f64,
    /// Tasks asked for.
    pub desired_count: i64,
    /// Tasks that run.
    pub running_count: i64,
}

/// A deployment group.
/// <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentGroupInfo.html>
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct DeploymentGroup {
    /// ECS, Lambda or Server.
    pub compute_platform: Option<String>,
    /// The services it deploys.
    pub ecs_services: Vec<EcsService>,
    /// When CodeDeploy goes back by itself.
    pub auto_rollback_configuration: Option<AutoRollback>,
    /// The waits of its deployments.
    pub blue_green_deployment_configuration: Option<BlueGreen>,
    /// The newest deployment.
    pub last_attempted_deployment: Option<LastDeployment>,
}

/// A service of a deployment group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct EcsService {
    /// The service's name.
    pub service_name: String,
    /// Its cluster's name.
    pub cluster_name: String,
}

/// A deployment that a group remembers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct LastDeployment {
    /// `d-` and letters.
    pub deployment_id: String,
    /// Its status, as in [`CodeDeployment`].
    pub status: String,
}

impl CodeDeployment {
    /// Whether its status is one that it cannot leave.
    pub fn is_closed(&self) -> bool {
        matches!(self.status.as_str(), "Succeeded" | "Failed" | "Stopped")
    }

    /// Whether CodeDeploy itself made it, to go back from another one.
    pub fn is_way_back(&self) -> bool {
        self.creator.as_deref() == Some("codeDeployRollback")
    }

    /// Why somebody else's newer deployment does not take its place; nothing, when it may.
    pub fn stays(&self) -> Option<&'static str> {
        if self.is_way_back() {
            return Some("it goes back from a failed deployment");
        }
        let serves = self.instance_termination_wait_time_started;
        serves.then_some("it serves production already, and waits to remove the tasks before it")
    }

    /// The deployment from which this one goes back.
    pub fn triggered_by(&self) -> Option<&str> {
        self.rollback_info.as_ref()?.rollback_triggering_deployment_id.as_deref().filter(|id| !id.is_empty())
    }

    /// The deployment that goes back from this one.
    pub fn rollback_id(&self) -> Option<&str> {
        self.rollback_info.as_ref()?.rollback_deployment_id.as_deref().filter(|id| !id.is_empty())
    }
}

impl BlueGreen {
    /// Minutes that a deployment may wait before traffic is shifted.
    pub fn ready_minutes(&self) -> u32 {
        let option = self.deployment_ready_option.as_ref();
        let waits = option.filter(|option| option.action_on_timeout.as_deref() != Some("CONTINUE_DEPLOYMENT"));
        waits.map_or(0, |option| option.wait_time_in_minutes)
    }

    /// Minutes that old tasks are kept before the deployment ends.
    pub fn termination_minutes(&self) -> u32 {
        let termination = self.terminate_blue_instances_on_deployment_success.as_ref();
        let waits = termination.filter(|option| option.action.as_deref() != Some("KEEP_ALIVE"));
        waits.map_or(0, |option| option.termination_wait_time_in_minutes)
    }
}

impl TrafficRouting {
    /// Minutes from the first step of the traffic to the last.
    pub fn minutes(&self) -> u32 {
        let canary = self.time_based_canary.as_ref().map_or(0, |canary| canary.canary_interval);
        let linear = self.time_based_linear.as_ref().map_or(0, |linear| {
            let steps = 100_u32.div_ceil(linear.linear_percentage.clamp(1, 100));
            linear.linear_interval.saturating_mul(steps - 1)
        });
        canary + linear
    }
}

impl EcsTarget {
    /// Whether an event of this name is done.
    pub fn is_done(&self, name: &str) -> bool {
        let done = |event: &&LifecycleEvent| matches!(event.status.as_str(), "Succeeded" | "Skipped");
        self.lifecycle_events.iter().filter(done).any(|event| event.lifecycle_event_name == name)
    }

    /// The events that are done, in order.
    pub fn done(&self) -> impl Iterator<Item = &str> {
        let done = self.lifecycle_events.iter().filter(|event| event.status == "Succeeded");
        done.map(|event| event.lifecycle_event_name.as_str())
    }

    /// Whether an event of this name is done or in progress.
    pub fn has_begun(&self, name: &str) -> bool {
        let begun = |event: &LifecycleEvent| matches!(event.status.as_str(), "Succeeded" | "InProgress");
        self.lifecycle_events.iter().any(|event| event.lifecycle_event_name == name && begun(event))
    }

    /// The task set with this label.
    pub fn labelled(&self, label: &str) -> Option<&TaskSetInfo> {
        self.task_sets_info.iter().find(|set| set.task_set_label.as_deref() == Some(label))
    }
}

/// How much of a cluster's and a service's name stands in the default names, as the console makes them.
const LONGEST_PART: usize = 47;

/// `AppECS-prod-web`, as the console and the official action name what belongs to a service.
pub fn default_name(prefix: &str, cluster: &str, service: &str) -> String {
    let part = |name: &str| name.chars().take(LONGEST_PART).collect::<String>();
    format!("{prefix}-{}-{}", part(cluster), part(service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_names_are_those_of_the_console() {
        assert_eq!(default_name("AppECS", "prod", "web"), "AppECS-prod-web");
        assert_eq!(default_name("DgpECS", "prod", &"w".repeat(60)), format!("DgpECS-prod-{}", "w".repeat(47)));
    }
}
