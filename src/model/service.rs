//! Services and their deployments, as ECS's JSON tells them.
//!
//! Enumerations stay strings here: ECS keeps adding values, and an unknown one means "keep waiting, print it as it is",
//! never an error. Times are seconds since 1970 by AWS's clock.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An ECS service, as DescribeServices and UpdateService answer it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// The service's ARN.
    pub service_arn: String,
    /// The service's name.
    pub service_name: String,
    /// The ARN of its cluster.
    pub cluster_arn: String,
    /// ACTIVE, DRAINING or INACTIVE.
    pub status: String,
    /// How many tasks it is asked to keep running.
    pub desired_count: i64,
    /// Tasks that run, of every deployment.
    pub running_count: i64,
    /// Tasks that are about to run, of every deployment.
    pub pending_count: i64,
    /// The ARN of the task definition that new tasks use.
    pub task_definition: String,
    /// Who moves tasks; absent means ECS.
    pub deployment_controller: Option<DeploymentController>,
    /// REPLICA or DAEMON.
    pub scheduling_strategy: Option<String>,
    /// FARGATE, EC2, EXTERNAL or `MANAGED_INSTANCES`; absent where capacity providers decide.
    pub launch_type: Option<String>,
    /// The capacity providers that its tasks run on; empty where the launch type decides.
    pub capacity_provider_strategy: Vec<CapacityProvider>,
    /// The settings of its deployments, whole, unknown fields included.
    pub deployment_configuration: Option<Value>,
    /// Its subnets, security groups and whether tasks get a public address, whole.
    pub network_configuration: Option<Value>,
    /// The target groups that it registers its tasks in.
    pub load_balancers: Vec<LoadBalancer>,
    /// Seconds after a task's start in which ECS ignores failing health checks.
    pub health_check_grace_period_seconds: Option<i64>,
    /// Its deployments; exactly one is PRIMARY (controller ECS).
    pub deployments: Vec<Deployment>,
    /// Its task sets, where others than ECS move the tasks (controllers `CODE_DEPLOY` and EXTERNAL).
    pub task_sets: Vec<TaskSet>,
    /// The newest hundred events, newest first.
    pub events: Vec<ServiceEvent>,
    /// The newest service deployment; may lag behind UpdateService.
    pub current_service_deployment: Option<String>,
    /// The service revisions in use.
    pub current_service_revisions: Vec<ServiceRevisionSummary>,
    /// Whether ECS tags the tasks.
    #[serde(rename = "enableECSManagedTags")]
    pub enable_ecs_managed_tags: bool,
    /// Where tasks get their tags from: SERVICE, TASK_DEFINITION or NONE.
    pub propagate_tags: Option<String>,
    /// ECS for Express services, CUSTOMER or absent for ordinary ones.
    pub resource_management_type: Option<String>,
}

/// Where a service registers its tasks.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancer {
    /// The target group; a Classic Load Balancer has none.
    pub target_group_arn: Option<String>,
    /// The name of a Classic Load Balancer.
    pub load_balancer_name: Option<String>,
    /// The container registered in it.
    pub container_name: Option<String>,
    /// That container's port.
    pub container_port: Option<i64>,
    /// The second target group of the strategies that shift traffic, the listener rules and the role, whole.
    pub advanced_configuration: Option<Value>,
}

/// Where a share of a service's tasks runs.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html>
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct CapacityProvider {
    /// `FARGATE`, `FARGATE_SPOT`, or the name of the account's own.
    pub capacity_provider: String,
    /// Its share of the tasks beyond every base.
    pub weight: i64,
    /// How many tasks run on it at least.
    pub base: i64,
}

/// Who moves a service's tasks: ECS, CODE_DEPLOY or EXTERNAL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct DeploymentController {
    /// The controller's type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One deployment of a service, as the service lists it.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Deployment {
    /// `ecs-svc/<digits>`.
    pub id: String,
    /// PRIMARY (the newest), ACTIVE (being replaced) or INACTIVE.
    pub status: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// Tasks it should run.
    pub desired_count: i64,
    /// Tasks about to run.
    pub pending_count: i64,
    /// Tasks that run.
    pub running_count: i64,
    /// Tasks in a row that failed to start.
    pub failed_tasks: i64,
    /// IN_PROGRESS, COMPLETED or FAILED; absent on some controllers.
    pub rollout_state: Option<String>,
    /// ECS's sentence about the rollout state.
    pub rollout_state_reason: Option<String>,
    /// When it was created.
    pub created_at: Option<f64>,
    /// The volumes that ECS manages for its tasks, whole.
    pub volume_configurations: Vec<Value>,
    /// The target groups of VPC Lattice that its tasks are registered in, whole.
    pub vpc_lattice_configurations: Vec<Value>,
}

