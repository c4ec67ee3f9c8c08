//! The edits that inputs make by name: each touches what it names and nothing else.

use serde_json::{Map, Value, json};

use super::named::{list_in, object_in};
use crate::error::{Code, Error};
use crate::inputs::Edits;
use crate::inputs::suggest::nearest;
use crate::model::task_definition::TaskDefinition;

/// Applies every edit but the patch; all errors at once.
pub(super) fn apply(definition: &mut TaskDefinition, edits: &Edits, warnings: &mut Vec<String>) -> Vec<Error> {
    let mut errors = Vec::new();
    let names: Vec<String> = definition.container_names().map(str::to_owned).collect();
    let targets = targets(&names, edits, &mut errors);
    for (container, _) in &edits.images {
        if !names.contains(container) {
            errors.push(container_not_found(container, "images", &names));
        }
    }
    for container in definition.containers_mut() {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some((_, image)) = edits.images.iter().find(|(container, _)| *container == name) {
            container.insert("image".to_owned(), image.to_string().into());
        }
        if targets.contains(&name)
            && let Err(why) = apply_to(container, edits, &name, warnings)
        {
            errors.push(not_editable(&name, &why));
        }
    }
    for (field, role) in [("taskRoleArn", &edits.task_role), ("executionRoleArn", &edits.execution_role)] {
        if let Some(role) = role {
            definition.0.insert(field.to_owned(), role.as_str().into());
        }
    }
    errors
}

/// Sets the revision's tags, keeping the others.
pub(super) fn tag(definition: &mut TaskDefinition, tags: &[(String, String)]) -> Option<Error> {
    for (key, value) in tags {
        match list_in(&mut definition.0, "tags") {
            Ok(list) => set(list, "key", "value", key, value),
            Err(why) => {
                let what = "The tags cannot be set.";
                return Some(Error::new(
                    Code::TaskDefinitionInvalid,
                    what,
                    format!("Because {why}."),
                    "Correct the task definition.",
                ));
            }
        }
    }
    None
}

/// The names of the containers that the edits are for.
fn targets(names: &[String], edits: &Edits, errors: &mut Vec<Error>) -> Vec<String> {
    for name in edits.containers.iter().filter(|name| !names.contains(name)) {
        errors.push(container_not_found(name, "container-name", names));
    }
    if !edits.containers.is_empty() {
        return edits.containers.clone();
    }
    let Some(input) = needs_container(edits) else { return Vec::new() };
    if let [only] = names {
        return vec![only.clone()];
    }
    errors.push(Error::new(
        Code::InputMissing,
        format!("`{input}` does not say which container it is for."),
        format!("The task definition has {} containers: {}.", names.len(), names.join(", ")),
        if input == "image" {
            "Name it in `container-name`, or use `images` with lines `container=image`."
        } else {
            "Name it in `container-name`."
        },
    ));
    Vec::new()
}

/// An input that is given and applies to a container that must be known.
fn needs_container(edits: &Edits) -> Option<&'static str> {
    let given = [
        ("image", edits.image.is_some()),
        ("environment-variables", !edits.environment.is_empty()),
        ("secrets", !edits.secrets.is_empty()),
        ("env-files", !edits.env_files.is_empty()),
        ("docker-labels", !edits.docker_labels.is_empty()),
        ("log-configuration-log-driver", edits.log_driver.is_some()),
        ("log-configuration-options", !edits.log_options.is_empty()),
        ("command", edits.command.is_some()),
    ];
    given.into_iter().find_map(|(input, is_given)| is_given.then_some(input))
}

