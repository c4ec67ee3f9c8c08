//! Log drivers: which Fargate has, and what `awslogs` and `awsfirelens` need.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html>

use serde_json::Value;

use super::{Container, Looked, has, invalid, text};
use crate::checks::Finding;

/// The log drivers of Fargate.
const DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

pub(super) fn judge(looked: &Looked<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = looked.containers.iter().filter_map(|it| of_container(looked, it)).collect();
    let by = |driver: &str| looked.containers.iter().find(|container| driver_of(container) == Some(driver));
    if let Some(container) = by("awslogs").filter(|_| looked.is_fargate && looked.text("executionRoleArn").is_none()) {
        let what =
            format!("The container `{}` logs by `awslogs`, and there is no `executionRoleArn`.", container.name());
        let why = "Fargate writes the log with the permissions of that role.";
        let fix = "Give `executionRoleArn`: a role with the managed policy `AmazonECSTaskExecutionRolePolicy`.";
        findings.push(invalid(container.at("logConfiguration/logDriver"), what, why, fix));
    }
    let is_routed = looked.containers.iter().any(|container| has(container.fields, "firelensConfiguration"));
    if let Some(container) = by("awsfirelens").filter(|_| !is_routed) {
        let what = format!("The container `{}` logs by `awsfirelens`, and no container routes logs.", container.name());
        let why = "FireLens is a container of the task that has `firelensConfiguration`.";
        let fix = "Add one, such as AWS for Fluent Bit, or take another log driver.";
        findings.push(invalid(container.at("logConfiguration/logDriver"), what, why, fix).doubtful());
    }
    findings
}

fn driver_of<'a>(container: &Container<'a>) -> Option<&'a str> {
    container.object("logConfiguration")?.get("logDriver")?.as_str()
}

fn of_container(looked: &Looked<'_>, container: &Container<'_>) -> Option<Finding> {
    let (name, driver) = (container.name(), driver_of(container));
    if let Some(other) = driver.filter(|driver| looked.is_fargate && !DRIVERS.contains(driver)) {
        let what = format!("The container `{name}` logs by `{other}`, which does not work on Fargate.");
        let fix = "Take one of these, or leave `logConfiguration` out.";
        let why = "Fargate has `awslogs`, `splunk` and `awsfirelens`.";
        return Some(invalid(container.at("logConfiguration/logDriver"), what, why, fix));
    }
    let router = container.object("firelensConfiguration").and_then(|router| router.get("options"));
    if looked.is_fargate && router.and_then(|options| text(options, "config-file-type")) == Some("s3") {
        let at = container.at("firelensConfiguration/options/config-file-type");
        let what = format!("The log router `{name}` reads its configuration from S3.");
        let fix = "Put the file into the image, and write `config-file-type: file`.";
        return Some(invalid(at, what, "On Fargate FireLens takes a file of the image only.", fix).doubtful());
    }
    if driver == Some("awslogs") { options(looked, container) } else { None }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html>
fn options(looked: &Looked<'_>, container: &Container<'_>) -> Option<Finding> {
    let log = container.object("logConfiguration")?;
    let secrets = log.get("secretOptions").and_then(Value::as_array);
    let given = |option: &str| {
        let written = log.get("options").and_then(|options| text(options, option));
        written.is_some_and(|value| !value.is_empty())
            || secrets.into_iter().flatten().any(|secret| text(secret, "name") == Some(option))
    };
    let on_fargate = looked.is_fargate.then_some("awslogs-stream-prefix");
    let needed = ["awslogs-group", "awslogs-region"].into_iter().chain(on_fargate);
    let absent: Vec<&str> = needed.filter(|option| !given(option)).collect();
    if absent.is_empty() {
        return None;
    }
    let what = format!("The log of the container `{}` lacks `{}`.", container.name(), absent.join("`, `"));
    let why = "`awslogs` needs group and region, and on Fargate a stream prefix, too.";
    let finding = invalid(container.at("logConfiguration/options"), what, why, "Add it to `options`.");
    // On EC2 Docker finds some of them out itself; of the prefix AWS's pages alone say that it is needed.
    let is_certain = looked.is_fargate && absent.iter().any(|option| *option != "awslogs-stream-prefix");
    Some(if is_certain { finding } else { finding.doubtful() })
}
