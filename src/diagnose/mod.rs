//! 6 Why not: the evidence of a rollout that ended badly, while it still exists.

use serde::Serialize;

use crate::apply::Outcome;
use crate::aws::Aws;
use crate::error::Error;
use crate::plan::ServicePlan;

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Evidence {
    /// Stopped tasks of our deployment, grouped by equal reason, most frequent first.
    pub stopped: Vec<StoppedGroup>,
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
    /// TaskFailedToStart, EssentialContainerExited, …
    pub stop_code: Option<String>,
    /// ECS's sentence.
    pub reason: String,
    /// Each container that failed: name, exit code, reason.
    pub containers: Vec<(String, Option<i64>, Option<String>)>,
}

/// Gathers the evidence and names the cause as exactly as it allows.
pub async fn diagnose(plan: &ServicePlan, outcome: &Outcome, aws: &Aws) -> (Evidence, Option<Error>) {
    let _ = (plan, outcome, aws);
    todo!()
}
