//! ECS: what there is, and who answers which call.

pub mod beginnings;
mod course;
mod deployment;
pub mod deployments;
pub mod endings;
mod hooks;
mod kinds;
mod people;
mod rules;
pub mod schedule;
mod scripts;
mod service;
pub mod services;
mod show;
mod stages;
pub mod task_definitions;
pub mod task_sets;
pub mod tasks;
mod way_back;

use serde_json::Value;

pub use self::course::Step;
pub use self::deployment::{Deployment, External, Phase, Place};
pub use self::hooks::Hook;
pub use self::kinds::target_group;
pub use self::service::{Event, Lag, Service};
use super::wire::{Answered, Refusal, text};
use super::world::World;

/// Everything ECS knows.
#[derive(Debug, Default)]
pub struct Ecs {
    /// Clusters.
    pub clusters: Vec<Cluster>,
    /// Services of all clusters.
    pub services: Vec<Service>,
    /// Every revision, in order of registration.
    pub definitions: Vec<TaskDefinition>,
    /// Tasks, stopped ones included.
    pub tasks: Vec<Task>,
    /// Whether the lists of a stored definition come back in another order, as ECS may do.
    pub reorders: bool,
    /// Whether the answer of `UpdateService` already names the new service deployment.
    pub update_names_deployment: bool,
}

/// A cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name.
    pub name: String,
}

/// A revision of a task definition.
#[derive(Debug, Clone)]
pub struct TaskDefinition {
    /// The family.
    pub family: String,
    /// The revision's number.
    pub revision: u64,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// As `DescribeTaskDefinition` gives it.
    pub document: Value,
    /// Its tags.
    pub tags: Value,
}

impl TaskDefinition {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        text(&self.document, "taskDefinitionArn").unwrap_or_default()
    }
}

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
    /// The cluster's name.
    pub cluster: String,
    /// `service:<name>` or `family:<name>`.
    pub group: String,
    /// Who started it: `ecs-svc/<digits>` for a service's tasks.
    pub started_by: String,
    /// The task definition's ARN.
    pub task_definition: String,
    /// `lastStatus`.
    pub last_status: String,
    /// When it was created.
    pub created: f64,
    /// When it came to RUNNING.
    pub started: Option<f64>,
    /// When it stopped.
    pub stopped: Option<f64>,
    /// `stopCode` and `stoppedReason`.
    pub stop: Option<(String, String)>,
    /// Exit code of its container.
    pub exit_code: Option<i64>,
    /// `reason` of its container.
    pub container_reason: Option<String>,
    /// Which container failed; none: the first essential one.
    pub failed_container: Option<String>,
    /// Whether that container's health check fails.
    pub ill: bool,
    /// Containers with name, image and digest.
    pub images: Value,
}

impl Task {
    /// `desiredStatus`: one that only finishes what it has is wanted `STOPPED`.
    #[must_use]
    pub fn wanted(&self) -> &'static str {
        if self.stopped.is_some() || self.last_status == "DEACTIVATING" { "STOPPED" } else { "RUNNING" }
    }
}

/// The answer to one call; none when the operation is not known here.
pub(super) fn answer(world: &mut World, operation: &str, input: &Value, caller: &str) -> Option<Answered> {
    Some(match operation {
        "RegisterTaskDefinition" => task_definitions::register(world, input, caller),
        "DescribeTaskDefinition" => task_definitions::describe(world, input),
        "ListTaskDefinitions" => task_definitions::list_revisions(world, input),
        "DescribeClusters" => Ok(services::describe_clusters(world, input)),
        "ListClusters" => services::list_clusters(world, input),
        "DescribeServices" => services::describe(world, input),
        "ListServices" => services::list_services(world, input),
        "UpdateService" => services::update(world, input),
        "ListServiceDeployments" => deployments::list_them(world, input),
        "DescribeServiceDeployments" => deployments::describe(world, input),
        "DescribeServiceRevisions" => deployments::describe_revisions(world, input),
        "StopServiceDeployment" => deployments::stop(world, input),
        "ContinueServiceDeployment" => deployments::go_on(world, input),
        "ListTasks" => tasks::list_them(world, input),
        "DescribeTasks" => tasks::describe(world, input),
        _ => return None,
    })
}

/// The cluster a call is about: a name or an ARN, `default` when not given.
pub(super) fn cluster(world: &World, input: &Value) -> Result<String, Refusal> {
    let named = text(input, "cluster").unwrap_or("default");
    let name = named.rsplit('/').next().unwrap_or(named);
    let known = world.ecs.clusters.iter().any(|cluster| cluster.name == name);
    if known { Ok(name.to_owned()) } else { Err(Refusal::new("ClusterNotFoundException", "Cluster not found.")) }
}

/// Where a service stands in the list: by name or ARN, within a cluster.
pub(super) fn find(world: &World, cluster: &str, named: &str) -> Option<usize> {
    let name = named.rsplit('/').next().unwrap_or(named);
    world.ecs.services.iter().position(|service| service.cluster == cluster && service.name == name)
}

/// Takes a service out of the world to change both, and puts it back.
pub(super) fn with_service<T>(
    world: &mut World,
    at: usize,
    act: impl FnOnce(&mut World, &mut Service) -> T,
) -> Option<T> {
    let mut service = std::mem::take(world.ecs.services.get_mut(at)?);
    let answer = act(world, &mut service);
    if let Some(slot) = world.ecs.services.get_mut(at) {
        *slot = service;
    }
    Some(answer)
}
