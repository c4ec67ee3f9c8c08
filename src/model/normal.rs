//! Whether two task definitions are the same to ECS, whatever it filled in when it stored one of them.

use serde_json::{Map, Value};

use super::names::short_name;
use super::task_definition::TaskDefinition;

/// The lists whose order means nothing, and the fields that tell their entries apart.
const UNORDERED: [(&str, &[&str]); 13] = [
    ("containerDefinitions", &["name"]),
    ("environment", &["name"]),
    ("secrets", &["name"]),
    ("secretOptions", &["name"]),
    ("volumes", &["name"]),
    ("ulimits", &["name"]),
    ("properties", &["name"]),
    ("tags", &["key"]),
    ("systemControls", &["namespace"]),
    ("resourceRequirements", &["type", "value"]),
    ("dependsOn", &["containerName", "condition"]),
    ("placementConstraints", &["type", "expression"]),
    ("requiresCompatibilities", &[]),
];

/// Whether `asked` would be another revision than `stored`. Tags count only when `asked` carries some.
pub fn differs(asked: &TaskDefinition, stored: &TaskDefinition) -> bool {
    let (asked, stored) = comparable(asked, stored);
    asked != stored
}

/// Both definitions in the form in which equal means equal to ECS.
pub fn comparable(asked: &TaskDefinition, stored: &TaskDefinition) -> (Map<String, Value>, Map<String, Value>) {
    let (mut asked, mut stored) = (normalised(asked), normalised(stored));
    if !asked.contains_key("tags") {
        stored.remove("tags");
    }
    for role in ["taskRoleArn", "executionRoleArn"] {
        align_role(&mut asked, &mut stored, role);
    }
    (asked, stored)
}

/// ECS takes a role's name or its ARN; a name and an ARN that ends in it are the same role.
fn align_role(asked: &mut Map<String, Value>, stored: &mut Map<String, Value>, field: &str) {
    if let (Some(Value::String(a)), Some(Value::String(b))) = (asked.get_mut(field), stored.get_mut(field))
        && a.starts_with("arn:") != b.starts_with("arn:")
        && short_name(a) == short_name(b)
    {
        a.clone_from(b);
    }
}

/// The canonical form: what ECS fills in is left out, lists without order are sorted, sizes are plain numbers.
/// Empty texts stay: an environment variable that is empty is set.
fn normalised(definition: &TaskDefinition) -> Map<String, Value> {
    let mut fields = definition.0.clone();
    for size in ["cpu", "memory"] {
        if let Some(value) = fields.get_mut(size) {
            *value = plain_size(value);
        }
    }
    let host_ports = HostPorts::of(&fields);
    if host_ports == HostPorts::Dynamic && !runs_windows(&fields) {
        drop_default(&mut fields, "networkMode", &"bridge".into());
    }
    drop_default(&mut fields, "enableFaultInjection", &false.into());
    if let Some(Value::Object(proxy)) = fields.get_mut("proxyConfiguration") {
        drop_default(proxy, "type", &"APPMESH".into());
    }
    for volume in objects(&mut fields, "volumes") {
        drop_default(volume, "configuredAtLaunch", &false.into());
        if let Some(Value::Object(efs)) = volume.get_mut("efsVolumeConfiguration") {
            drop_default(efs, "rootDirectory", &"/".into());
            drop_default(efs, "transitEncryption", &"DISABLED".into());
            if let Some(Value::Object(authorization)) = efs.get_mut("authorizationConfig") {
                drop_default(authorization, "iam", &"DISABLED".into());
            }
        }
    }
    for container in objects(&mut fields, "containerDefinitions") {
        drop_container_defaults(container, host_ports);
    }
    tidy(&mut fields);
    fields
}

/// What ECS adds to a container definition on register, and what means the same as saying nothing.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
fn drop_container_defaults(container: &mut Map<String, Value>, host_ports: HostPorts) {
    drop_default(container, "cpu", &0.into());
    drop_default(container, "essential", &true.into());
    drop_default(container, "versionConsistency", &"enabled".into());
    for off in ["privileged", "readonlyRootFilesystem", "interactive", "pseudoTerminal", "disableNetworking"] {
        drop_default(container, off, &false.into());
    }
    for mounted in ["mountPoints", "volumesFrom"] {
        objects(container, mounted).for_each(|it| drop_default(it, "readOnly", &false.into()));
    }
    if let Some(Value::Object(check)) = container.get_mut("healthCheck") {
        for (field, value) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
            drop_default(check, field, &value.into());
        }
    }
    for port in objects(container, "portMappings") {
        drop_default(port, "protocol", &"tcp".into());
        let default = match host_ports {
            HostPorts::SameAsContainer => port.get("containerPort").cloned().unwrap_or_default(),
            HostPorts::Dynamic => 0.into(),
        };
        drop_default(port, "hostPort", &default);
    }
}

