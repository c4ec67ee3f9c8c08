//! What the API's own shape says about a definition: misspelled fields, and scalars of another type than ECS takes.
//!
//! Nothing is refused or dropped here: the shape is older than the service, and ECS has the last word.

use serde_json::Value;

use super::named::named_list;
use crate::inputs::suggest::nearest;
use crate::model::task_definition::{TaskDefinition, kind};

/// RegisterTaskDefinition's input, written by `tests/tools/fields.py`: a structure is its fields, a map `{"*": type}`,
/// a list `[type]`, a scalar `s`, `i`, `b` or `d`.
const SHAPE: &str = include_str!("fields.json");

/// Gives scalars the type that ECS takes where their text allows it, and tells what else does not fit.
pub(super) fn fit(definition: &mut TaskDefinition) -> Vec<String> {
    let shape: Value = serde_json::from_str(SHAPE).unwrap_or_default();
    let mut found = Found::default();
    let mut document = Value::Object(std::mem::take(&mut definition.0));
    walk(&mut document, &shape, "", &mut found);
    if let Value::Object(fields) = document {
        definition.0 = fields;
    }
    if !found.converted.is_empty() {
        found.remarks.push(format!("Sent as the type that ECS takes, not as written: {}.", found.converted.join(", ")));
    }
    found.remarks
}

#[derive(Default)]
struct Found {
    remarks: Vec<String>,
    converted: Vec<String>,
}

fn walk(value: &mut Value, shape: &Value, path: &str, found: &mut Found) {
    match (shape, &mut *value) {
        (_, Value::Null) => {}
        (Value::Object(members), Value::Object(fields)) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match members.get(name).or_else(|| members.get("*")) {
                    Some(shape) => walk(value, shape, &path, found),
                    None => found.remarks.push(unknown(&path, name, members.keys().map(String::as_str))),
                }
            }
        }
        (Value::Array(shapes), Value::Array(items)) => {
            let list = named_list(path.rsplit('.').next().unwrap_or_default());
            for (index, item) in items.iter_mut().enumerate() {
                let name = list.and_then(|list| list.name_of(item)).unwrap_or_else(|| index.to_string());
                for shape in shapes {
                    walk(item, shape, &format!("{path}[{name}]"), found);
                }
            }
        }
        (Value::String(scalar), _) => match converted(scalar, value) {
            Ok(None) => {}
            Ok(Some(new)) => {
                *value = new;
                found.converted.push(format!("`{path}`"));
            }
            Err(wanted) => found.remarks.push(mismatch(path, wanted, value)),
        },
        (Value::Object(_), _) => found.remarks.push(mismatch(path, "an object", value)),
        (Value::Array(_), _) => found.remarks.push(mismatch(path, "a list", value)),
        _ => {}
    }
}

fn mismatch(path: &str, wanted: &str, value: &Value) -> String {
    format!("ECS takes {wanted} for `{path}`, and it is {}. It is sent as it is.", kind(value))
}

fn unknown<'a>(path: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let hint = nearest(name, known).map(|known| format!(" Did you mean `{known}`?")).unwrap_or_default();
    format!("`{path}` is not a field that this version knows; it is sent as it is.{hint}")
}

