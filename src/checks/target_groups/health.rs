//! The health check of a target group against what the containers say: what was there and is gone is told.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{find, maps};
use crate::checks::Finding;
use crate::error::{Code, Error};
use crate::model::service::LoadBalancer;
use crate::model::target_group::TargetGroup;
use crate::model::task_definition::TaskDefinition;

/// An application may listen without saying so: nothing here is certain.
pub(super) fn judge(
    group: &TargetGroup,
    balancer: &LoadBalancer,
    definition: &TaskDefinition,
    running: Option<&TaskDefinition>,
) -> Vec<Finding> {
    let container = balancer.container_name.as_deref().unwrap_or_default();
    let findings = [port(group, definition, running), path(group, container, definition, running)];
    findings.into_iter().flatten().map(Finding::doubtful).collect()
}

/// A health check on a port of its own needs a container that listens there.
fn port(group: &TargetGroup, definition: &TaskDefinition, running: Option<&TaskDefinition>) -> Option<Finding> {
    let port: i64 = group.port.parse().ok()?;
    let is_bridge = matches!(definition.text("networkMode"), None | Some("bridge"));
    let has = |definition: &TaskDefinition| {
        // Only a bridge keeps what is not mapped from being reached.
        let field = if is_bridge { "hostPort" } else { "containerPort" };
        definition.containers().any(|container| maps(container, field, port))
    };
    if has(definition) || !(is_bridge || running.is_none_or(has)) {
        return None;
    }
    Some(
        Finding::new(Error::new(
            Code::HealthCheckConnectionFailed,
            format!("The health check of the target group `{}` asks port {port}, which no container maps.", group.name),
            "It asks a port of its own instead of the one that gets the traffic (`traffic-port`).",
            "Let the health check of the target group ask `traffic-port`, or add the port to `portMappings`.",
        ))
        .at("/containerDefinitions"),
    )
}

/// Where the container's own health check asked for the same path before, and asks for another one now, the path has
/// moved.
fn path(
    group: &TargetGroup,
    container: &str,
    definition: &TaskDefinition,
    running: Option<&TaskDefinition>,
) -> Option<Finding> {
    let asked = group.path.as_deref()?.split('?').next()?;
    let (index, now) = find(definition, container)?;
    let (_, before) = find(running?, container)?;
    let (before, now) = (paths(before), paths(now));
    let other = now.first().filter(|_| before.contains(asked) && !now.contains(asked))?;
    let wanted = group.matcher.as_ref().map(|codes| format!(" Only {codes} is healthy to the target group."));
    Some(
        Finding::new(Error::new(
            Code::HealthCheckPathNotFound,
            format!(
                "The target group `{}` asks for `{asked}`, which `{container}` may not answer any more.",
                group.name
            ),
            format!(
                "The container's own health check asked for `{asked}` before, and asks for `{other}` now.{}",
                wanted.unwrap_or_default()
            ),
            format!("If the path has moved, let the health check of the target group ask for `{other}`."),
        ))
        .at(format!("/containerDefinitions/{index}/healthCheck/command")),
    )
}

/// The paths that a container's own health check asks for on the container itself.
fn paths(container: &Map<String, Value>) -> BTreeSet<String> {
    let command = container.get("healthCheck").and_then(|check| check.get("command")).and_then(Value::as_array);
    let words = command.into_iter().flatten().filter_map(Value::as_str);
    let words = words.flat_map(|words| words.split([' ', '\t', '\n', '"', '\'', '|', ';', '&', '(', ')', '<', '>']));
    words.filter_map(path_of).collect()
}

/// The path of a URL of this host.
fn path_of(word: &str) -> Option<String> {
    let host = word.split_once("://").map_or(word, |(_, rest)| rest);
    let rest = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"].iter().find_map(|name| host.strip_prefix(name))?;
    let rest = rest.strip_prefix(':').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    match path {
        "" => Some("/".to_owned()),
        path => path.starts_with('/').then(|| path.to_owned()),
    }
}
