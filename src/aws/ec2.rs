//! EC2: the subnets that tasks get their addresses from.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::Builder;
use aws_sdk_ec2::types::{Filter, Subnet as Described};
use aws_smithy_types::retry::RetryConfig;

use super::Aws;
use super::call::CallError;
use crate::model::subnet::Subnet;

impl Aws {
    /// The subnets of these ids. They are filtered by, not asked for: a subnet that does not exist is left out then,
    /// instead of failing the whole call.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_subnets(&self, ids: Vec<String>) -> Result<Vec<Subnet>, CallError> {
        const ACTION: &str = "ec2:DescribeSubnets";
        let config = Builder::from(&self.config).timeout_config(self.briefly());
        let config = config.retry_config(RetryConfig::standard().with_max_attempts(2)).build();
        let these = Filter::builder().name("subnet-id").set_values(Some(ids)).build();
        let sent = Client::from_conf(config).describe_subnets().filters(these).send().await;
        let answer = sent.map_err(|error| CallError::from_sdk(ACTION, &error))?;
        Ok(answer.subnets.unwrap_or_default().into_iter().map(subnet).collect())
    }
}

fn subnet(described: Described) -> Subnet {
    let free = described.available_ip_address_count.filter(|_| described.ipv6_native != Some(true));
    Subnet {
        id: described.subnet_id.unwrap_or_default(),
        zone: described.availability_zone.unwrap_or_default(),
        free: free.map(i64::from),
    }
}
