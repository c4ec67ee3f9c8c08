//! The rules ECS checks before it stores a task definition.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html>

use serde_json::Value;

use super::task_definitions::plain_number;
use crate::sim::wire::{Refusal, list, text};

/// What Describe tells and Register refuses.
const READ_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "deregisteredAt",
    "deleteRequestedAt",
    "registeredBy",
];

/// Largest request in bytes.
const LARGEST: usize = 65_536;

/// The rules ECS checks before it stores anything.
pub(super) fn check(input: &Value) -> Result<(), Refusal> {
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
        if container.get(key).is_some_and(Value::is_string) {
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
        if text(variable, "name").is_none_or(str::is_empty)
            || variable.get("value").is_some_and(|value| !value.is_string())
        {
            return Err(Refusal::new(
                "SerializationException",
                "Environment variables must have a name and a text value",
            ));
        }
    }
    let variables: Vec<_> =
        list(container, "environment").iter().filter_map(|variable| text(variable, "name")).collect();
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
    if text(input, "networkMode") == Some("awsvpc")
        && list(container, "portMappings").iter().any(|port| host_port_differs(&port))
    {
        return Err(Refusal::client(
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        ));
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
    let logs = containers
        .iter()
        .any(|container| container.get("logConfiguration").and_then(|log| text(log, "logDriver")) == Some("awslogs"));
    if logs && text(input, "executionRoleArn").is_none() {
        return Err(Refusal::client(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ));
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
