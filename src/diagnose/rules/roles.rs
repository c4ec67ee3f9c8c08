//! Roles that ECS cannot work with.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>

use super::{Cause, Scene, Sign, quoted};
use crate::error::Code;

/// The trust policy of a role does not let ECS in.
pub fn not_assumable<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let says = sign.says_any(&[
        "ecs was unable to assume the role",
        "iam trust relationship has been misconfigured",
        "iam trust relationship have been misconfigured",
    ]);
    says.then(|| {
        let arn = sign.arn("iam").map(str::to_owned);
        let role = arn.as_deref().map_or_else(|| roles_in_words(scene), |arn| format!("the role {}", quoted(arn)));
        let is_of_task = arn.is_none()
            || scene.definition().is_none_or(|definition| {
                ["executionRoleArn", "taskRoleArn"].iter().any(|field| definition.text(field) == arn.as_deref())
            });
        let principal = if is_of_task { "ecs-tasks.amazonaws.com" } else { "ecs.amazonaws.com" };
        Cause::certain(
            Code::RoleNotAssumable,
            format!("cannot start: ECS may not assume {role}."),
            format!(
                "Allow `sts:AssumeRole` for the principal `{principal}` in the trust policy of {role}, if it exists."
            ),
        )
        .for_ever()
    })
}

fn roles_in_words(scene: &Scene<'_>) -> String {
    let named = |field| scene.definition().and_then(|definition| definition.text(field)).map(quoted);
    let named: Vec<String> = ["executionRoleArn", "taskRoleArn"].into_iter().filter_map(named).collect();
    if named.is_empty() { "a role of the task".to_owned() } else { format!("the role {}", named.join(" or ")) }
}

/// A role lacks a permission for what ECS does itself.
pub fn permissions_missing<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let on_targets = ["register targets in", "deregister targets in", "describe target health on"];
    let misconfigured =
        ["iam permissions policies have been misconfigured", "iam permissions policies has been misconfigured"];
    let refused = sign.says_any(&on_targets) && sign.says_any(&["accessdenied", "access denied", "not authorized"]);
    (refused || sign.says_any(&misconfigured)).then(|| {
        let role = sign.arn("iam").map_or_else(|| "`AWSServiceRoleForECS`".to_owned(), quoted);
        let action = sign.refused_action().map_or_else(
            || "the policy `AmazonECSServiceRolePolicy`".to_owned(),
            |action| format!("{}, which `AmazonECSServiceRolePolicy` holds,", quoted(action)),
        );
        Cause::certain(
            Code::RolePermissionsMissing,
            "was not rolled out: a role that ECS works with lacks a permission.",
            format!(
                "Give the role {role} {action} and take away what denies it; then deploy {} again.",
                scene.service_name()
            ),
        )
    })
}
