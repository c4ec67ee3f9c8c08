//! ECS: what there is, and who answers which call.

pub mod deployments;
pub mod schedule;
pub mod services;
mod show;
pub mod task_definitions;
pub mod tasks;

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::rollout::Rollout;
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

/// How late a service's reads follow its writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lag {
    /// Describes after an update that still show the old service.
    pub describes: u32,
    /// Lists of service deployments that still lack the new one.
    pub lists: u32,
    /// Describes whose `currentServiceDeployment` is still the old one.
    pub current: u32,
}

/// A service.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub name: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// How many tasks it wants.
    pub desired: i64,
    /// `deploymentController.type`; none stands for ECS.
    pub controller: Option<String>,
    /// Everything else that `DescribeServices` shows as it was given.
    pub settings: Map<String, Value>,
    /// Its tags.
    pub tags: Value,
    /// When it was created.
    pub created: f64,
    /// All deployments ever, oldest first.
    pub deployments: Vec<Deployment>,
    /// Events, newest first.
    pub events: Vec<Event>,
    /// How the next deployments go; when empty, they go as their images deserve.
    pub script: VecDeque<Rollout>,
    /// How late reads are.
    pub lag: Lag,
    /// Moves of the autoscaler: at this tick, that many tasks.
    pub autoscaling: Vec<(u32, i64)>,
    /// Ticks so far.
    pub ticks: u32,
    /// Since when the wall clock's ticks count.
    pub ticking_since: f64,
    /// The service as it was, for so many describes more.
    pub stale: Option<(u32, Value)>,
    /// The service deployment named before, for so many describes more.
    pub stale_current: Option<(u32, Option<String>)>,
}

/// What happened to a service.
#[derive(Debug, Clone)]
pub struct Event {
    /// A UUID.
    pub id: String,
    /// When.
    pub at: f64,
    /// AWS's text.
    pub message: String,
}

/// Where a deployment stands in `Service.deployments[]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The newest.
    Primary,
    /// Being replaced.
    Active,
    /// Not listed any more.
    Gone,
}

/// What a deployment is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its script plays.
    Rolling,
    /// It failed and the service goes back; `fails`: that fails too.
    GoingBack {
        /// Ticks since.
        age: u32,
        /// Whether the way back fails.
        fails: bool,
    },
    /// It is being stopped; `stays`: it remains the PRIMARY one.
    Stopping {
        /// Ticks since.
        age: u32,
        /// Whether it remains listed.
        stays: bool,
    },
    /// Nothing more happens to it.
    Ended,
}

/// A deployment in both of its shapes: ECS's `Deployment` and its service deployment with the target revision.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The digits of `ecs-svc/…` and of the service revision.
    pub digits: String,
    /// The last part of the service deployment's ARN.
    pub id: String,
    /// The task definition's ARN.
    pub task_definition: String,
    /// The revision it replaces: the digits of the deployment before.
    pub source: Option<String>,
    /// Where it is listed.
    pub place: Place,
    /// What it is doing.
    pub phase: Phase,
    /// Its script.
    pub rollout: Rollout,
    /// Ticks since its start.
    pub age: u32,
    /// Tasks that run.
    pub running: i64,
    /// Tasks that are coming up.
    pub pending: i64,
    /// Tasks that failed.
    pub failed: i64,
    /// `rolloutState`.
    pub rollout_state: String,
    /// `rolloutStateReason`.
    pub rollout_reason: String,
    /// `status` of the service deployment.
    pub status: String,
    /// `statusReason` of the service deployment.
    pub status_reason: Option<String>,
    /// `lifecycleStage`.
    pub stage: Option<String>,
    /// `rollback` of the service deployment.
    pub rollback: Option<Value>,
    /// `deploymentCircuitBreaker` of the service deployment.
    pub breaker: Value,
    /// `alarms` of the service deployment.
    pub alarms: Option<Value>,
    /// `deploymentConfiguration` it was made with.
    pub configuration: Value,
    /// Times in seconds since 1970.
    pub created: f64,
    /// When it finished well or badly.
    pub finished: Option<f64>,
    /// When it was stopped.
    pub stopped: Option<f64>,
    /// When it last changed.
    pub updated: f64,
    /// Lists of service deployments that do not show it yet.
    pub unlisted: u32,
    /// Container, image and digest, as resolved at its start.
    pub images: Value,
}

impl Deployment {
    /// `ecs-svc/<digits>`.
    #[must_use]
    pub fn ecs_id(&self) -> String {
        format!("ecs-svc/{}", self.digits)
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
    /// Containers with name, image and digest.
    pub images: Value,
}

impl Service {
    /// A service on Fargate with two subnets and a circuit breaker that rolls back.
    #[must_use]
    pub fn running(cluster: &str, name: &str, desired: i64) -> Self {
        let settings = super::wire::object(json!({
            "launchType": "FARGATE", "platformVersion": "LATEST", "platformFamily": "Linux",
            "schedulingStrategy": "REPLICA", "enableECSManagedTags": true, "propagateTags": "NONE",
            "enableExecuteCommand": false, "healthCheckGracePeriodSeconds": 0, "availabilityZoneRebalancing": "DISABLED",
            "resourceManagementType": "CUSTOMER",
            "networkConfiguration": {"awsvpcConfiguration": {
                "subnets": ["subnet-0aaa1111bbb22222c", "subnet-0ddd3333eee44444f"],
                "securityGroups": ["sg-0123456789abcdef0"], "assignPublicIp": "DISABLED"}},
            "deploymentConfiguration": {
                "deploymentCircuitBreaker": {"enable": true, "rollback": true},
                "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0},
        }));
        Self { cluster: cluster.into(), name: name.into(), status: "ACTIVE".into(), desired, settings, tags: json!([]), ..Self::default() }
    }

    /// Turns the circuit breaker on or off.
    pub fn breaker(&mut self, enable: bool, rollback: bool) {
        let configuration = self.settings.entry("deploymentConfiguration").or_insert_with(|| json!({}));
        if let Some(configuration) = configuration.as_object_mut() {
            configuration.insert("deploymentCircuitBreaker".into(), json!({"enable": enable, "rollback": rollback}));
        }
    }

    /// The PRIMARY deployment.
    #[must_use]
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().rev().find(|deployment| deployment.place == Place::Primary)
    }

    /// The ARN of its task definition: that of the PRIMARY deployment.
    #[must_use]
    pub fn task_definition(&self) -> &str {
        self.primary().map_or("", |deployment| &deployment.task_definition)
    }

    /// Writes an event; the text goes after `(service NAME) `.
    pub fn says(&mut self, world: &mut World, at: f64, text: &str) {
        let event = Event { id: world.dice.uuid(), at, message: format!("(service {}) {text}", self.name) };
        self.events.insert(0, event);
        self.events.truncate(100);
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
pub(super) fn with_service<T>(world: &mut World, at: usize, act: impl FnOnce(&mut World, &mut Service) -> T) -> Option<T> {
    let mut service = std::mem::take(world.ecs.services.get_mut(at)?);
    let answer = act(world, &mut service);
    if let Some(slot) = world.ecs.services.get_mut(at) {
        *slot = service;
    }
    Some(answer)
}
