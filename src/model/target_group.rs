//! Target groups of load balancers, and how they find their targets.

use serde::Serialize;

/// A target group: its own health check, and how it finds the targets.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html>
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TargetGroup {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// What its targets are: `ip`, `instance`, `lambda` or `alb`; empty where it is not known.
    pub target_type: String,
    /// The protocol of the health check.
    pub protocol: String,
    /// The port of the health check: `traffic-port` or a number.
    pub port: String,
    /// The path of the health check, for HTTP.
    pub path: Option<String>,
    /// The codes that count as healthy, for HTTP, such as `200-299`.
    pub matcher: Option<String>,
    /// The container and port that the service registers in it.
    pub container: Option<(String, i64)>,
    /// Its targets.
    pub targets: Vec<Target>,
}

/// One target of a target group.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html>
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Target {
    /// Its address or instance id.
    pub id: String,
    /// Its port.
    pub port: i64,
    /// `healthy`, `unhealthy`, `initial`, …
    pub state: String,
    /// `Target.ResponseCodeMismatch`, `Target.Timeout`, …
    pub reason: Option<String>,
    /// The load balancer's sentence, with the code it saw.
    pub description: Option<String>,
    /// The id of the task of our deployment behind it.
    pub task: Option<String>,
}
