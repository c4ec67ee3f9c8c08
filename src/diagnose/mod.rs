//! 6 Why not: the evidence of a rollout that ended badly, while it still exists.

pub mod evidence;
pub mod rules;

use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use crate::apply::Outcome;
use crate::aws::Aws;
use crate::error::{Code, Error};
use crate::model::names::short_name;
use crate::model::service::ServiceEvent;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// How long the verdict may wait for its evidence: the limit of the wait is over by then.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Evidence {
    /// Stopped tasks of our deployment, grouped by equal reason, most frequent first.
    pub stopped: Vec<StoppedGroup>,
    /// What the service said since we began, oldest first. Text from outside.
    pub events: Vec<ServiceEvent>,
    /// What could not be read, and which permission it lacked.
    pub missing: Vec<String>,
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

/// Gathers the evidence and names the cause as exactly as it allows. A run that ended well has none.
pub async fn diagnose(plan: &ServicePlan, outcome: &Outcome, aws: &Aws) -> (Evidence, Option<Error>) {
    let ended_badly = matches!(
        outcome.verdict,
        Some(Verdict::RolledBack | Verdict::Failed | Verdict::RollbackFailed | Verdict::TimedOut)
    );
    let (Some(service), Some(id), true) = (&plan.service, &outcome.deployment_id, ended_badly) else {
        return (Evidence::default(), None);
    };
    let ours = outcome.task_definition_arn.as_deref().unwrap_or_default();
    let mut evidence = Evidence { events: evidence::events(service, outcome.service.as_ref()), ..Evidence::default() };
    let asked = timeout(PATIENCE, aws.stopped_tasks(&plan.cluster, &service.service_name)).await;
    match asked {
        Err(_) => {
            evidence.missing.push(format!("The stopped tasks: AWS took longer than {} seconds.", PATIENCE.as_secs()));
        }
        Ok(Ok(tasks)) => {
            evidence.stopped = evidence::group(tasks.iter().filter(|task| evidence::is_ours(task, id, ours)));
        }
        Ok(Err(error)) => {
            evidence.missing.push(format!("The stopped tasks: `{}` failed. {}", error.action, error.message));
        }
    }
    // An alarm, a hook, a person or a deletion is the cause, whatever tasks stopped besides.
    let known = outcome.cause.as_ref().map(|cause| cause.code);
    let open = matches!(known, None | Some(Code::CircuitBreaker | Code::DeploymentFailed | Code::TimedOut));
    let cause = rules::name_cause(&evidence).filter(|_| open);
    let cause = cause.map(|cause| cause.explain(&evidence, short_name(ours), outcome));
    (evidence, cause)
}