fn apply_to(
    container: &mut Map<String, Value>,
    edits: &Edits,
    name: &str,
    warnings: &mut Vec<String>,
) -> Result<(), String> {
    if let Some(image) = &edits.image {
        container.insert("image".to_owned(), image.to_string().into());
    }
    // ECS refuses a name that is both a variable and a secret: it moves to where it was given.
    for (variable, value) in &edits.environment {
        set(list_in(container, "environment")?, "name", "value", variable, value);
        remove(container, "secrets", variable);
    }
    for (secret, value_from) in &edits.secrets {
        set(list_in(container, "secrets")?, "name", "valueFrom", secret, value_from);
        remove(container, "environment", secret);
    }
    if !edits.env_files.is_empty() {
        let files: Vec<Value> = edits.env_files.iter().map(|arn| json!({"value": arn, "type": "s3"})).collect();
        container.insert("environmentFiles".to_owned(), files.into());
    }
    if !edits.docker_labels.is_empty() {
        extend(object_in(container, "dockerLabels")?, &edits.docker_labels);
    }
    set_logging(container, edits, name, warnings)?;
    if let Some(command) = &edits.command {
        container.insert("command".to_owned(), command.clone().into());
    }
    Ok(())
}

/// The driver and its options. The options of one driver mean nothing to another, so a changed driver begins anew.
fn set_logging(
    container: &mut Map<String, Value>,
    edits: &Edits,
    name: &str,
    warnings: &mut Vec<String>,
) -> Result<(), String> {
    if edits.log_driver.is_none() && edits.log_options.is_empty() {
        return Ok(());
    }
    let logging = object_in(container, "logConfiguration")?;
    let before = logging.get("logDriver").and_then(Value::as_str).map(str::to_owned);
    match (&edits.log_driver, before) {
        (Some(driver), Some(before)) if *driver != before => {
            let of_before = |field| logging.get(field).is_some_and(|value| value != &json!({}) && value != &json!([]));
            if of_before("options") || of_before("secretOptions") {
                warnings.push(format!(
                    "The log driver of container `{name}` changes from {before} to {driver}; the options of {before} are taken out."
                ));
            }
            *logging = Map::new();
            logging.insert("logDriver".to_owned(), driver.as_str().into());
        }
        (Some(driver), _) => {
            logging.insert("logDriver".to_owned(), driver.as_str().into());
        }
        (None, Some(_)) => {}
        (None, None) => {
            return Err(
                "it has no log driver: `log-configuration-options` needs `log-configuration-log-driver`".to_owned()
            );
        }
    }
    if !edits.log_options.is_empty() {
        extend(object_in(logging, "options")?, &edits.log_options);
    }
    Ok(())
}

fn extend(map: &mut Map<String, Value>, entries: &[(String, String)]) {
    map.extend(entries.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))));
}

/// Sets the value of the entry with this name in place, or appends one.
fn set(list: &mut Vec<Value>, key: &str, value_key: &str, name: &str, value: &str) {
    let mut found = false;
    for entry in list.iter_mut().filter_map(Value::as_object_mut) {
        if entry.get(key).and_then(Value::as_str) == Some(name) {
            entry.insert(value_key.to_owned(), value.into());
            found = true;
        }
    }
    if !found {
        list.push(json!({key: name, value_key: value}));
    }
}

/// Takes the entries with this name out of a container's list.
pub(super) fn remove(container: &mut Map<String, Value>, field: &str, name: &str) {
    if let Some(Value::Array(list)) = container.get_mut(field) {
        list.retain(|entry| entry.get("name").and_then(Value::as_str) != Some(name));
    }
}

/// The error of an edit that names a container that is not there.
pub(super) fn container_not_found(container: &str, input: &str, names: &[String]) -> Error {
    let fix = match nearest(container, names.iter().map(String::as_str)) {
        Some(name) => format!("Correct `{input}`; names are case-sensitive. Did you mean `{name}`?"),
        None => format!("Name one of these in `{input}`."),
    };
    Error::new(
        Code::ContainerNotFound,
        format!("The task definition has no container `{container}`."),
        match names {
            [only] => format!("Its only container is `{only}`."),
            _ => format!("Its containers are: {}.", names.join(", ")),
        },
        fix,
    )
}

fn not_editable(container: &str, why: &str) -> Error {
    Error::new(
        Code::TaskDefinitionInvalid,
        format!("The container `{container}` cannot be edited."),
        format!("Because {why}."),
        "Correct the task definition or the input.",
    )
}