/// The value in the scalar's type; nothing when it already is.
fn converted(scalar: &str, value: &Value) -> Result<Option<Value>, &'static str> {
    match (scalar, value) {
        ("s", Value::String(_)) | ("b", Value::Bool(_)) | ("d", Value::Number(_)) => Ok(None),
        ("s", Value::Number(number)) => Ok(Some(number.to_string().into())),
        ("s", Value::Bool(flag)) => Ok(Some(flag.to_string().into())),
        ("s", _) => Err("a text"),
        ("i", Value::Number(number)) if !number.is_f64() => Ok(None),
        ("i", Value::String(text)) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == *text => Ok(Some(number.into())),
            _ => Err("a whole number"),
        },
        ("i", _) => Err("a whole number"),
        ("b", Value::String(text)) => match text.as_str() {
            "true" => Ok(Some(true.into())),
            "false" => Ok(Some(false.into())),
            _ => Err("true or false"),
        },
        ("b", _) => Err("true or false"),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    fn fitted(document: Value) -> (Value, String) {
        let mut definition = TaskDefinition::from_document(document).unwrap();
        let remarks = fit(&mut definition);
        (Value::Object(definition.0), remarks.join("\n"))
    }

    #[test]
    fn the_shape_is_the_apis() {
        let shape: Value = serde_json::from_str(SHAPE).unwrap();
        assert_eq!(shape["containerDefinitions"][0]["environment"][0]["value"], "s");
        assert_eq!(shape["containerDefinitions"][0]["dockerLabels"]["*"], "s");
    }

    #[test]
    fn scalars_get_the_type_that_ecs_takes() {
        let (document, remarks) = fitted(json!({
            "cpu": 256, "memory": "512", "enableFaultInjection": "false",
            "containerDefinitions": [{
                "name": "web", "cpu": "10", "essential": true, "memory": 128,
                "environment": [{"name": "PORT", "value": 8080}, {"name": "DEBUG", "value": true}, {"name": "RATE", "value": 0.5}, {"name": "EMPTY", "value": ""}],
                "dockerLabels": {"port": 80},
                "portMappings": [{"containerPort": "8080"}],
                "user": 1000,
            }],
        }));
        assert_eq!(
            document,
            json!({
                "cpu": "256", "memory": "512", "enableFaultInjection": false,
                "containerDefinitions": [{
                    "name": "web", "cpu": 10, "essential": true, "memory": 128,
                    "environment": [{"name": "PORT", "value": "8080"}, {"name": "DEBUG", "value": "true"}, {"name": "RATE", "value": "0.5"}, {"name": "EMPTY", "value": ""}],
                    "dockerLabels": {"port": "80"},
                    "portMappings": [{"containerPort": 8080}],
                    "user": "1000",
                }],
            })
        );
        insta::assert_snapshot!(remarks, @"Sent as the type that ECS takes, not as written: `cpu`, `enableFaultInjection`, `containerDefinitions[web].cpu`, `containerDefinitions[web].environment[PORT].value`, `containerDefinitions[web].environment[DEBUG].value`, `containerDefinitions[web].environment[RATE].value`, `containerDefinitions[web].dockerLabels.port`, `containerDefinitions[web].portMappings[8080].containerPort`, `containerDefinitions[web].user`.");
    }

    #[test]
    fn what_does_not_fit_is_told_and_kept() {
        let odd = json!({
            "Family": "web", "tags": [{"Key": "a", "value": "b"}], "brandNewField": {"any": 1},
            "containerDefinitions": [{
                "name": "web", "image": null, "enviroment": [], "command": "npm start", "cpu": "1 vCPU", "healthCheck": [],
                "logConfiguration": {"logDriver": "awslogs", "options": {"anything-goes": "x"}},
                "dependsOn": [{"containerName": "db", "state": "HEALTHY"}], "environment": [{"value": ["a"]}],
            }],
        });
        let (document, remarks) = fitted(odd.clone());
        assert_eq!(document, odd);
        insta::assert_snapshot!(remarks, @r"
        `Family` is not a field that this version knows; it is sent as it is. Did you mean `family`?
        `tags[0].Key` is not a field that this version knows; it is sent as it is. Did you mean `key`?
        `brandNewField` is not a field that this version knows; it is sent as it is.
        `containerDefinitions[web].enviroment` is not a field that this version knows; it is sent as it is. Did you mean `environment`?
        ECS takes a list for `containerDefinitions[web].command`, and it is a text. It is sent as it is.
        ECS takes a whole number for `containerDefinitions[web].cpu`, and it is a text. It is sent as it is.
        ECS takes an object for `containerDefinitions[web].healthCheck`, and it is a list. It is sent as it is.
        `containerDefinitions[web].dependsOn[db].state` is not a field that this version knows; it is sent as it is.
        ECS takes a text for `containerDefinitions[web].environment[0].value`, and it is a list. It is sent as it is.
        ");
    }
}
