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
    /// When its images began to be pulled.
    pub pull_started_at: Option<f64>,
    /// When they were there.
    pub pull_stopped_at: Option<f64>,
    /// When it came to RUNNING.
    pub started_at: Option<f64>,
    /// When it began to stop.
    pub stopping_at: Option<f64>,
    /// When its containers ended.
    pub execution_stopped_at: Option<f64>,
    /// When it stopped.
    pub stopped_at: Option<f64>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// What is attached to it: its network interface, volumes.
    pub attachments: Vec<Attachment>,
}

/// What is attached to a task.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Attachment.html>
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Attachment {
    /// `ElasticNetworkInterface`, `AmazonElasticBlockStorage`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// PRECREATED … ATTACHED, DELETED, FAILED.
    pub status: String,
    /// Its details: `privateIPv4Address`, `statusReason`, …
    pub details: Vec<Detail>,
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(default)]
pub struct Detail {
    /// The name.
    pub name: String,
    /// The value. Text from outside.
    pub value: Option<String>,
}

impl Task {
    /// Its private addresses, by which a load balancer knows it.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let details = self.attachments.iter().flat_map(|attachment| &attachment.details);
        let attached = details.filter(|detail| detail.name == "privateIPv4Address");
        let interfaces = self.containers.iter().flat_map(|container| &container.network_interfaces);
        let addresses = interfaces.filter_map(|interface| interface.private_ipv4_address.as_deref());
        attached.filter_map(|detail| detail.value.as_deref()).chain(addresses)
    }
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
    /// The container runtime's id; absent when it was never created.
    pub runtime_id: Option<String>,
    /// Its network interfaces, in `awsvpc` mode.
    pub network_interfaces: Vec<NetworkInterface>,
}

/// A network interface of a container.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkInterface {
    /// Its private address.
    pub private_ipv4_address: Option<String>,
}
