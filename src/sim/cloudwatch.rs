//! `CloudWatch`'s alarms.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>

use serde_json::{Value, json};

use super::wire::{Answered, Refusal, texts};
use super::world::World;

/// The most names in one call.
const MOST: usize = 100;

/// An alarm.
#[derive(Debug, Clone)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// `CloudWatch`'s sentence about the state.
    pub reason: String,
    /// When it got into that state, in seconds since 1970.
    pub since: f64,
    /// Whether it watches other alarms instead of a metric.
    pub composite: bool,
}

impl World {
    /// Adds a metric alarm that has been in this state for an hour, with this reason.
    #[must_use]
    pub fn with_alarm(mut self, name: &str, state: &str, reason: &str) -> Self {
        let since = self.now() - 3600.0;
        let (name, state, reason) = (name.into(), state.into(), reason.into());
        self.alarms.push(Alarm { name, state, reason, since, composite: false });
        self
    }
}

/// The answer to one call; none when the operation is not known here.
pub(super) fn answer(world: &World, operation: &str, input: &Value) -> Option<Answered> {
    (operation == "DescribeAlarms").then(|| describe(world, input))
}

fn describe(world: &World, input: &Value) -> Answered {
    let names = texts(input, "AlarmNames");
    if names.len() > MOST {
        let message = "1 validation error detected: Value at 'alarmNames' failed to satisfy constraint: Member must have length less than or equal to 100";
        return Err(Refusal::new("ValidationError", message));
    }
    let types = texts(input, "AlarmTypes");
    let is_asked =
        |kind: &str| if types.is_empty() { kind == "MetricAlarm" } else { types.iter().any(|asked| asked == kind) };
    let shown = |composite: bool, kind: &str| -> Vec<Value> {
        let fits = |alarm: &&Alarm| alarm.composite == composite && (names.is_empty() || names.contains(&alarm.name));
        world.alarms.iter().filter(|_| is_asked(kind)).filter(fits).map(|alarm| described(world, alarm)).collect()
    };
    let (metric, composite) = (shown(false, "MetricAlarm"), shown(true, "CompositeAlarm"));
    Ok(json!({"MetricAlarms": metric, "CompositeAlarms": composite}))
}

fn described(world: &World, alarm: &Alarm) -> Value {
    let mut shown = json!({
        "AlarmName": alarm.name, "AlarmArn": world.arn("cloudwatch", &format!("alarm:{}", alarm.name)),
        "AlarmConfigurationUpdatedTimestamp": alarm.since - 86_400.0, "ActionsEnabled": true, "OKActions": [],
        "AlarmActions": [], "InsufficientDataActions": [], "StateValue": alarm.state, "StateReason": alarm.reason,
        "StateUpdatedTimestamp": alarm.since + 60.0, "StateTransitionedTimestamp": alarm.since,
    });
    let more = if alarm.composite {
        json!({"AlarmRule": "ALARM(\"errors\") OR ALARM(\"latency\")"})
    } else {
        json!({
            "MetricName": "HTTPCode_Target_5XX_Count", "Namespace": "AWS/ApplicationELB", "Statistic": "Sum",
            "Dimensions": [{"Name": "LoadBalancer", "Value": "app/shop/0123456789abcdef"}], "Period": 60,
            "EvaluationPeriods": 1, "DatapointsToAlarm": 1, "Threshold": 5.0,
            "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
        })
    };
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    shown
}
