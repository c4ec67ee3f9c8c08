//! What ECS would refuse, said before the call.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::error::{Code, Error};
use crate::model::task_definition::TaskDefinition;

const MAX_BYTES: usize = 64 * 1024;
const MAX_CONTAINERS: usize = 10;
const MAX_TAGS: usize = 50;

/// Every rule that the definition breaks.
pub(super) fn check(definition: &TaskDefinition) -> Vec<Error> {
    let mut errors = Vec::new();
    check_family(definition, &mut errors);
    check_containers(definition, &mut errors);
    let tags = definition.0.get("tags").and_then(Value::as_array).map_or(0, Vec::len);
    if tags > MAX_TAGS {
        errors.push(invalid(
            format!("The task definition has {tags} tags."),
            format!("ECS takes at most {MAX_TAGS}."),
            "Take tags out of `tags` or of the task definition.",
        ));
    }
    let bytes = serde_json::to_string(&definition.0).map_or(0, |text| text.len());
    if bytes > MAX_BYTES {
        errors.push(invalid(
            format!("The task definition has {bytes} bytes as it is sent."),
            format!("ECS takes at most {MAX_BYTES}."),
            "Move long values out of it: into secrets, environment files or the image.",
        ));
    }
    errors
}

fn check_family(definition: &TaskDefinition, errors: &mut Vec<Error>) {
    let family = definition.family();
    let is_valid = family.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if family.is_empty() {
        let why = "ECS needs `family`, the name that revisions are counted under.";
        errors.push(invalid(
            "The task definition has no family.".to_owned(),
            why.to_owned(),
            "Add `family` to the task definition.",
        ));
    } else if !is_valid || family.len() > 255 {
        errors.push(invalid(
            format!("The family `{family}` is not a name that ECS takes."),
            "A family has at most 255 letters, digits, `-` and `_`; the revision is counted by ECS.".to_owned(),
            "Correct `family` in the task definition.",
        ));
    }
}

fn check_containers(definition: &TaskDefinition, errors: &mut Vec<Error>) {
    let count = definition.containers().count();
    if count > MAX_CONTAINERS {
        errors.push(invalid(
            format!("The task definition has {count} containers."),
            format!("ECS takes at most {MAX_CONTAINERS}."),
            "Split it into several task definitions.",
        ));
    }
    let mut seen = BTreeSet::new();
    for (index, container) in definition.containers().enumerate() {
        let Some(name) = container.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
            let what = format!("Container {} of the task definition has no name.", index + 1);
            errors.push(invalid(what, "ECS tells containers apart by `name`.".to_owned(), "Give it a `name`."));
            continue;
        };
        if !seen.insert(name) {
            errors.push(invalid(
                format!("Two containers have the name `{name}`."),
                "ECS tells containers apart by `name`.".to_owned(),
                "Rename one of them.",
            ));
        }
        if container.get("image").and_then(Value::as_str).is_none_or(str::is_empty) {
            errors.push(invalid(
                format!("The container `{name}` has no image."),
                "ECS needs one for each container.".to_owned(),
                "Give it in `image` or `images`, or write it into the task definition.",
            ));
        }
        check_names(container, name, errors);
    }
}

/// A name may be a variable or a secret, once.
fn check_names(container: &Map<String, Value>, name: &str, errors: &mut Vec<Error>) {
    let names = |field: &str| {
        let list = container.get(field).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|entry| entry.get("name")?.as_str()).collect::<BTreeSet<_>>()
    };
    for both in names("environment").intersection(&names("secrets")) {
        errors.push(invalid(
            format!("`{both}` is both an environment variable and a secret of container `{name}`."),
            "ECS takes a name in one of the two only.".to_owned(),
            "Take it out of `environment` or out of `secrets`.",
        ));
    }
}

fn invalid(what: String, why: String, fix: &str) -> Error {
    Error::new(Code::TaskDefinitionInvalid, what, why, fix)
}