/// A task set: the tasks of one revision, where others than ECS move them.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html>
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskSet {
    /// `ecs-svc/<digits>`.
    pub id: String,
    /// PRIMARY (serves production), ACTIVE or DRAINING.
    pub status: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// The CodeDeploy deployment that made it.
    pub external_id: Option<String>,
    /// Tasks it should run.
    pub computed_desired_count: i64,
    /// Tasks about to run.
    pub pending_count: i64,
    /// Tasks that run.
    pub running_count: i64,
    /// When it was created.
    pub created_at: Option<f64>,
}

/// One service event.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEvent {
    /// Unique id, by which events already told are known.
    pub id: String,
    /// When it happened.
    pub created_at: f64,
    /// ECS's sentence. Text from outside: never printed raw.
    pub message: String,
}

/// A service revision and its counts.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceRevisionSummary {
    /// The service revision's ARN; its digits equal those of the deployment id.
    pub arn: String,
    /// Tasks asked for.
    pub requested_task_count: i64,
    /// Tasks that run.
    pub running_task_count: i64,
    /// Tasks about to run.
    pub pending_task_count: i64,
    /// Share of test traffic, in percent.
    pub requested_test_traffic_weight: Option<f64>,
    /// Share of production traffic, in percent.
    pub requested_production_traffic_weight: Option<f64>,
}

/// A service deployment: the one API that tells a rollback from a success.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceDeployment {
    /// Its ARN.
    pub service_deployment_arn: String,
    /// PENDING, IN_PROGRESS, SUCCESSFUL, STOPPED, STOP_REQUESTED, ROLLBACK_*; unknown values mean "keep waiting".
    pub status: String,
    /// ECS's sentence about the status.
    pub status_reason: Option<String>,
    /// Where the rollout is, e.g. SCALE_UP or BAKE_TIME.
    pub lifecycle_stage: Option<String>,
    /// The hooks of the stage it is at, those that wait for somebody included.
    pub lifecycle_hook_details: Vec<LifecycleHook>,
    /// The revision being rolled out.
    pub target_service_revision: Option<ServiceRevisionSummary>,
    /// Only in ListServiceDeployments' briefs: the target's ARN.
    pub target_service_revision_arn: Option<String>,
    /// The revisions being replaced.
    pub source_service_revisions: Vec<ServiceRevisionSummary>,
    /// The way back, once it began.
    pub rollback: Option<Rollback>,
    /// The circuit breaker's count.
    pub deployment_circuit_breaker: Option<CircuitBreaker>,
    /// The alarms watched.
    pub alarms: Option<Alarms>,
    /// The settings it rolls out by, as they were when it began, whole.
    pub deployment_configuration: Option<Value>,
    /// When it was created.
    pub created_at: Option<f64>,
    /// When it began to move.
    pub started_at: Option<f64>,
    /// When it ended, well or badly.
    pub finished_at: Option<f64>,
    /// When it was stopped.
    pub stopped_at: Option<f64>,
    /// When it last changed.
    pub updated_at: Option<f64>,
}

/// A lifecycle hook of a service deployment, as it runs or waits.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHookDetail.html>
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct LifecycleHook {
    /// The id that ContinueServiceDeployment takes; another one at each step.
    pub hook_id: String,
    /// `AWS_LAMBDA` or PAUSE.
    pub target_type: String,
    /// What it calls; none for a pause.
    pub target_arn: Option<String>,
    /// `AWAITING_ACTION`, `IN_PROGRESS`, SUCCEEDED, FAILED or `TIMED_OUT`.
    pub status: String,
    /// Until when it waits.
    pub expires_at: Option<f64>,
    /// What ECS does then: ROLLBACK or CONTINUE.
    pub timeout_action: Option<String>,
}

/// A rollback as ECS tells it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollback {
    /// ECS's sentence.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: Option<f64>,
    /// The service revision rolled back to.
    pub service_revision_arn: Option<String>,
}

/// The circuit breaker of a service deployment.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct CircuitBreaker {
    /// TRIGGERED, MONITORING, MONITORING_COMPLETE or DISABLED.
    pub status: String,
    /// Failures counted so far.
    pub failure_count: i64,
    /// Failures at which it trips.
    pub threshold: i64,
}

/// The alarms of a service deployment.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Alarms {
    /// TRIGGERED, MONITORING, MONITORING_COMPLETE or DISABLED.
    pub status: String,
    /// The alarms that fired.
    pub triggered_alarm_names: Vec<String>,
}

