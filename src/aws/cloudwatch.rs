//! CloudWatch: the alarms that watch a deployment.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::Builder;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, MetricAlarm, StateValue};
use aws_smithy_types::retry::RetryConfig;

use super::Aws;
use super::call::CallError;
use crate::model::alarm::Alarm;

/// The most alarms that one call asks for and answers.
const MOST: i32 = 100;

impl Aws {
    /// The metric alarms and composite alarms of these names; those that do not exist are left out.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_alarms(&self, names: Vec<String>) -> Result<Vec<Alarm>, CallError> {
        const ACTION: &str = "cloudwatch:DescribeAlarms";
        let config = Builder::from(&self.config).timeout_config(self.briefly());
        let config = config.retry_config(RetryConfig::standard().with_max_attempts(2)).build();
        let call = Client::from_conf(config).describe_alarms().set_alarm_names(Some(names)).max_records(MOST);
        // Without types it answers metric alarms only.
        let call = call.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
        let answer = call.send().await.map_err(|error| CallError::from_sdk(ACTION, &error))?;
        let metric = answer.metric_alarms.unwrap_or_default().into_iter().map(metric_alarm);
        let composite = answer.composite_alarms.unwrap_or_default().into_iter().map(composite_alarm);
        Ok(metric.chain(composite).collect())
    }
}

fn metric_alarm(alarm: MetricAlarm) -> Alarm {
    let since = alarm.state_transitioned_timestamp.or(alarm.state_updated_timestamp);
    noun(alarm.alarm_name, alarm.state_value, since, alarm.state_reason)
}

fn composite_alarm(alarm: CompositeAlarm) -> Alarm {
    let since = alarm.state_transitioned_timestamp.or(alarm.state_updated_timestamp);
    noun(alarm.alarm_name, alarm.state_value, since, alarm.state_reason)
}

fn noun(name: Option<String>, state: Option<StateValue>, since: Option<DateTime>, reason: Option<String>) -> Alarm {
    Alarm {
        name: name.unwrap_or_default(),
        state: state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        since: since.map(|since| since.as_secs_f64()),
        reason,
    }
}
