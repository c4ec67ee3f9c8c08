//! Tasks, as DescribeTasks tells them: the evidence of why a rollout does not move.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>

use serde::{Deserialize, Serialize};

/// One task.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Task {
    /// Its ARN; the id is the part after the last slash.
    pub task_arn: String,
    /// The deployment that started it: `ecs-svc/<digits>`.
    pub started_by: Option<String>,
    /// The ARN of its task definition.
    pub task_definition_arn: String,
    /// PROVISIONING … STOPPED.
    pub last_status: String,
    /// TaskFailedToStart, EssentialContainerExited, …
    pub stop_code: Option<String>,
    /// ECS's sentence. Text from outside: never printed raw.
    pub stopped_reason: Option<String>,
    /// HEALTHY, UNHEALTHY or UNKNOWN.
    pub health_status: Option<String>,
    /// When it was created.
    pub created_at: Option<f64>,
    /// When it stopped.
    pub stopped_at: Option<f64>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// One container of a task.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Its name in the task definition.
    pub name: String,
    /// Absent when it never started.
    pub exit_code: Option<i64>,
    /// ECS's or the container runtime's sentence. Text from outside.
    pub reason: Option<String>,
    /// PENDING … STOPPED.
    pub last_status: Option<String>,
    /// HEALTHY, UNHEALTHY or UNKNOWN.
    pub health_status: Option<String>,
}
