//! Elastic Load Balancing: how target groups check their targets, and how they find them.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::config::Builder;
use aws_sdk_elasticloadbalancingv2::types::{TargetGroup as Group, TargetHealthDescription};
use aws_smithy_types::retry::RetryConfig;

use super::Aws;
use super::call::CallError;
use crate::model::target_group::{Target, TargetGroup};

impl Aws {
    /// The target groups of `arns`, without their targets.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html>
    ///
    /// # Errors
    /// `TargetGroupNotFound` when one of them does not exist, or the call failed.
    pub async fn describe_target_groups(&self, arns: Vec<String>) -> Result<Vec<TargetGroup>, CallError> {
        const ACTION: &str = "elasticloadbalancing:DescribeTargetGroups";
        let sent = self.elbv2().describe_target_groups().set_target_group_arns(Some(arns)).send().await;
        let answer = sent.map_err(|error| CallError::from_sdk(ACTION, &error))?;
        Ok(answer.target_groups.unwrap_or_default().into_iter().map(target_group).collect())
    }

    /// The targets of a target group.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_target_health(&self, arn: &str) -> Result<Vec<Target>, CallError> {
        const ACTION: &str = "elasticloadbalancing:DescribeTargetHealth";
        let sent = self.elbv2().describe_target_health().target_group_arn(arn).send().await;
        let answer = sent.map_err(|error| CallError::from_sdk(ACTION, &error))?;
        Ok(answer.target_health_descriptions.unwrap_or_default().into_iter().map(target).collect())
    }

    fn elbv2(&self) -> Client {
        let config = Builder::from(&self.config).timeout_config(self.briefly());
        Client::from_conf(config.retry_config(RetryConfig::standard().with_max_attempts(2)).build())
    }
}

fn target_group(group: Group) -> TargetGroup {
    let matcher = group.matcher.and_then(|matcher| matcher.http_code.or(matcher.grpc_code));
    TargetGroup {
        arn: group.target_group_arn.unwrap_or_default(),
        name: group.target_group_name.unwrap_or_default(),
        target_type: group.target_type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        protocol: group.health_check_protocol.map(|protocol| protocol.as_str().to_owned()).unwrap_or_default(),
        port: group.health_check_port.unwrap_or_default(),
        path: group.health_check_path,
        matcher,
        container: None,
        targets: Vec::new(),
    }
}

fn target(described: TargetHealthDescription) -> Target {
    let (id, port) = described.target.map(|target| (target.id, target.port)).unwrap_or_default();
    let health = described.target_health;
    Target {
        id: id.unwrap_or_default(),
        port: i64::from(port.unwrap_or_default()),
        state: health
            .as_ref()
            .and_then(|health| health.state.as_ref())
            .map(|state| state.as_str().to_owned())
            .unwrap_or_default(),
        reason: health.as_ref().and_then(|health| health.reason.as_ref()).map(|reason| reason.as_str().to_owned()),
        description: health.and_then(|health| health.description),
        task: None,
    }
}
