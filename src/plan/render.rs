//! The rendered task definition: the base, the edits, nothing lost.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{edits, fields, limits, patch, pin};
use crate::error::{Code, Error};
use crate::inputs::Definition;
use crate::inputs::suggest::nearest;
use crate::model::task_definition::{TaskDefinition, kind};
use crate::observe::{Base, Digest};

/// The definition after the edits, and what is to be said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The definition.
    pub definition: TaskDefinition,
    /// Remarks for the user.
    pub warnings: Vec<String>,
}

/// Applies the edits to the base.
///
/// # Errors
/// The base is no task definition, an edit matches nothing, or ECS would refuse the result: all of them.
pub fn render(base: &Base, asked: &Definition, digests: &BTreeMap<String, Digest>) -> Result<Rendered, Vec<Error>> {
    let mut definition = TaskDefinition::from_document(base.document.clone()).map_err(|why| {
        let what = format!("`{}` is not a task definition.", base.origin);
        let fix = "Give a task definition as RegisterTaskDefinition takes it, or an answer of DescribeTaskDefinition.";
        vec![Error::new(Code::TaskDefinitionInvalid, what, format!("Because {why}."), fix)]
    })?;
    check_containers(&definition, &base.origin).map_err(|error| vec![error])?;
    let mut warnings = Vec::new();
    let mut errors = edits::apply(&mut definition, &asked.edits, &mut warnings);
    if let Some(patch) = &asked.edits.patch {
        errors.extend(patch::apply(&mut definition, patch));
    }
    errors.extend(edits::tag(&mut definition, &asked.tags));
    warnings.extend(fields::fit(&mut definition));
    if asked.pin_image_digest {
        errors.extend(pin::pin(&mut definition, digests, &mut warnings));
    }
    errors.extend(limits::check(&definition));
    if errors.is_empty() { Ok(Rendered { definition, warnings }) } else { Err(errors) }
}

/// Every edit needs the list of containers.
fn check_containers(definition: &TaskDefinition, origin: &str) -> Result<(), Error> {
    let why = match definition.0.get("containerDefinitions") {
        Some(Value::Array(containers)) => match containers.iter().find(|container| !container.is_object()) {
            None if containers.is_empty() => "`containerDefinitions` is empty.".to_owned(),
            None => return Ok(()),
            Some(other) => format!("An entry of `containerDefinitions` is {}, not an object.", kind(other)),
        },
        Some(other) => format!("`containerDefinitions` is {}, not a list.", kind(other)),
        None => match nearest("containerDefinitions", definition.0.keys().map(String::as_str)) {
            Some(name) => format!("It has no `containerDefinitions`, but `{name}`: is that what is meant?"),
            None => "It has no `containerDefinitions`.".to_owned(),
        },
    };
    let what = format!("`{origin}` has no containers.");
    Err(Error::new(
        Code::TaskDefinitionInvalid,
        what,
        why,
        "Give it a list `containerDefinitions` with at least one container.",
    ))
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