/// What a service revision runs, of DescribeServiceRevisions.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceRevision {
    /// Its ARN.
    pub service_revision_arn: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// The image of each container, with the digest that its tasks use.
    pub container_images: Vec<ContainerImage>,
}

/// The image of one container of a service revision.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerImage {
    /// The container.
    pub container_name: String,
    /// The image as the task definition names it.
    pub image: String,
    /// `sha256:…`, once ECS resolved it.
    pub image_digest: Option<String>,
}

impl ServiceDeployment {
    /// The pauses that wait for somebody.
    pub fn pauses(&self) -> impl Iterator<Item = &LifecycleHook> {
        self.lifecycle_hook_details
            .iter()
            .filter(|hook| hook.target_type == "PAUSE" && hook.status == "AWAITING_ACTION")
    }
}

impl ServiceDeployment {
    /// The ARN of the revision that is rolled out, wherever the answer has it.
    pub fn target_arn(&self) -> Option<&str> {
        let target = self.target_service_revision.as_ref().map(|target| target.arn.as_str());
        target.or(self.target_service_revision_arn.as_deref())
    }

    /// Whether its status is one that it cannot leave.
    pub fn is_closed(&self) -> bool {
        matches!(self.status.as_str(), "SUCCESSFUL" | "STOPPED" | "ROLLBACK_SUCCESSFUL" | "ROLLBACK_FAILED")
    }
}

impl Service {
    /// The deployment that new tasks belong to.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }

    /// Whether Fargate runs its tasks: its launch type says so, or all its capacity providers are Fargate's.
    pub fn is_on_fargate(&self) -> bool {
        let is_fargate = |it: &CapacityProvider| matches!(it.capacity_provider.as_str(), "FARGATE" | "FARGATE_SPOT");
        match self.launch_type.as_deref() {
            Some(launch_type) => launch_type == "FARGATE",
            None => {
                !self.capacity_provider_strategy.is_empty() && self.capacity_provider_strategy.iter().all(is_fargate)
            }
        }
    }

    /// Whether some of its tasks run on Fargate Spot.
    pub fn may_use_spot(&self) -> bool {
        self.capacity_provider_strategy
            .iter()
            .any(|it| it.capacity_provider == "FARGATE_SPOT" && (it.weight > 0 || it.base > 0))
    }

    /// Whether it runs one task on each container instance.
    pub fn is_daemon(&self) -> bool {
        self.scheduling_strategy.as_deref() == Some("DAEMON")
    }

    /// Whether CodeDeploy moves its tasks.
    pub fn is_moved_by_code_deploy(&self) -> bool {
        self.controller() == "CODE_DEPLOY"
    }

    /// The task set that serves production.
    pub fn primary_task_set(&self) -> Option<&TaskSet> {
        self.task_sets.iter().find(|set| set.status == "PRIMARY")
    }

    /// Whether its deployments shift traffic (`BLUE_GREEN`, LINEAR, CANARY, and whatever comes), so that the list of
    /// deployments alone does not tell how far they are.
    pub fn shifts_traffic(&self) -> bool {
        let strategy = self.deployment_configuration.as_ref().and_then(|configuration| configuration.get("strategy"));
        strategy.and_then(Value::as_str).is_some_and(|strategy| strategy != "ROLLING")
    }

    /// The type of the deployment controller: `ECS` when ECS names none.
    pub fn controller(&self) -> &str {
        self.deployment_controller.as_ref().map_or("ECS", |controller| controller.kind.as_str())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_launch_type_or_fargate_s_own_providers_make_a_service_of_fargate() {
        let on = |provider: &str, weight: i64| json!({"capacityProvider": provider, "weight": weight, "base": 0});
        for (service, is_on_fargate, may_use_spot) in [
            (json!({"launchType": "FARGATE"}), true, false),
            (json!({"launchType": "EC2"}), false, false),
            (json!({}), false, false),
            (json!({"capacityProviderStrategy": [on("FARGATE", 1), on("FARGATE_SPOT", 0)]}), true, false),
            (json!({"capacityProviderStrategy": [on("FARGATE", 1), on("FARGATE_SPOT", 3)]}), true, true),
            (json!({"capacityProviderStrategy": [on("our-instances", 1)]}), false, false),
        ] {
            let read: Service = serde_json::from_value(service.clone()).unwrap();
            assert_eq!((read.is_on_fargate(), read.may_use_spot()), (is_on_fargate, may_use_spot), "{service}");
        }
    }
}
