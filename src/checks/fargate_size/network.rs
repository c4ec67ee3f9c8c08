//! The network mode, and what it makes of ports, links and names.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html>

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Container, Looked, has, invalid, text};
use crate::checks::Finding;

pub(super) fn judge(looked: &Looked<'_>) -> Vec<Finding> {
    let mode = looked.text("networkMode");
    let mut findings = Vec::new();
    findings.extend(on_fargate(looked, mode));
    for container in &looked.containers {
        match mode {
            Some("awsvpc") => {
                findings.extend(beside_an_interface(container));
                findings.extend(mapped(container, "awsvpc"));
            }
            Some("host") => findings.extend(mapped(container, "host").into_iter().map(Finding::doubtful)),
            Some("none") if has(container.fields, "portMappings") => {
                let what = format!("The container `{}` maps ports, and the task has no network.", container.name());
                let why = "With `networkMode: none` there is nothing to map them to.";
                findings.push(invalid(
                    container.at("portMappings"),
                    what,
                    why,
                    "Take out `portMappings`, or `networkMode`.",
                ));
            }
            _ => {}
        }
    }
    findings.extend(taken_twice(looked, matches!(mode, Some("awsvpc" | "host"))));
    findings
}

fn on_fargate(looked: &Looked<'_>, mode: Option<&str>) -> Option<Finding> {
    let what = match mode {
        _ if !looked.is_fargate => return None,
        Some("awsvpc") => return None,
        Some(mode) => format!("`networkMode: {mode}` does not work on Fargate."),
        None => "The task definition has no `networkMode`.".to_owned(),
    };
    let why = "Each task on Fargate has a network interface of its own; without the field ECS takes `bridge`.";
    Some(invalid("/networkMode", what, why, "Write `networkMode: awsvpc`."))
}

/// Parameters of Docker's own networks.
fn beside_an_interface<'a>(container: &'a Container<'_>) -> impl Iterator<Item = Finding> + 'a {
    let there = ["links", "hostname", "extraHosts"].into_iter().filter(|field| has(container.fields, field));
    there.map(|field| {
        let what = format!("The container `{}` has `{field}`, which does not work with `awsvpc`.", container.name());
        let why = "With `networkMode: awsvpc` the task has a network interface instead of Docker's own network.";
        let fix = match field {
            "links" => "Take it out: containers of a task reach one another at `localhost`.",
            _ => "Take it out.",
        };
        invalid(container.at(field), what, why, fix)
    })
}

/// Without a port mapping between host and container, both are the same.
fn mapped(container: &Container<'_>, mode: &str) -> Vec<Finding> {
    let differs = |(index, mapping): (usize, &Value)| {
        let port = |field: &str| mapping.get(field).and_then(Value::as_u64);
        let (host, own) = (port("hostPort").filter(|host| *host != 0)?, port("containerPort")?);
        (host != own).then(|| {
            let name = container.name();
            let what =
                format!("The container `{name}` maps its port {own} to {host}, which does not work with `{mode}`.");
            let why = format!("With `networkMode: {mode}` both ports must be the same.");
            let at = container.at(&format!("portMappings/{index}/hostPort"));
            invalid(at, what, &why, "Take `hostPort` out.")
        })
    };
    container.list("portMappings").filter_map(differs).collect()
}

/// A port that two containers of a task want: on the network interface they share, or on the host.
fn taken_twice(looked: &Looked<'_>, is_shared: bool) -> Vec<Finding> {
    let mut taken: BTreeMap<(u64, &str), &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for container in &looked.containers {
        for (index, mapping) in container.list("portMappings") {
            let field = if is_shared { "containerPort" } else { "hostPort" };
            let Some(port) = mapping.get(field).and_then(Value::as_u64).filter(|port| *port != 0) else { continue };
            let protocol = text(mapping, "protocol").unwrap_or("tcp");
            let other = *taken.entry((port, protocol)).or_insert(container.name());
            if other != container.name() {
                let what =
                    format!("The containers `{other}` and `{}` both want {protocol} port {port}.", container.name());
                let why = if is_shared {
                    "They share the network of the task, where only one can have it."
                } else {
                    "It is a port of the host, where only one can have it."
                };
                let at = container.at(&format!("portMappings/{index}/{field}"));
                findings.push(invalid(at, what, why, "Give one of them another port.").doubtful());
            }
        }
    }
    findings
}
