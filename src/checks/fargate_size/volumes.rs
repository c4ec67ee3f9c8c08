//! Volumes: those that Fargate does not have, those that do not exist, and what EFS asks for.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Volume.html>

use serde_json::Value;

use super::{Looked, invalid, text};
use crate::checks::Finding;

pub(super) fn judge(looked: &Looked<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, volume) in looked.list("volumes") {
        if looked.is_fargate {
            findings.extend(of_hosts(index, volume));
        }
        findings.extend(of_efs(index, volume));
    }
    findings.extend(unknown(looked));
    findings
}

/// Volumes of a container instance, of which Fargate shows none.
fn of_hosts(index: usize, volume: &Value) -> Option<Finding> {
    let path = volume.get("host").and_then(|host| text(host, "sourcePath")).filter(|path| !path.is_empty());
    let field = match volume.get("dockerVolumeConfiguration") {
        Some(Value::Object(_)) => "dockerVolumeConfiguration",
        _ => path.map(|_| "host/sourcePath")?,
    };
    let name = text(volume, "name").unwrap_or_default();
    let what = format!("The volume `{name}` has `{}`, which does not work on Fargate.", field.replace('/', "."));
    let fix = "Take an EFS or EBS volume, or one with a name only.";
    Some(invalid(
        format!("/volumes/{index}/{field}"),
        what,
        "Fargate shows nothing of the host that a task runs on.",
        fix,
    ))
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EFSVolumeConfiguration.html>
fn of_efs(index: usize, volume: &Value) -> Option<Finding> {
    let efs = volume.get("efsVolumeConfiguration").filter(|efs| efs.is_object())?;
    let name = text(volume, "name").unwrap_or_default();
    let option = |field: &str| efs.get("authorizationConfig").and_then(|config| text(config, field));
    let by_point = option("accessPointId").is_some_and(|id| !id.is_empty());
    let at = format!("/volumes/{index}/efsVolumeConfiguration");
    if (by_point || option("iam") == Some("ENABLED")) && text(efs, "transitEncryption") != Some("ENABLED") {
        let what = format!("The EFS volume `{name}` uses an access point or IAM without encryption in transit.");
        let why = "ECS takes either only with `transitEncryption: ENABLED`.";
        return Some(invalid(at, what, why, "Add `transitEncryption: ENABLED`."));
    }
    let root = text(efs, "rootDirectory").filter(|root| by_point && !matches!(*root, "" | "/"))?;
    let what = format!("The EFS volume `{name}` has an access point and the root directory `{root}`.");
    let why = "The access point says which directory is mounted.";
    Some(invalid(format!("{at}/rootDirectory"), what, why, "Take `rootDirectory` out."))
}

/// What containers mount that is not there.
fn unknown(looked: &Looked<'_>) -> Vec<Finding> {
    let volumes: Vec<&str> = looked.list("volumes").filter_map(|(_, volume)| text(volume, "name")).collect();
    let names: Vec<&str> = looked.definition.container_names().collect();
    let mut findings = Vec::new();
    for container in &looked.containers {
        for (list, field, known, kind) in [
            ("mountPoints", "sourceVolume", &volumes, "volume"),
            ("volumesFrom", "sourceContainer", &names, "container"),
        ] {
            for (index, entry) in container.list(list) {
                if let Some(name) = text(entry, field).filter(|name| !known.contains(name)) {
                    let own = container.name();
                    let what = format!("The container `{own}` mounts from the {kind} `{name}`, which is not there.");
                    let why = format!("The task definition has no {kind} of that name.");
                    let at = container.at(&format!("{list}/{index}/{field}"));
                    findings.push(invalid(at, what, &why, format!("Add the {kind}, or correct `{field}`.")));
                }
            }
        }
    }
    findings
}
