//! 6 Why not: the evidence of a rollout that ended badly, while it still exists.

pub mod evidence;
pub mod gather;
mod logs;
pub mod moments;
pub mod rules;
mod targets;

use serde::Serialize;

pub use self::gather::{gather, in_hand, refresh};
pub use self::rules::{fails_for_ever, name_cause};
use crate::error::Error;
pub use crate::model::log::LogLine;
use crate::model::service::{CircuitBreaker, Service, ServiceDeployment, ServiceEvent};
pub use crate::model::target_group::{Target, TargetGroup};
use crate::plan::ServicePlan;

/// What is asked about: a deployment that ended badly, or may be about to.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What was to be done.
    pub plan: &'a ServicePlan,
    /// `ecs-svc/<digits>` of our deployment.
    pub deployment_id: &'a str,
    /// The ARN of the revision deployed.
    pub task_definition: &'a str,
    /// The service as seen last.
    pub service: Option<&'a Service>,
    /// Our service deployment as seen last.
    pub service_deployment: Option<&'a ServiceDeployment>,
    /// The cause as far as the rollout itself told it.
    pub known: Option<&'a Error>,
}

/// What was found. Texts come from outside.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Evidence {
    /// The ids of all tasks of our deployment, running and stopped; none when they could not all be read.
    #[serde(skip)]
    pub tasks: Option<Vec<String>>,
    /// Stopped tasks of our deployment, grouped by equal reason, most frequent first.
    pub stopped: Vec<StoppedGroup>,
    /// Its tasks that stopped in the ordinary course of things (scale-in, spot, a person): no failures.
    pub routine: Vec<StoppedGroup>,
    /// The last log lines of containers that failed.
    pub logs: Vec<LogTail>,
    /// The target groups of the service, as far as they hold its tasks.
    pub target_groups: Vec<TargetGroup>,
    /// Container health of tasks of our deployment that still run: task id, container, `UNHEALTHY`.
    pub unhealthy: Vec<(String, String, String)>,
    /// Alarms of the deployment that fired.
    pub alarms: Vec<String>,
    /// The circuit breaker's count and threshold, where it is on.
    pub breaker: Option<CircuitBreaker>,
    /// What the service said since we began, oldest first.
    pub events: Vec<ServiceEvent>,
    /// What happened, in one order: lines of the service, of tasks and of containers.
    pub moments: Vec<Moment>,
    /// Where the time of the deployment went: medians over its tasks.
    pub spent: Option<Spent>,
    /// What could not be read, and which permission it lacked.
    pub missing: Vec<String>,
}

/// The last lines that a container wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogTail {
    /// The task's id.
    pub task: String,
    /// The container's name.
    pub container: String,
    /// The log group.
    pub group: String,
    /// The log stream.
    pub stream: String,
    /// The region of both, which need not be the service's.
    pub region: String,
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
}

/// One line of the merged timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// Seconds since the deployment began, by AWS's clock; negative before it.
    pub at: f64,
    /// Whose line: `service`, `task 0123abcd`, `container web`.
    pub who: String,
    /// What happened. Text from outside.
    pub what: String,
}

/// Where the time of a task went, in seconds; a part that cannot be known is none.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Spent {
    /// Pulling its images.
    pub pull: Option<f64>,
    /// From its start until it was healthy.
    pub healthy: Option<f64>,
    /// From its start until the load balancer was told of it.
    pub registration: Option<f64>,
    /// From the beginning of the draining of what it replaced until that was stopped.
    pub drain: Option<f64>,
}

/// Tasks that stopped for the same reason. The texts come from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoppedGroup {
    /// How many.
    pub count: usize,
    /// The id of the newest.
    pub newest_task: String,
    /// `TaskFailedToStart`, `EssentialContainerExited`, …
    pub stop_code: Option<String>,
    /// ECS's sentence.
    pub reason: String,
    /// Each container that failed: name, exit code, reason.
    pub containers: Vec<(String, Option<i64>, Option<String>)>,
}
