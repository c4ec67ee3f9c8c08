//! No place for the tasks.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>

use serde_json::Value;

use super::{Cause, Scene, Sign, quoted};
use crate::error::Code;

/// No container instance fits; ECS names the closest one and what it lacks.
pub fn no_instance_fits<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let says = sign.says("was unable to place")
        || sign.says_any(&["no container instance met all of its requirements", "resource:cpu", "resource:memory"]);
    says.then(|| {
        let closest = sign.after("closest matching ", &['.']);
        let needs = |field: &str| {
            let value = scene.definition()?.0.get(field)?;
            Some(format!("`{field}` {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        };
        let needs: Vec<String> = ["cpu", "memory"].into_iter().filter_map(needs).collect();
        let needs =
            if needs.is_empty() { String::new() } else { format!(" (the task asks for {})", needs.join(" and ")) };
        let cause = Cause::certain(
            Code::NoInstanceFits,
            format!(
                "cannot start: no container instance of cluster {} has room for it or fits it.",
                quoted(scene.cluster())
            ),
            format!(
                "Add container instances that have what ECS names as lacking{needs}, or let the task ask for less."
            ),
        );
        match closest {
            Some(closest) => cause.seen(format!("The closest one: {}.", quoted(closest))),
            None => cause.likely(),
        }
    })
}

/// A capacity provider without instances.
pub fn provider_empty<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says_any(&["no container instances were found in your capacity provider", "empty capacity provider"]).then(|| {
        Cause::certain(
            Code::CapacityProviderEmpty,
            "cannot start: its capacity provider has no container instances.",
            format!(
                "Raise the Auto Scaling group behind the capacity provider of cluster {} above 0, and check that its \
                 instances run the ECS agent for that cluster.",
                quoted(scene.cluster())
            ),
        )
    })
}

/// AWS itself is full.
pub fn unavailable<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says_any(&["capacity is unavailable at this time", "resource:fargate"]).then(|| {
        Cause::certain(
            Code::CapacityUnavailable,
            "cannot start for now: AWS has no Fargate capacity of this kind in its zones.",
            format!(
                "Run the job again later, or give {} subnets in further zones; with FARGATE_SPOT, a base of FARGATE.",
                scene.service_name()
            ),
        )
    })
}

/// A quota of the account.
pub fn quota_reached<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let says = [
        "you've reached the limit on the number of",
        "configuration is above your limit",
        "limit on the number of vcpus",
    ];
    sign.says_any(&says).then(|| {
        let size =
            |field: &str| scene.definition().and_then(|definition| definition.0.get(field)?.as_str().map(quoted));
        let size = match (size("cpu"), size("memory")) {
            (Some(cpu), Some(memory)) => format!(" (each task takes `cpu` {cpu} and `memory` {memory})"),
            _ => String::new(),
        };
        Cause::certain(
            Code::QuotaReached,
            "cannot start: a quota of the AWS account is used up.",
            format!("Ask for more in Service Quotas (AWS Fargate, region `{}`), or stop tasks{size}.", scene.region()),
        )
    })
}

/// Too many tasks wait at once.
pub fn provisioning_limit<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says("tasks provisioning capacity limit was exceeded").then(|| {
        Cause::certain(
            Code::ProvisioningLimitReached,
            format!(
                "cannot start for now: too many tasks of cluster {} wait for capacity at once.",
                quoted(scene.cluster())
            ),
            "Deploy fewer services of the cluster at a time.",
        )
    })
}

/// A number of the service's deployment configuration.
pub fn setting(scene: &Scene<'_>, name: &str) -> Option<i64> {
    scene.service()?.deployment_configuration.as_ref()?.get(name).and_then(Value::as_i64)
}
