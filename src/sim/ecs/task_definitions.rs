//! Task definitions: registered, filled in as ECS does, described.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>

use serde_json::{Map, Value, json};

use super::TaskDefinition;
use crate::sim::wire::{Answered, Refusal, includes, page, text};
use crate::sim::world::World;

pub(super) fn register(world: &mut World, input: &Value, caller: &str) -> Answered {
    super::rules::check(input)?;
    let Value::Object(mut document) = input.clone() else {
        return Err(Refusal::client("Family should not be null or empty."));
    };
    let tags = document.shift_remove("tags").unwrap_or_else(|| json!([]));
    let family = text(input, "family").unwrap_or_default();
    let newest = world.ecs.definitions.iter().filter(|known| known.family == family).map(|known| known.revision).max();
    let revision = newest.unwrap_or(0) + 1;
    document.insert("registeredBy".into(), caller.into());
    let stored = store(world, Value::Object(document), revision, tags);
    Ok(json!({"taskDefinition": stored.document, "tags": stored.tags}))
}

/// Keeps a definition as the given revision, filled in as ECS does. Fields it does not know stay as they are.
pub fn store(world: &mut World, document: Value, revision: u64, tags: Value) -> TaskDefinition {
    let mut document = crate::sim::wire::object(document);
    let family = document.get("family").and_then(Value::as_str).unwrap_or_default().to_owned();
    fill(&mut document);
    let arn = world.arn("ecs", &format!("task-definition/{family}:{revision}"));
    let caller = document
        .shift_remove("registeredBy")
        .unwrap_or_else(|| format!("arn:aws:iam::{}:user/infra", world.account).into());
    let wanted = document.get("requiresCompatibilities").cloned();
    let compatible = wanted.filter(|list| list.as_array().is_some_and(|list| list.iter().any(|one| one == "FARGATE")));
    let compatible = compatible.map_or_else(|| json!(["EXTERNAL", "EC2"]), |_| json!(["EC2", "FARGATE"]));
    for (name, value) in [
        ("taskDefinitionArn", json!(arn)),
        ("revision", json!(revision)),
        ("status", json!("ACTIVE")),
        (
            "requiresAttributes",
            json!([{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.19"}, {"name": "ecs.capability.task-eni"}]),
        ),
        ("compatibilities", compatible),
        ("registeredAt", json!(world.now())),
        ("registeredBy", caller),
    ] {
        document.insert(name.into(), value);
    }
    let stored = TaskDefinition { family, revision, status: "ACTIVE".into(), document: Value::Object(document), tags };
    world.ecs.definitions.push(stored.clone());
    stored
}

fn default(map: &mut Map<String, Value>, key: &str, value: Value) {
    if map.get(key).is_none_or(Value::is_null) {
        map.insert(key.into(), value);
    }
}

fn fill(document: &mut Map<String, Value>) {
    for key in ["volumes", "placementConstraints"] {
        default(document, key, json!([]));
    }
    for (key, unit, factor) in [("cpu", "vcpu", 1024.0), ("memory", "gb", 1024.0)] {
        if let Some(plain) = document.get(key).and_then(Value::as_str).and_then(|size| plain_number(size, unit, factor))
        {
            document.insert(key.into(), plain.into());
        }
    }
    let same_port = matches!(document.get("networkMode").and_then(Value::as_str), Some("awsvpc" | "host"));
    let Some(Value::Array(containers)) = document.get_mut("containerDefinitions") else { return };
    for container in containers.iter_mut().filter_map(Value::as_object_mut) {
        default(container, "cpu", json!(0));
        default(container, "essential", json!(true));
        for key in ["environment", "mountPoints", "portMappings", "volumesFrom", "systemControls"] {
            default(container, key, json!([]));
        }
        if let Some(Value::Array(ports)) = container.get_mut("portMappings") {
            for port in ports.iter_mut().filter_map(Value::as_object_mut) {
                default(port, "protocol", json!("tcp"));
                if let Some(container_port) = port.get("containerPort").cloned() {
                    default(port, "hostPort", if same_port { container_port } else { json!(0) });
                }
            }
        }
        if let Some(Value::Object(check)) = container.get_mut("healthCheck") {
            for (key, value) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
                default(check, key, json!(value));
            }
        }
    }
}

/// `1 vCPU` and `2GB` as plain numbers.
pub(super) fn plain_number(size: &str, unit: &str, factor: f64) -> Option<String> {
    let lower = size.to_ascii_lowercase();
    let number: f64 = lower.strip_suffix(unit)?.trim().parse().ok()?;
    Some(format!("{:.0}", number * factor))
}

/// The revision a family, `family:revision` or ARN stands for.
pub(in crate::sim) fn find<'a>(world: &'a World, named: &str) -> Option<&'a TaskDefinition> {
    let short = match named.split_once(":task-definition/") {
        Some((head, short)) if head == world.arn("ecs", "").trim_end_matches(':') => short,
        Some(_) => return None,
        None => named,
    };
    let family =
        |family: &str| world.ecs.definitions.iter().filter(move |known| known.family == family).collect::<Vec<_>>();
    match short.split_once(':') {
        Some((name, revision)) => {
            let revision: u64 = revision.parse().ok()?;
            family(name).into_iter().find(|known| known.revision == revision)
        }
        None => family(short).into_iter().filter(|known| known.status == "ACTIVE").max_by_key(|known| known.revision),
    }
}

pub(super) fn describe(world: &World, input: &Value) -> Answered {
    let found = text(input, "taskDefinition").and_then(|named| find(world, named));
    let found = found.ok_or_else(|| Refusal::client("Unable to describe task definition."))?;
    let mut document = found.document.clone();
    if let Some(document) = document.as_object_mut() {
        document.insert("status".into(), found.status.clone().into());
    }
    if world.ecs.reorders {
        reorder(&mut document);
    }
    let mut answer = json!({"taskDefinition": document});
    if let (true, Some(answer)) = (includes(input, "TAGS"), answer.as_object_mut()) {
        answer.insert("tags".into(), found.tags.clone());
    }
    Ok(answer)
}

fn reorder(document: &mut Value) {
    let Some(Value::Array(containers)) = document.get_mut("containerDefinitions") else { return };
    containers.reverse();
    for container in containers {
        for key in ["environment", "secrets"] {
            if let Some(Value::Array(items)) = container.get_mut(key) {
                items.reverse();
            }
        }
    }
}

pub(super) fn list_revisions(world: &World, input: &Value) -> Answered {
    let (family, status) = (text(input, "familyPrefix"), text(input, "status").unwrap_or("ACTIVE"));
    let wanted = |known: &&TaskDefinition| known.status == status && family.is_none_or(|family| known.family == family);
    let mut found: Vec<&TaskDefinition> = world.ecs.definitions.iter().filter(wanted).collect();
    found.sort_by(|one, other| (&one.family, one.revision).cmp(&(&other.family, other.revision)));
    if text(input, "sort") == Some("DESC") {
        found.reverse();
    }
    let arns = found.into_iter().map(|known| json!(known.arn())).collect();
    let (arns, next) = page(arns, input, 100)?;
    let mut answer = json!({"taskDefinitionArns": arns});
    super::show::next_token(&mut answer, next);
    Ok(answer)
}
