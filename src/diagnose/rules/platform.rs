//! Where the tasks run: AWS's part, or a container instance's.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>

use serde_json::Value;

use super::{Cause, Scene, Sign, all_quoted};
use crate::error::Code;

/// Fargate was asked to run what only EC2 runs, or the other way round.
pub fn compute_incompatible<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says("not compatible with the selected compute strategy").then(|| {
        let asked = scene.definition().and_then(|definition| definition.0.get("requiresCompatibilities")?.as_array());
        let asked = all_quoted(asked.into_iter().flatten().filter_map(Value::as_str));
        let now = if asked.is_empty() { "not set now".to_owned() } else { format!("now {asked}") };
        Cause::certain(
            Code::ComputeIncompatible,
            "cannot start: the task definition does not fit the launch type or capacity provider of the service.",
            format!(
                "Set `requiresCompatibilities` of the task definition, {now}, to what {} runs on, with the `networkMode`, \
                 `cpu` and `memory` that it needs.",
                scene.service_name()
            ),
        )
        .for_ever()
    })
}

/// Docker on a container instance is in trouble.
pub fn host_runtime<'a>(sign: &Sign<'a>, _: &Scene<'a>) -> Option<Cause> {
    sign.says_any(&["cannotcreatecontainererror", "devmapper", "conflict. the container name"]).then(|| {
        Cause::certain(
            Code::HostRuntimeFailed,
            "cannot start: the container runtime of a container instance could not create its containers.",
            "Drain the container instance (`aws ecs update-container-instances-state --status DRAINING`) and replace it.",
        )
        .likely()
    })
}

/// AWS's own runtime failed.
pub fn container_runtime<'a>(sign: &Sign<'a>, _: &Scene<'a>) -> Option<Cause> {
    let failures = [
        "containerruntimeerror",
        "containerruntimetimeouterror",
        "cannotinspectcontainererror",
        "cannotstopcontainererror",
        "dockertimeouterror",
        "internalerror",
    ];
    sign.says_any(&failures).then(|| {
        Cause::certain(
            Code::ContainerRuntimeFailed,
            "could not be run: the container runtime below it failed.",
            "Run the job again; if it happens again, open a case with AWS Support and quote the reason above.",
        )
        .likely()
    })
}
