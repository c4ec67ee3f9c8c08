//! Parameters that Fargate does not have, and numbers outside their bounds.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>

use serde_json::Value;

use super::{Container, Looked, has, invalid, text};
use crate::checks::Finding;

/// Parameters of a container that Fargate does not have, and whether the API itself says so.
const CONTAINER: [(&str, bool); 5] = [
    ("disableNetworking", false),
    ("dnsSearchDomains", false),
    ("dnsServers", false),
    ("dockerSecurityOptions", true),
    ("privileged", true),
];

/// Parameters of `linuxParameters` that Fargate does not have.
const LINUX: [&str; 4] = ["maxSwap", "swappiness", "devices", "sharedMemorySize"];

/// Bounds of `healthCheck`: field, least, most.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html>
const HEALTH: [(&str, i64, i64); 4] =
    [("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)];

pub(super) fn judge(looked: &Looked<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if looked.is_fargate {
        findings.extend(of_task(looked));
        findings.extend(looked.containers.iter().flat_map(of_container));
    }
    findings.extend(looked.containers.iter().flat_map(|container| bounds(looked, container)));
    findings
}

fn refused(at: impl Into<String>, what: &str, fix: &str) -> Finding {
    let what = format!("{what}, which does not work on Fargate.");
    invalid(at, what, "It needs a host of one's own, and Fargate shows none.", fix)
}

fn of_task(looked: &Looked<'_>) -> Vec<Finding> {
    let unknown = ["ipcMode", "placementConstraints"].into_iter().filter(|field| has(&looked.definition.0, field));
    let unknown = unknown
        .map(|field| refused(format!("/{field}"), &format!("The task definition has `{field}`"), "Take it out."));
    let host = (looked.text("pidMode") == Some("host"))
        .then(|| refused("/pidMode", "The task definition has `pidMode: host`", "Write `task`, or take it out."));
    unknown.chain(host).collect()
}

fn of_container(container: &Container<'_>) -> Vec<Finding> {
    let name = container.name();
    let mut findings = Vec::new();
    for (field, is_certain) in CONTAINER.into_iter().filter(|(field, _)| has(container.fields, field)) {
        let finding = refused(container.at(field), &format!("The container `{name}` has `{field}`"), "Take it out.");
        findings.push(if is_certain { finding } else { finding.doubtful() });
    }
    if let Some(linux) = container.object("linuxParameters") {
        for field in LINUX.into_iter().filter(|field| has(linux, field)) {
            let field = format!("linuxParameters/{field}");
            let what = format!("The container `{name}` has `{}`", field.replace('/', "."));
            findings.push(refused(container.at(&field), &what, "Take it out."));
        }
        let added = linux.get("capabilities").and_then(|all| all.get("add")).and_then(Value::as_array);
        for (index, capability) in added.into_iter().flatten().enumerate() {
            if let Some(capability) = capability.as_str().filter(|capability| *capability != "SYS_PTRACE") {
                let at = container.at(&format!("linuxParameters/capabilities/add/{index}"));
                let what = format!("The container `{name}` adds the capability `{capability}`");
                findings.push(refused(at, &what, "Take it out: Fargate adds none but `SYS_PTRACE`."));
            }
        }
    }
    for (index, needed) in container.list("resourceRequirements") {
        if text(needed, "type") == Some("GPU") {
            let at = container.at(&format!("resourceRequirements/{index}"));
            findings.push(refused(at, &format!("The container `{name}` asks for a GPU"), "Run it on EC2."));
        }
    }
    findings
}

fn bounds(looked: &Looked<'_>, container: &Container<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut judge = |field: &str, value: Option<&Value>, least: i64, most: i64, on: &str| {
        let Some(number) = value.and_then(Value::as_i64).filter(|number| !(least..=most).contains(number)) else {
            return;
        };
        let (at, field, name) = (container.at(field), field.replace('/', "."), container.name());
        let what = format!("`{field}` of the container `{name}` is {number}, and must be {least} to {most}{on}.");
        findings.push(invalid(at, what, "ECS takes no other number.", "Give a number between these."));
    };
    let of = |object: &str, field: &str| container.object(object).and_then(|fields| fields.get(field));
    if of("healthCheck", "command").is_some() {
        for (field, least, most) in HEALTH {
            judge(&format!("healthCheck/{field}"), of("healthCheck", field), least, most, "");
        }
    }
    judge("restartPolicy/restartAttemptPeriod", of("restartPolicy", "restartAttemptPeriod"), 60, 1800, "");
    if looked.is_fargate {
        for field in ["startTimeout", "stopTimeout"] {
            judge(field, container.fields.get(field), 0, 120, " seconds on Fargate");
        }
    }
    findings
}
