//! Task definitions: registered, filled in as ECS does, described.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>

use serde_json::{Map, Value, json};

use super::TaskDefinition;
use crate::sim::wire::{Answered, Refusal, includes, list, page, text};
use crate::sim::world::World;

/// What Describe tells and Register refuses.
const READ_ONLY: [&str; 9] = [
    "taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "deregisteredAt",
    "deleteRequestedAt", "registeredBy",
];

/// Largest request in bytes.
const LARGEST: usize = 65_536;

pub(super) fn register(world: &mut World, input: &Value, caller: &str) -> Answered {
    rules(input)?;
    let Value::Object(mut document) = input.clone() else { return Err(Refusal::client("Family should not be null or empty.")) };
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
    let caller = document.shift_remove("registeredBy").unwrap_or_else(|| format!("arn:aws:iam::{}:user/infra", world.account).into());
    let wanted = document.get("requiresCompatibilities").cloned();
    let compatible = wanted.filter(|list| list.as_array().is_some_and(|list| list.iter().any(|one| one == "FARGATE")));
    let compatible = compatible.map_or_else(|| json!(["EXTERNAL", "EC2"]), |_| json!(["EC2", "FARGATE"]));
    for (name, value) in [
        ("taskDefinitionArn", json!(arn)),
        ("revision", json!(revision)),
        ("status", json!("ACTIVE")),
        ("requiresAttributes", json!([{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.19"}, {"name": "ecs.capability.task-eni"}])),
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
        if let Some(plain) = document.get(key).and_then(Value::as_str).and_then(|size| plain_number(size, unit, factor)) {
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
fn plain_number(size: &str, unit: &str, factor: f64) -> Option<String> {
    let lower = size.to_ascii_lowercase();
    let number: f64 = lower.strip_suffix(unit)?.trim().parse().ok()?;
    Some(format!("{:.0}", number * factor))
}

/// The rules ECS checks before it stores anything.
pub(super) fn rules(input: &Value) -> Result<(), Refusal> {
    let size = input.to_string().len();
    if size > LARGEST {
        return Err(Refusal::client(format!("Actual length: '{size}'. Max allowed length is '{LARGEST}' bytes.")));
    }
    let family = text(input, "family").unwrap_or_default();
    let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if family.is_empty() {
        return Err(Refusal::client("Family should not be null or empty."));
    }
    if family.len() > 255 || !family.chars().all(legal) {
        return Err(Refusal::client("Family contains invalid characters."));
    }
    for name in READ_ONLY {
        if input.get(name).is_some() {
            return Err(Refusal::client(format!("Unknown parameter in input: \"{name}\"")));
        }
    }
    for key in ["cpu", "memory"] {
        if input.get(key).is_some_and(|value| !value.is_string() && !value.is_null()) {
            return Err(Refusal::new("SerializationException", "NUMBER_VALUE can not be converted to a String"));
        }
    }
    let containers = list(input, "containerDefinitions");
    if containers.is_empty() {
        return Err(Refusal::client("Container list cannot be empty."));
    }
    if containers.len() > 10 {
        return Err(Refusal::client("Too many containers: a task definition can have at most 10."));
    }
    if containers.iter().all(|container| container.get("essential") == Some(&Value::Bool(false))) {
        return Err(Refusal::client("Task definition doesn't have any essential container."));
    }
    for container in containers {
        container_rules(input, container)?;
    }
    fargate_rules(input, containers)
}

fn container_rules(input: &Value, container: &Value) -> Result<(), Refusal> {
    let name = text(container, "name").unwrap_or_default();
    if name.is_empty() || text(container, "image").unwrap_or_default().is_empty() {
        return Err(Refusal::client("Container.name and Container.image should not be null or empty."));
    }
    for key in ["cpu", "memory", "memoryReservation"] {
        if container.get(key).is_some_and(|value| value.is_string()) {
            return Err(Refusal::new("SerializationException", "STRING_VALUE can not be converted to an Integer"));
        }
    }
    let sized = container.get("memory").or(container.get("memoryReservation")).is_some();
    if !sized && text(input, "memory").is_none() {
        return Err(Refusal::client(format!(
            "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
        )));
    }
    for variable in list(container, "environment") {
        if text(variable, "name").is_none_or(str::is_empty) || variable.get("value").is_some_and(|value| !value.is_string()) {
            return Err(Refusal::new("SerializationException", "Environment variables must have a name and a text value"));
        }
    }
    let variables: Vec<_> = list(container, "environment").iter().filter_map(|variable| text(variable, "name")).collect();
    for secret in list(container, "secrets") {
        let secret = text(secret, "name").unwrap_or_default();
        if variables.contains(&secret) {
            return Err(Refusal::client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{secret}'."
            )));
        }
    }
    let host_port_differs = |port: &&Value| {
        let host = port.get("hostPort").and_then(Value::as_i64).unwrap_or(0);
        host != 0 && Some(host) != port.get("containerPort").and_then(Value::as_i64)
    };
    if text(input, "networkMode") == Some("awsvpc") && list(container, "portMappings").iter().any(|port| host_port_differs(&port)) {
        return Err(Refusal::client("When networkMode=awsvpc, the host ports and container ports in port mappings must match."));
    }
    Ok(())
}

fn fargate_rules(input: &Value, containers: &[Value]) -> Result<(), Refusal> {
    if !list(input, "requiresCompatibilities").iter().any(|one| one == "FARGATE") {
        return Ok(());
    }
    if text(input, "networkMode") != Some("awsvpc") {
        return Err(Refusal::client("Fargate only supports network mode ‘awsvpc’."));
    }
    let size = |key: &str, unit: &str| {
        let given = text(input, key)?;
        plain_number(given, unit, 1024.0).unwrap_or_else(|| given.to_owned()).parse::<u64>().ok()
    };
    let (Some(cpu), Some(memory)) = (size("cpu", "vcpu"), size("memory", "gb")) else {
        let missing = if text(input, "cpu").is_none() { "cpu" } else { "memory" };
        return Err(Refusal::client(format!("Fargate requires that '{missing}' be defined at the task level.")));
    };
    if !sold(cpu, memory) {
        return Err(Refusal::client(format!(
            "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid values."
        )));
    }
    let logs = containers.iter().any(|container| container.get("logConfiguration").and_then(|log| text(log, "logDriver")) == Some("awslogs"));
    if logs && text(input, "executionRoleArn").is_none() {
        return Err(Refusal::client("Fargate requires task definition to have execution role ARN to support log driver awslogs."));
    }
    Ok(())
}

/// The sizes Fargate sells.
fn sold(cpu: u64, memory: u64) -> bool {
    let between = |low: u64, high: u64, step: u64| (low..=high).contains(&memory) && memory.is_multiple_of(step);
    match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        512 => between(1024, 4096, 1024),
        1024 => between(2048, 8192, 1024),
        2048 => between(4096, 16_384, 1024),
        4096 => between(8192, 30_720, 1024),
        8192 => between(16_384, 61_440, 4096),
        16_384 => between(32_768, 122_880, 8192),
        32_768 => [61_440, 122_880, 249_856].contains(&memory),
        _ => false,
    }
}

/// The revision a family, `family:revision` or ARN stands for.
pub(in crate::sim) fn find<'a>(world: &'a World, named: &str) -> Option<&'a TaskDefinition> {
    let short = match named.split_once(":task-definition/") {
        Some((head, short)) if head == world.arn("ecs", "").trim_end_matches(':') => short,
        Some(_) => return None,
        None => named,
    };
    let family = |family: &str| world.ecs.definitions.iter().filter(move |known| known.family == family).collect::<Vec<_>>();
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
