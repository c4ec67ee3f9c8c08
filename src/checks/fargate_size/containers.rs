//! Which containers are essential, and which wait for which.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html>

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Container, Looked, invalid, text};
use crate::checks::Finding;

type ByName<'a> = BTreeMap<&'a str, &'a Container<'a>>;

pub(super) fn judge(looked: &Looked<'_>) -> Vec<Finding> {
    let by_name: ByName<'_> = looked.containers.iter().map(|container| (container.name(), container)).collect();
    let mut findings = Vec::new();
    if !looked.containers.iter().any(is_essential) {
        let why = "ECS needs one: the task ends when an essential container ends.";
        let fix = "Give the main one `essential: true`.";
        findings.push(invalid("/containerDefinitions/0/essential", "No container is essential.", why, fix));
    }
    for container in &looked.containers {
        for (index, target, condition) in dependencies(container) {
            let at = container.at(&format!("dependsOn/{index}"));
            findings.extend(dependency(&at, container.name(), target, condition, &by_name));
        }
    }
    findings.extend(ring(&by_name));
    findings
}

fn is_essential(container: &Container<'_>) -> bool {
    container.fields.get("essential") != Some(&Value::Bool(false))
}

fn dependencies<'a>(container: &Container<'a>) -> impl Iterator<Item = (usize, &'a str, &'a str)> + use<'a> {
    let named = |(index, entry): (usize, &'a Value)| {
        Some((index, text(entry, "containerName")?, text(entry, "condition").unwrap_or_default()))
    };
    container.list("dependsOn").filter_map(named)
}

fn dependency(at: &str, own: &str, target: &str, condition: &str, by_name: &ByName<'_>) -> Option<Finding> {
    let Some(other) = by_name.get(target) else {
        let what = format!("The container `{own}` waits for `{target}`, which is none of the containers.");
        let names: Vec<&str> = by_name.keys().copied().filter(|name| *name != own).collect();
        let why = match names.as_slice() {
            [] => "There is no other container.".to_owned(),
            names => format!("The others are `{}`.", names.join("`, `")),
        };
        return Some(invalid(at, what, &why, "Correct `containerName`, or take the entry out."));
    };
    match condition {
        "COMPLETE" | "SUCCESS" if is_essential(other) => {
            let what = format!("The container `{own}` waits until `{target}` has ended, which is essential.");
            let why = "The whole task ends when an essential container ends.";
            Some(invalid(at, what, why, format!("Give `{target}` `essential: false`.")))
        }
        "HEALTHY" if other.object("healthCheck").is_none() => {
            let what = format!("The container `{own}` waits until `{target}` is healthy, which has no `healthCheck`.");
            let why = "ECS looks at health checks of the task definition only, not at those of the image.";
            Some(invalid(at, what, why, format!("Give `{target}` a `healthCheck`, or wait for `START`.")))
        }
        _ => None,
    }
}

/// Containers that wait for one another in a ring, told once.
fn ring(by_name: &ByName<'_>) -> Option<Finding> {
    let (start, path) = by_name.iter().find_map(|(name, container)| {
        let mut path = vec![*name];
        closes(by_name, &mut path).then_some((container, path))
    })?;
    let what = format!("These containers wait for one another: `{}`.", path.join("` → `"));
    let fix = "Take one `dependsOn` of them out.";
    Some(invalid(start.at("dependsOn"), what, "None of them could ever start.", fix))
}

/// Whether the path leads back to its first name; it is that ring then.
fn closes<'a>(by_name: &ByName<'a>, path: &mut Vec<&'a str>) -> bool {
    let (Some(first), Some(container)) = (path.first().copied(), path.last().and_then(|last| by_name.get(last))) else {
        return false;
    };
    for (_, target, _) in dependencies(container) {
        let is_first = target == first;
        if is_first || !path.contains(&target) {
            path.push(target);
            if is_first || closes(by_name, path) {
                return true;
            }
            path.pop();
        }
    }
    false
}
