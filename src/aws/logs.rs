//! `CloudWatch` Logs: which groups there are, and the last lines that a container wrote.

use aws_config::Region;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::Builder;
use aws_smithy_types::retry::RetryConfig;
use serde::Deserialize;

use super::Aws;
use super::call::CallError;
use super::wire::Wire;
use crate::model::log::LogLine;

impl Aws {
    /// The newest `limit` lines (at most 10,000) of a stream, oldest first; the group may be in another region.
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such group, or nothing was ever written; or the call failed.
    pub async fn log_tail(
        &self,
        region: &str,
        group: &str,
        stream: &str,
        limit: i32,
    ) -> Result<Vec<LogLine>, CallError> {
        let wire = Wire::default();
        let call = self.logs(region).get_log_events().log_group_name(group).log_stream_name(stream);
        let call = call.start_from_head(false).limit(limit).customize().interceptor(wire.clone());
        let answer: Answer = wire.answer("logs:GetLogEvents", call.send().await)?;
        Ok(answer
            .events
            .into_iter()
            .map(|event| LogLine { at: event.timestamp / 1000.0, text: event.message })
            .collect())
    }

    /// Whether a log group exists. The groups that begin with its name come sorted by name, so it would be the first.
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn log_group_exists(&self, region: &str, group: &str) -> Result<bool, CallError> {
        let wire = Wire::default();
        let call = self.logs(region).describe_log_groups().log_group_name_prefix(group);
        let call = call.customize().interceptor(wire.clone());
        let answer: Groups = wire.answer("logs:DescribeLogGroups", call.send().await)?;
        Ok(answer.log_groups.iter().any(|found| found.log_group_name == group))
    }

    fn logs(&self, region: &str) -> Client {
        let config = Builder::from(&self.config).region(Region::new(region.to_owned())).timeout_config(self.briefly());
        Client::from_conf(config.retry_config(RetryConfig::standard().with_max_attempts(2)).build())
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Groups {
    log_groups: Vec<Group>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Group {
    log_group_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Answer {
    events: Vec<Event>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event {
    /// In milliseconds since 1970.
    timestamp: f64,
    message: String,
}
