//! 6 Why not: the evidence of a rollout that ended badly, while it still exists.

pub mod evidence;
pub mod rules;

use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

pub use self::rules::{fails_for_ever, name_cause};
use crate::aws::Aws;
use crate::error::Error;
pub use crate::model::log::LogLine;
use crate::model::service::{CircuitBreaker, Service, ServiceDeployment, ServiceEvent};
pub use crate::model::target_group::{Target, TargetGroup};
use crate::plan::ServicePlan;

/// How long the verdict may wait for its evidence: the limit of the wait is over by then.
const PATIENCE: Duration = Duration::from_secs(15);

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
    /// Stopped tasks of our deployment, grouped by equal reason, most frequent first.
    pub stopped: Vec<StoppedGroup>,
    /// Its tasks that stopped in the ordinary course of things (scale-in, spot, a person): no failures.
    pub routine: Vec<StoppedGroup>,
    /// The last log lines of containers that failed.
    pub logs: Vec<LogTail>,
    /// The target groups of the service, as far as they hold its tasks.
    pub target_groups: Vec<TargetGroup>,
    /// Container health of tasks of our deployment that still run: task id, container, `UNHEALTHY` or `UNKNOWN`.
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
    /// From healthy until the load balancer sent it traffic.
    pub registration: Option<f64>,
    /// Draining what it replaced.
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

/// Gathers the evidence, while it still exists.
pub async fn gather(subject: &Subject<'_>, aws: &Aws) -> Evidence {
    let mut evidence = Evidence::default();
    let Some(service) = &subject.plan.service else { return evidence };
    evidence.events = evidence::events(service, subject.service);
    let asked = timeout(PATIENCE, aws.stopped_tasks(&subject.plan.cluster, &service.service_name)).await;
    match asked {
        Err(_) => {
            evidence.missing.push(format!("The stopped tasks: AWS took longer than {} seconds.", PATIENCE.as_secs()));
        }
        Ok(Ok(tasks)) => {
            let ours =
                tasks.iter().filter(|task| evidence::is_ours(task, subject.deployment_id, subject.task_definition));
            evidence.stopped = evidence::group(ours);
        }
        Ok(Err(error)) => {
            evidence.missing.push(format!("The stopped tasks: `{}` failed. {}", error.action, error.message));
        }
    }
    evidence
}
