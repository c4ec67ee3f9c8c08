//! An alarm of CloudWatch.

/// An alarm, as far as a deployment that watches it cares.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html>
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Since when it is in that state, in seconds since 1970.
    pub since: Option<f64>,
    /// CloudWatch's sentence about the state. Text from outside.
    pub reason: Option<String>,
}
