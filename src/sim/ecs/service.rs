//! What a service is.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};

use super::{Deployment, Place};
use crate::sim::rollout::{Happening, Lambda, Rollout, WayBack};
use crate::sim::world::World;

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
    /// How the way back goes when a deployment's script does not say it.
    pub way_back: WayBack,
    /// How the functions behind lifecycle hooks answer, by ARN.
    pub lambdas: BTreeMap<String, Lambda>,
    /// How the next pauses are answered: after so many ticks, with `CONTINUE` or `ROLLBACK`. When empty, nobody comes.
    pub answers: VecDeque<(u32, String)>,
    /// What else happens, at which tick of the service.
    pub agenda: Vec<(u32, Happening)>,
    /// Ticks for which a new deployment is `PENDING`.
    pub starts_after: u32,
    /// How late reads are.
    pub lag: Lag,
    /// Moves of the autoscaler: at this tick, that many tasks.
    pub autoscaling: Vec<(u32, i64)>,
    /// Ticks so far.
    pub ticks: u32,
    /// When it last ticked.
    pub ticked: f64,
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

impl Service {
    /// A service on Fargate with two subnets and a circuit breaker that rolls back.
    #[must_use]
    pub fn running(cluster: &str, name: &str, desired: i64) -> Self {
        let settings = crate::sim::wire::object(json!({
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
        Self {
            cluster: cluster.into(),
            name: name.into(),
            status: "ACTIVE".into(),
            desired,
            settings,
            tags: json!([]),
            ..Self::default()
        }
    }

    /// Sets one field of `deploymentConfiguration`.
    pub fn configure(&mut self, name: &str, value: Value) {
        let configuration = self.settings.entry("deploymentConfiguration").or_insert_with(|| json!({}));
        if let Some(configuration) = configuration.as_object_mut() {
            configuration.insert(name.into(), value);
        }
    }

    /// Turns the circuit breaker on or off.
    pub fn breaker(&mut self, enable: bool, rollback: bool) {
        self.configure("deploymentCircuitBreaker", json!({"enable": enable, "rollback": rollback}));
    }

    /// `deploymentConfiguration.deploymentCircuitBreaker`.
    #[must_use]
    pub fn breaker_settings(&self) -> Option<&Value> {
        self.settings.get("deploymentConfiguration")?.get("deploymentCircuitBreaker")
    }

    /// Whether something may happen to it without anybody asking for it.
    #[must_use]
    pub fn moves(&self) -> bool {
        !self.autoscaling.is_empty() || !self.agenda.is_empty() || self.deployments.iter().any(Deployment::moves)
    }

    /// Whether it runs one task on each container instance.
    #[must_use]
    pub fn is_daemon(&self) -> bool {
        self.settings.get("schedulingStrategy").and_then(Value::as_str) == Some("DAEMON")
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

    /// Writes an event, unless there is one that says the same.
    pub fn says_once(&mut self, world: &mut World, at: f64, text: &str) {
        if !self.events.iter().any(|event| event.message.ends_with(text)) {
            self.says(world, at, text);
        }
    }

    /// Writes an event; the text goes after `(service NAME) `.
    pub fn says(&mut self, world: &mut World, at: f64, text: &str) {
        let event = Event { id: world.dice.uuid(), at, message: format!("(service {}) {text}", self.name) };
        self.events.insert(0, event);
        self.events.truncate(100);
    }
}
