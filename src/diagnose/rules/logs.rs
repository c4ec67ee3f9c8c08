//! Log drivers that cannot be set up before the containers start.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html>

use super::{Cause, Scene, Sign, network, quoted};
use crate::error::Code;

fn is_logger(sign: &Sign<'_>) -> bool {
    sign.says_any(&[
        "failed to validate logger args",
        "failed to initialize logging driver",
        "failed to create cloudwatch log",
    ])
}

/// The log group: the one that the sentence names, else the one of the definition.
fn group(sign: &Sign<'_>, scene: &Scene<'_>) -> Option<String> {
    let said = sign.arn("logs").and_then(|arn| arn.split(":log-group:").nth(1)).and_then(|rest| rest.split(':').next());
    said.or_else(|| scene.log_group()).map(str::to_owned)
}

fn in_words(sign: &Sign<'_>, scene: &Scene<'_>) -> String {
    group(sign, scene).map_or_else(|| "the log group".to_owned(), |name| format!("the log group {}", quoted(&name)))
}

/// Nobody created the group.
pub fn group_missing<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says_any(&["log group does not exist", "log group doesn't exist"]).then(|| {
        let name = in_words(sign, scene);
        let command = group(sign, scene).unwrap_or_else(|| "GROUP".to_owned());
        Cause::certain(
            Code::LogGroupMissing,
            format!("cannot start: {name} does not exist."),
            format!(
                "Create it: {}. Or set the log option `awslogs-create-group` to `true` and allow `logs:CreateLogGroup` \
                 for {}.",
                quoted(&format!("aws logs create-log-group --region {} --log-group-name {command}", scene.region())),
                scene.execution_role()
            ),
        )
        .for_ever()
    })
}

/// The execution role may not write.
pub fn denied<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    (is_logger(sign) && sign.says_any(&["accessdenied", "not authorized to perform"])).then(|| {
        let name = in_words(sign, scene);
        let action =
            sign.refused_action().map_or_else(|| "`logs:CreateLogStream` and `logs:PutLogEvents`".to_owned(), quoted);
        Cause::certain(
            Code::LogsDenied,
            format!("cannot start: its logs may not be written to {name}."),
            format!("Allow {action} on {name} for {}.", scene.execution_role()),
        )
        .for_ever()
    })
}

/// No way through the network to CloudWatch Logs.
pub fn unreachable<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let no_way = ["connection issue", "signal: killed", "i/o timeout", "context deadline exceeded", "requestcanceled"];
    (is_logger(sign) && sign.says_any(&no_way)).then(|| {
        Cause::certain(
            Code::LogsUnreachable,
            format!("cannot start: the task does not reach CloudWatch Logs for {}.", in_words(sign, scene)),
            network::way_out(scene, &["logs"]),
        )
    })
}