/// Which host port a container port gets when none is named.
#[derive(Clone, Copy, PartialEq)]
enum HostPorts {
    SameAsContainer,
    Dynamic,
}

impl HostPorts {
    fn of(definition: &Map<String, Value>) -> Self {
        match definition.get("networkMode").and_then(Value::as_str) {
            Some("awsvpc" | "host") => Self::SameAsContainer,
            _ => Self::Dynamic,
        }
    }
}

fn runs_windows(definition: &Map<String, Value>) -> bool {
    let family = definition.get("runtimePlatform").and_then(|platform| platform.get("operatingSystemFamily"));
    family.and_then(Value::as_str).is_some_and(|family| family.starts_with("WINDOWS"))
}

fn objects<'a>(map: &'a mut Map<String, Value>, field: &str) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    map.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn drop_default(map: &mut Map<String, Value>, field: &str, default: &Value) {
    if map.get(field) == Some(default) {
        map.shift_remove(field);
    }
}

/// Leaves out null and empty lists and objects, which ECS does not tell from absence, and sorts.
fn tidy(map: &mut Map<String, Value>) {
    for (name, value) in map.iter_mut() {
        match value {
            Value::Object(inner) => tidy(inner),
            Value::Array(items) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(tidy);
                if let Some((_, keys)) = UNORDERED.iter().find(|(list, _)| list == name) {
                    items.sort_by_cached_key(|item| sort_key(item, keys));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    map.retain(|_, value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(inner) => !inner.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    });
}

fn sort_key(item: &Value, keys: &[&str]) -> Vec<String> {
    if keys.is_empty() {
        return vec![item.to_string()];
    }
    keys.iter().map(|key| item.get(key).map(Value::to_string).unwrap_or_default()).collect()
}

/// A task's cpu or memory as ECS stores it: `1 vCPU` is `1024` units, `2GB` is `2048` MiB.
pub fn plain_size(value: &Value) -> Value {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_ascii_lowercase(),
        _ => return value.clone(),
    };
    let amount = text.strip_suffix("vcpu").or_else(|| text.strip_suffix("gb"));
    match amount.and_then(|amount| amount.trim().parse::<f64>().ok()) {
        Some(amount) => format!("{}", amount * 1024.0).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    fn web(container: Value, task: Value) -> TaskDefinition {
        let mut document = json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx"}]});
        let merge = |into: &mut Value, from: Value| {
            for (key, value) in from.as_object().unwrap() {
                into[key] = value.clone();
            }
        };
        merge(&mut document["containerDefinitions"][0], container);
        merge(&mut document, task);
        TaskDefinition::from_document(document).unwrap()
    }

    #[test]
    fn what_ecs_fills_in_is_no_difference() {
        let bare = json!({});
        let port = |port: Value| json!({"portMappings": [port]});
        let awsvpc = json!({"networkMode": "awsvpc"});
        let (cpu, role) = (json!({"cpu": "1 vCPU", "memory": "2 GB"}), json!({"taskRoleArn": "web"}));
        for (asked, stored) in [
            (
                web(bare.clone(), bare.clone()),
                web(
                    json!({"cpu": 0, "essential": true, "environment": [], "mountPoints": [], "portMappings": [],
                        "volumesFrom": [], "systemControls": []}),
                    json!({"volumes": [], "placementConstraints": [], "networkMode": "bridge", "enableFaultInjection": false}),
                ),
            ),
            (
                web(port(json!({"containerPort": 80})), awsvpc.clone()),
                web(port(json!({"containerPort": 80, "hostPort": 80, "protocol": "tcp"})), awsvpc),
            ),
            (
                web(port(json!({"containerPort": 80})), bare.clone()),
                web(port(json!({"containerPort": 80, "hostPort": 0, "protocol": "tcp"})), bare.clone()),
            ),
            (
                web(json!({"healthCheck": {"command": ["CMD", "true"]}}), bare.clone()),
                web(
                    json!({"healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3}}),
                    bare.clone(),
                ),
            ),
            (web(bare.clone(), cpu), web(bare.clone(), json!({"cpu": "1024", "memory": "2048"}))),
            (web(bare.clone(), json!({"cpu": 256})), web(bare.clone(), json!({"cpu": "256"}))),
            (web(bare.clone(), json!({"cpu": ".25 vcpu"})), web(bare.clone(), json!({"cpu": "256"}))),
            (
                web(bare.clone(), role),
                web(bare.clone(), json!({"taskRoleArn": "arn:aws:iam::123456789012:role/path/web"})),
            ),
            (
                web(
                    json!({"secrets": [{"name": "B", "valueFrom": "b"}, {"name": "A", "valueFrom": "a"}]}),
                    bare.clone(),
                ),
                web(
                    json!({"secrets": [{"valueFrom": "a", "name": "A"}, {"name": "B", "valueFrom": "b"}]}),
                    bare.clone(),
                ),
            ),
            (
                web(
                    json!({"user": null, "logConfiguration": {"logDriver": "awslogs", "secretOptions": []}}),
                    bare.clone(),
                ),
                web(json!({"logConfiguration": {"logDriver": "awslogs"}}), bare.clone()),
            ),
            (web(bare.clone(), bare.clone()), web(bare.clone(), json!({"tags": [{"key": "a", "value": "b"}]}))),
            (
                web(
                    json!({"mountPoints": [{"sourceVolume": "a", "containerPath": "/a"}], "volumesFrom": [{"sourceContainer": "b"}]}),
                    json!({"volumes": [{"name": "a", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
                        "proxyConfiguration": {"containerName": "envoy"}}),
                ),
                web(
                    json!({"privileged": false, "readonlyRootFilesystem": false, "interactive": false, "pseudoTerminal": false,
                        "disableNetworking": false,
                        "mountPoints": [{"sourceVolume": "a", "containerPath": "/a", "readOnly": false}],
                        "volumesFrom": [{"sourceContainer": "b", "readOnly": false}]}),
                    json!({"volumes": [{"name": "a", "configuredAtLaunch": false, "efsVolumeConfiguration": {
                            "fileSystemId": "fs-1", "rootDirectory": "/", "transitEncryption": "DISABLED",
                            "authorizationConfig": {"iam": "DISABLED"}}}],
                        "proxyConfiguration": {"containerName": "envoy", "type": "APPMESH"}}),
                ),
            ),
        ] {
            assert!(!differs(&asked, &stored), "{asked:?}\n{stored:?}\n{:?}", comparable(&asked, &stored));
        }
    }

    #[test]
    fn what_a_user_changed_is_a_difference() {
        let bare = json!({});
        let env = |env: Value| web(json!({"environment": env}), json!({}));
        let port = |port: Value, mode: &str| web(json!({"portMappings": [port]}), json!({"networkMode": mode}));
        for (asked, stored) in [
            (web(json!({"image": "nginx:2"}), bare.clone()), web(bare.clone(), bare.clone())),
            (env(json!([{"name": "A", "value": ""}])), env(json!([]))),
            (env(json!([{"name": "A", "value": ""}])), env(json!([{"name": "A"}]))),
            (web(json!({"command": ["a", "b"]}), bare.clone()), web(json!({"command": ["b", "a"]}), bare.clone())),
            (web(json!({"command": ["a", ""]}), bare.clone()), web(json!({"command": ["a"]}), bare.clone())),
            (web(json!({"essential": false}), bare.clone()), web(bare.clone(), bare.clone())),
            (web(json!({"readonlyRootFilesystem": true}), bare.clone()), web(bare.clone(), bare.clone())),
            (
                port(json!({"containerPort": 80, "hostPort": 80}), "bridge"),
                port(json!({"containerPort": 80}), "bridge"),
            ),
            (web(bare.clone(), json!({"brandNew": 1})), web(bare.clone(), bare.clone())),
            (
                web(bare.clone(), json!({"tags": [{"key": "a", "value": "c"}]})),
                web(bare.clone(), json!({"tags": [{"key": "a", "value": "b"}]})),
            ),
            (
                web(bare.clone(), json!({"taskRoleArn": "arn:aws:iam::111111111111:role/web"})),
                web(bare.clone(), json!({"taskRoleArn": "arn:aws:iam::222222222222:role/web"})),
            ),
            (web(bare.clone(), json!({"memory": "2048"})), web(bare.clone(), json!({"memory": "2 TB"}))),
        ] {
            assert!(differs(&asked, &stored), "{asked:?}\n{stored:?}");
        }
    }
}
